// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conf.c - settings in files of PostgreSQL's and of postgresql-common's
 *
 *	name = 'value'	# the sign, and quotes around a word, may be left out
 *
 * The last line with a name counts. A line can include a file, or all the files
 * of a folder that end in ".conf", as if they were in its place.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shptctl.h"

#define BLANKS " \t\r\f\v"
#define NAME_CHARACTERS              \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789_.-"
#define MAX_DEPTH 10 /* of files that include files, as in PostgreSQL */

struct search {
	int root;
	const char *name;
	char *value; /* of the last line so far, or NULL */
	int depth;
	bool too_deep; /* PostgreSQL does not take such files at all */
};

char *file_text(int dir, const char *path, int flags, struct stat *st)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | flags);
	char *text = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, st) == 0 && (text = malloc(st->st_size + 1))) {
		ssize_t n = read(fd, text, st->st_size);

		if (n < 0) {
			free(text);
			text = NULL;
		} else {
			text[n] = '\0';
		}
	}
	close(fd);
	return text;
}

/* Of 'a ''quoted'' or \'escaped\' value', in place. */
static void unquote(char *value)
{
	char *to = value;

	for (const char *from = value + 1; *from; from++) {
		if (*from == '\'' && from[1] != '\'')
			break;
		if ((*from == '\'' || *from == '\\') && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/* False if there is no setting in the line. */
static bool split(char *line, char **name, char **value)
{
	char *end, *v;

	*name = line + strspn(line, BLANKS);
	end = *name + strspn(*name, NAME_CHARACTERS);
	v = end + strspn(end, BLANKS);
	if (*v == '=')
		v++;
	v += strspn(v, BLANKS);
	if (end == *name)
		return false;
	*end = '\0';
	if (*v == '\'')
		unquote(v);
	else
		v[strcspn(v, BLANKS "#")] = '\0';
	*value = v;
	return true;
}

/* No deeper than MAX_DEPTH. NOLINTBEGIN(misc-no-recursion) */
static void find(struct search *s, const char *path, const char *text);

static void find_in_file(struct search *s, const char *path)
{
	struct stat st;
	char *text;

	s->too_deep |= s->depth == MAX_DEPTH;
	/* A few that include each other could be gone through for ever. */
	if (s->too_deep)
		return;
	text = file_text(s->root, path, 0, &st);
	if (!text)
		return;
	s->depth++;
	find(s, path, text);
	s->depth--;
	free(text);
}

static int ends_in_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot > entry->d_name && *entry->d_name != '.' &&
	       !strcmp(dot, ".conf");
}

static void find_in_folder(struct search *s, const char *folder)
{
	struct dirent **entries;
	int n = scandirat(s->root, folder, &entries, ends_in_conf, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = print("%s/%s", folder, entries[i]->d_name);

		find_in_file(s, path);
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* What is not absolute is beside the file that names it. */
static char *included(const char *by, const char *value)
{
	const char *slash = strrchr(by, '/');

	if (*value == '/' || !slash)
		return print("%s", below_root(value));
	return print("%.*s/%s", (int)(slash - by), by, value);
}

static void find(struct search *s, const char *path, const char *text)
{
	char *copy = print("%s", text), *rest = copy, *line, *name, *value;

	while (!s->too_deep && (line = strsep(&rest, "\n"))) {
		if (!split(line, &name, &value))
			continue;
		if (!strcasecmp(name, s->name)) {
			free(s->value);
			s->value = print("%s", value);
		} else if (!strcasecmp(name, "include_dir")) {
			char *folder = included(path, value);

			find_in_folder(s, folder);
			free(folder);
		} else if (!strcasecmp(name, "include") ||
			   !strcasecmp(name, "include_if_exists")) {
			char *file = included(path, value);

			find_in_file(s, file);
			free(file);
		}
	}
	free(copy);
}
/* NOLINTEND(misc-no-recursion) */

char *conf_value(int root, const char *path, const char *text, const char *name)
{
	struct search s = { .root = root, .name = name };

	if (text)
		find(&s, path, text);
	else
		find_in_file(&s, path);
	return s.value;
}

void conf_write(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s = '", name);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			fputc(*value, f);
		fputc(*value, f);
	}
	fputs("'\n", f);
}
