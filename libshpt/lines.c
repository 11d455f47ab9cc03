// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lines.c - the lines of files below /proc and /sys
 *
 * Without stdio, which asks for memory: it may be an allocator that maps
 * something, with its own locks held.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* The first line of a file, as much of it as fits; false if there is none. */
bool read_line(int dir, const char *file, char *line, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, size - 1);
	close(fd);
	if (n < 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* Returns -1 with errno if there is no such file. */
int lines_open(struct lines *l, const char *path)
{
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	l->at = l->end = 0;
	l->cut = false;
	return l->fd < 0 ? -1 : 0;
}

/* Has the next line begin the buffer, or as much of it as there is room for.
 * Returns its length. */
static size_t load(struct lines *l)
{
	char *end;
	ssize_t n;

	l->end -= l->at;
	memmove(l->text, l->text + l->at, l->end);
	l->at = 0;
	while (!(end = memchr(l->text, '\n', l->end))) {
		n = read(l->fd, l->text + l->end, sizeof(l->text) - 1 - l->end);
		if (n <= 0)
			return l->end;
		l->end += n;
	}
	return end - l->text;
}

/* The next line without its newline, NULL if there is none. It is valid until
 * the next call. The end of one that is too long is left out. */
char *lines_next(struct lines *l)
{
	bool rest;

	do {
		size_t length = load(l);

		if (l->end == 0)
			return NULL;
		rest = l->cut;
		l->cut = length == l->end;
		l->text[length] = '\0';
		l->at = length + !l->cut;
	} while (rest);
	return l->text;
}

void lines_close(const struct lines *l)
{
	close(l->fd);
}
