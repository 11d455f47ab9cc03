// SPDX-License-Identifier: GPL-2.0-or-later
/* facts.c - what the machine tells below a directory that stands for "/" */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

#define REGIONS "sys/class/misc/shpt/region"

int sysroot_open(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		die(EXIT_FAILURE, "cannot open %s: %s", path, strerror(errno));
	return dir;
}

char *fact_line(int dir, const char *format, ...)
{
	char *path, *line = NULL;
	size_t size = 0;
	ssize_t length;
	va_list args;
	FILE *f;
	int fd;

	va_start(args, format);
	if (vasprintf(&path, format, args) < 0)
		path = NULL;
	va_end(args);
	if (!path)
		return NULL;

	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return NULL;
	}
	length = getline(&line, &size, f);
	if (length < 0) {
		int err = ferror(f) ? errno : ENODATA;

		free(line);
		line = NULL;
		errno = err;
	} else if (line[length - 1] == '\n') {
		line[length - 1] = '\0';
	}
	fclose(f);
	return line;
}

char *fact_line_with(int dir, const char *path, const char *what)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	bool has = false;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return NULL;
	while (!has && getline(&line, &size, f) > 0)
		has = strstr(line, what);
	fclose(f);
	if (has)
		return line;
	free(line);
	return NULL;
}

bool shpt_is_loaded(int sysroot)
{
	return faccessat(sysroot, REGIONS, F_OK, 0) == 0;
}

size_t regions_read(int sysroot, struct libshpt_region **regions)
{
	struct libshpt_region region = { 0 };
	struct reason why;
	size_t n = 0;
	int ret;

	*regions = NULL;
	while ((ret = next_region(sysroot, region.id, &region, &why)) > 0) {
		*regions = reallocarray(*regions, n + 1, sizeof(**regions));
		if (!*regions)
			die(EXIT_FAILURE, "no memory for %zu regions", n + 1);
		(*regions)[n++] = region;
	}
	if (ret < 0)
		die(EXIT_FAILURE, "%s", why.text);
	return n;
}
