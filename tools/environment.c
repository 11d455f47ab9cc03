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

/* An editor may have taken the newline behind these. */
#define FIRST                                                            \
	"# This block is from \"shptctl postgres enable\"; \"disable\" " \
	"takes it out."
#define LAST "# End of the block from \"shptctl postgres enable\"."

/* At the beginning of a line: a folder's name may have the same words in it. */
static char *find_mark(char *text, const char *mark)
{
	char *at = strstr(text, mark);

	while (at && at != text && at[-1] != '\n')
		at = strstr(at + 1, mark);
	return at;
}

/* With the newline before it, if no other line needs that. */
static char *block_start(char *text, const char *end)
{
	char *first = find_mark(text, FIRST);

	if (!first || first == text)
		return first;
	if (!*end || first - 1 == text || first[-2] == '\n')
		return first - 1;
	return first;
}

void environment_read(struct environment *e, const struct cluster *c)
{
	char *last, *start, *end;

	e->path = print("%s/environment", c->dir);
	if (faccessat(c->root, c->dir, F_OK, 0))
		die(EXIT_FAILURE, "/%s: %s; see pg_lsclusters", c->dir,
		    strerror(errno));
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

	last = find_mark(e->text, LAST);
	end = last ? last + strlen(LAST) : e->text;
	end += *end == '\n' && last;
	start = block_start(e->text, end);
	if (start && start < last) {
		e->block = print("%.*s", (int)(end - start), start);
		e->own = print("%.*s%s", (int)(start - e->text), e->text, end);
	} else {
		e->block = NULL;
		e->own = print("%s", e->text);
	}
	/* With a part of one left, no other could be told from it later. */
	if (find_mark(e->own, FIRST) || find_mark(e->own, LAST))
		die(EXIT_FAILURE,
		    "/%s: only a part is left of what shptctl wrote, or there "
		    "is more than one: take the rest out",
		    e->path);
}

char *environment_value(const struct environment *e, const struct cluster *c,
			const char *text, int variable)
{
	return conf_value(c->root, e->path, text, preload_variables[variable]);
}

struct preload environment_settings(const struct environment *e,
				    const struct cluster *c, const char *text)
{
	struct preload p;

	for (int i = 0; i < PRELOAD_VARIABLES; i++)
		p.values[i] = environment_value(e, c, text, i);
	return p;
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
	fputs("\n" FIRST "\n", f);
	for (size_t i = 0; i < PRELOAD_VARIABLES; i++)
		if (p->values[i] && *p->values[i])
			conf_write(f, preload_variables[i], p->values[i]);
	fputs(LAST "\n", f);
	fclose(f);
	return text;
}

/* What was read before is still there. */
static bool is_unchanged(const struct environment *e, const struct cluster *c)
{
	struct stat st;
	char *now = file_text(c->root, e->path, O_NOFOLLOW | O_NONBLOCK, &st);
	bool same = now && !strcmp(now, e->text);

	free(now);
	return same;
}

/* The error is that of the last write: one that is short sets none. */
static bool write_all(int fd, const char *text)
{
	while (*text) {
		ssize_t n = write(fd, text, strlen(text));

		if (n < 0)
			return false;
		text += n;
	}
	return true;
}

/*
 * Readers, and a crash, find the old file or the new one. The new one, until it
 * has taken the place of the old, is a lock that keeps others from changing it.
 */
void environment_replace(const struct environment *e, const struct cluster *c,
			 const char *text)
{
	char *path = print("%s.shptctl", e->path);
	int fd = openat(c->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);

	if (fd < 0 && errno == EEXIST)
		die(EXIT_FAILURE,
		    "/%s is there: another shptctl is at work, or was killed: "
		    "then remove it",
		    path);
	if (fd < 0)
		die(EXIT_FAILURE, "/%s: %s", path, strerror(errno));
	if (!is_unchanged(e, c)) {
		unlinkat(c->root, path, 0);
		die(EXIT_FAILURE,
		    "/%s has been changed meanwhile: run this again", e->path);
	}
	if (fchown(fd, e->st.st_uid, e->st.st_gid) ||
	    fchmod(fd, e->st.st_mode & 07777) || !write_all(fd, text) ||
	    fsync(fd) || renameat(c->root, path, c->root, e->path)) {
		int err = errno;

		unlinkat(c->root, path, 0);
		die(EXIT_FAILURE, "cannot write /%s: %s", e->path,
		    strerror(err));
	}
	close(fd);
	free(path);
}
