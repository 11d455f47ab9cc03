// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * environment.c - the file with the environment of a cluster's server
 *
 * pg_ctlcluster starts the server with what is in it and nothing else. What we
 * write is a block at its end, where it counts more than the lines before; all
 * other bytes stay as they are. The newline before the block is part of it: so
 * the file may end without one, and is the same again when the block is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shptctl.h"

#define FIRST                                                          \
	"# This block is from \"shptctl postgres enable\"; \"disable\" " \
	"takes it out.\n"
#define LAST "# End of the block from \"shptctl postgres enable\".\n"

/* With the newline before it, if no other line needs that. */
static char *block_start(char *text, const char *end)
{
	char *first = strstr(text, FIRST);

	if (!first || first == text || first[-1] != '\n')
		return first;
	if (!*end || first - 1 == text || first[-2] == '\n')
		return first - 1;
	return first;
}

void environment_read(struct environment *e, const struct cluster *c)
{
	char *last, *start, *end;

	e->path = print("%s/environment", c->dir);
	e->text = file_text(c->root, e->path, O_NOFOLLOW | O_NONBLOCK, &e->st);
	if (!e->text && errno == ENOENT)
		die(EXIT_FAILURE,
		    "there is no /%s: make one, a copy of "
		    "/etc/postgresql-common/environment if there is that, or "
		    "else empty",
		    e->path);
	if (!e->text)
		die(EXIT_FAILURE, "/%s: %s", e->path,
		    errno == ELOOP ? "a symbolic link: put a file there" :
				     strerror(errno));
	if (!S_ISREG(e->st.st_mode) || strlen(e->text) != (size_t)e->st.st_size)
		die(EXIT_FAILURE, "/%s is no file of text", e->path);

	last = strstr(e->text, LAST);
	end = last ? last + strlen(LAST) : e->text;
	start = block_start(e->text, end);
	if (!start != !last || (start && start > last))
		die(EXIT_FAILURE,
		    "/%s: only a part is left of what shptctl wrote: take the "
		    "rest out",
		    e->path);
	e->block = start ? print("%.*s", (int)(end - start), start) : NULL;
	e->own = start ? print("%.*s%s", (int)(start - e->text), e->text, end) :
			 print("%s", e->text);
}

char *environment_with(const struct environment *e, const char *block)
{
	return print("%s%s", e->own, block ? block : "");
}

char *environment_block(const struct preload *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		die(EXIT_FAILURE, "no memory");
	fputs("\n" FIRST, f);
	for (size_t i = 0; i < PRELOAD_VARIABLES; i++)
		if (p->values[i])
			conf_write(f, preload_variables[i], p->values[i]);
	fputs(LAST, f);
	fclose(f);
	return text;
}

/* Readers, and a crash, find the old file or the new one. */
void environment_replace(const struct environment *e, const struct cluster *c,
			 const char *text)
{
	char *path = print("%s.shptctl", e->path);
	size_t size = strlen(text);
	int fd = openat(c->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);

	if (fd < 0 && errno == EEXIST)
		die(EXIT_FAILURE,
		    "/%s is there: another shptctl is at work, or was killed: "
		    "then remove it",
		    path);
	if (fd < 0)
		die(EXIT_FAILURE, "/%s: %s", path, strerror(errno));
	if (fchown(fd, e->st.st_uid, e->st.st_gid) ||
	    fchmod(fd, e->st.st_mode & 07777) ||
	    write(fd, text, size) != (ssize_t)size || fsync(fd) ||
	    renameat(c->root, path, c->root, e->path)) {
		int err = errno;

		unlinkat(c->root, path, 0);
		die(EXIT_FAILURE, "cannot write /%s: %s", e->path,
		    strerror(err));
	}
	close(fd);
	free(path);
}
