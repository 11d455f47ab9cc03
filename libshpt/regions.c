// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * regions.c - the regions of the machine, as the kernel part tells of them
 *
 * Below /sys, one value in a file. A region may end while it is read: then it
 * is passed over.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define REGIONS "sys/class/misc/shpt/region"

/* The facts of all regions; each fills 64 bits. */
#define FACT(name) { #name, offsetof(struct libshpt_region, name) }
static const struct {
	const char *name;
	size_t offset;
} facts[] = {
	FACT(backing_bytes),
	FACT(hosts),
	FACT(guests),
	FACT(links),
	FACT(table_bytes),
	FACT(parked_bytes),
	FACT(saved_bytes),
	FACT(faults_served),
	FACT(flushes),
	FACT(unlinks),
	FACT(misplaced),
	FACT(reclaimed),
};

static int parse_number(const char *line, uint64_t id, const char *file,
			int base, int64_t *number, struct reason *why)
{
	char *end;

	errno = 0;
	*number = strtoll(line, &end, base);
	if (*end || end == line || errno)
		return refuse(why, EBADMSG,
			      "/" REGIONS "/%" PRIu64 "/%s is not a number: "
			      "'%s': use module and library of one version",
			      id, file, line);
	return 0;
}

/* A number, 0 if there is no such file: an older module knows fewer facts. */
static int read_number(int dir, uint64_t id, const char *file, int base,
		       int64_t *number, struct reason *why)
{
	char line[64];

	*number = 0;
	if (!read_line(dir, file, line, sizeof(line)))
		return 0;
	return parse_number(line, id, file, base, number, why);
}

/* The place of a word among @words, from 1 on; that of the NULL at their end if
 * it is none of them. */
static uint32_t find_word(const char *word, const char *const words[])
{
	uint32_t i = 1;

	while (words[i] && strcmp(word, words[i]) != 0)
		i++;
	return i;
}

static int read_modes(int dir, struct libshpt_region *region,
		      struct reason *why)
{
	static const char *const policies[] = {
		[LIBSHPT_NODE_ONE] = "one",
		[LIBSHPT_NODE_LOCAL] = "local",
		[LIBSHPT_NODE_FIXED] = NULL,
	};
	static const char *const modes[] = {
		[LIBSHPT_RECLAIM_NEVER] = "never",
		[LIBSHPT_RECLAIM_ADVISE] = "advise",
		[LIBSHPT_RECLAIM_ALWAYS] = "always",
		NULL,
	};
	char line[64];
	int64_t node;

	if (read_line(dir, "reclaim_mode", line, sizeof(line)))
		region->reclaim_mode = find_word(line, modes);
	if (region->reclaim_mode > LIBSHPT_RECLAIM_ALWAYS)
		region->reclaim_mode = LIBSHPT_RECLAIM_UNKNOWN;
	if (!read_line(dir, "node", line, sizeof(line)))
		return 0;
	region->node_policy = find_word(line, policies);
	if (region->node_policy == LIBSHPT_NODE_FIXED) {
		if (parse_number(line, region->id, "node", 10, &node, why))
			return -1;
		region->node = node;
	}
	return 0;
}

static int read_registration(int dir, struct libshpt_region *region,
			     struct reason *why)
{
	int64_t uid, gid, mode;

	if (!read_line(dir, "name", region->name, sizeof(region->name)))
		return 0;
	if (read_number(dir, region->id, "uid", 10, &uid, why) ||
	    read_number(dir, region->id, "gid", 10, &gid, why) ||
	    read_number(dir, region->id, "mode", 8, &mode, why))
		return -1;
	/* The name is the first to go. */
	if (faccessat(dir, "name", F_OK, 0)) {
		region->name[0] = '\0';
		return 0;
	}
	region->registered = 1;
	region->uid = uid;
	region->gid = gid;
	region->mode = mode;
	return 0;
}

static int read_facts(int dir, struct libshpt_region *region,
		      struct reason *why)
{
	int64_t number;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (read_number(dir, region->id, facts[i].name, 10, &number,
				why))
			return -1;
		memcpy((char *)region + facts[i].offset, &number,
		       sizeof(number));
	}
	if (read_number(dir, region->id, "locked", 10, &number, why))
		return -1;
	region->locked = number;
	if (read_modes(dir, region, why))
		return -1;
	read_line(dir, "backing", region->backing, sizeof(region->backing));
	return read_registration(dir, region, why);
}

/* 1 if @region is filled in, 0 if it is not there (any more), or -1. */
static int read_region(int regions, uint64_t id, struct libshpt_region *region,
		       struct reason *why)
{
	char name[24];
	int dir, ret;

	snprintf(name, sizeof(name), "%" PRIu64, id);
	dir = openat(regions, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	memset(region, 0, sizeof(*region));
	region->id = id;
	ret = read_facts(dir, region, why);
	/* When a region ends, this is the first to go. */
	if (ret == 0)
		ret = faccessat(dir, "backing", F_OK, 0) == 0;
	close(dir);
	return ret;
}

/* The lowest number above @after that a region has, or 0. */
static uint64_t next_id(DIR *regions, uint64_t after)
{
	uint64_t id, next = 0;
	struct dirent *entry;
	char *end;

	rewinddir(regions);
	while ((entry = readdir(regions))) {
		id = strtoull(entry->d_name, &end, 10);
		if (!*end && id > after && (!next || id < next))
			next = id;
	}
	return next;
}

/*
 * The region with the lowest number above @after, below a directory that stands
 * for "/". Returns 1, or 0 if there is none, or -1 with the reason.
 */
int next_region(int root, uint64_t after, struct libshpt_region *region,
		struct reason *why)
{
	int fd = openat(root, REGIONS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *regions = fd < 0 ? NULL : fdopendir(fd);
	int ret = 0;

	if (!regions) {
		ret = fd < 0 && errno == ENOENT ?
			      refuse_device(errno, why) :
			      refuse(why, errno, "/" REGIONS ": %m");
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (after = next_id(regions, after)))
		ret = read_region(dirfd(regions), after, region, why);
	closedir(regions);
	return ret;
}

/* Whether region @id is registered under @name. */
bool is_registered_as(uint64_t id, const char *name)
{
	char path[128], registered[SHPT_NAME_BYTES];

	snprintf(path, sizeof(path), "/" REGIONS "/%" PRIu64 "/name", id);
	return read_line(AT_FDCWD, path, registered, sizeof(registered)) &&
	       !strcmp(registered, name);
}

LIBSHPT_EXPORT int libshpt_next_region(uint64_t after,
				       struct libshpt_region *region,
				       size_t region_size)
{
	struct libshpt_region known;
	struct reason why;
	int root, ret;

	if (!region || region_size == 0) {
		refuse(&why, EINVAL,
		       "a region of %zu bytes at %p: pass a struct "
		       "libshpt_region and its size",
		       region_size, (void *)region);
		return fail_with(&why);
	}
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret = root < 0 ? refuse(&why, errno, "/: %m") :
			 next_region(root, after, &known, &why);
	if (root >= 0)
		close(root);
	if (ret < 0)
		return fail_with(&why);
	if (ret)
		give_struct(region, region_size, &known, sizeof(known));
	return ret;
}
