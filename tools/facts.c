// SPDX-License-Identifier: GPL-2.0-or-later
/* facts.c - read what the module tells below /sys, one value in a file */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

#define REGIONS "sys/class/misc/shpt/region"

const char *const fact_names[FACTS] = {
	[BACKING_BYTES] = "backing_bytes",
	[HOSTS] = "hosts",
	[GUESTS] = "guests",
	[LINKS] = "links",
	[TABLE_BYTES] = "table_bytes",
	[PARKED_BYTES] = "parked_bytes",
	[SAVED_BYTES] = "saved_bytes",
	[FAULTS_SERVED] = "faults_served",
	[FLUSHES] = "flushes",
	[UNLINKS] = "unlinks",
};

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

bool shpt_is_loaded(int sysroot)
{
	return faccessat(sysroot, REGIONS, F_OK, 0) == 0;
}

static bool number_read(int sysroot, const char *region, const char *fact,
			long long *number)
{
	char *line = fact_line(sysroot, REGIONS "/%s/%s", region, fact);
	char *end;

	if (!line)
		return false;
	*number = strtoll(line, &end, 10);
	if (*end || end == line)
		die(EXIT_FAILURE, "/" REGIONS "/%s/%s is not a number: '%s'",
		    region, fact, line);
	free(line);
	return true;
}

/* False if the region is not registered, or no longer. */
static bool registration_read(int sysroot, const char *name,
			      struct region *region)
{
	region->name = fact_line(sysroot, REGIONS "/%s/name", name);
	region->mode = fact_line(sysroot, REGIONS "/%s/mode", name);
	return region->name && region->mode &&
	       number_read(sysroot, name, "uid", &region->uid) &&
	       number_read(sysroot, name, "gid", &region->gid);
}

/* False if the region went away meanwhile. */
static bool region_read(int sysroot, const char *name, struct region *region)
{
	char *end;

	memset(region, 0, sizeof(*region));
	region->id = strtoull(name, &end, 10);
	if (*end)
		return false;
	for (int i = 0; i < FACTS; i++)
		if (!number_read(sysroot, name, fact_names[i],
				 &region->facts[i]))
			return false;
	if (!registration_read(sysroot, name, region)) {
		free(region->name);
		free(region->mode);
		region->name = region->mode = NULL;
	}
	region->backing = fact_line(sysroot, REGIONS "/%s/backing", name);
	return region->backing || errno == EACCES;
}

static int compare(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

size_t regions_read(int sysroot, struct region **regions)
{
	int fd = openat(sysroot, REGIONS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;

	if (!dir)
		die(EXIT_FAILURE, "cannot read /" REGIONS ": %s",
		    strerror(errno));
	*regions = NULL;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		*regions = reallocarray(*regions, n + 1, sizeof(**regions));
		if (!*regions)
			die(EXIT_FAILURE, "no memory for %zu regions", n + 1);
		n += region_read(sysroot, entry->d_name, *regions + n);
	}
	closedir(dir);
	if (n)
		qsort(*regions, n, sizeof(**regions), compare);
	return n;
}

void regions_free(struct region *regions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(regions[i].backing);
		free(regions[i].name);
		free(regions[i].mode);
	}
	free(regions);
}
