// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reclaim.c - a memory cgroup of which pages can be taken by asking for it
 *
 * What a process allocates is charged to the group it is in, so this process
 * is in it while it fills a file, and afterwards where it was before. Each file
 * has a new group: what is taken from it is of no other file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "bench.h"

#define CGROUPS "/sys/fs/cgroup"

static char group[128];
static char before[512]; /* the group that this process was in */

static bool write_to(const char *dir, const char *file, const char *text)
{
	char path[1024];
	ssize_t len = strlen(text);
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, len) == len;
	close(fd);
	return done;
}

/* Of the unified hierarchy: "0::/user.slice". */
static bool find_own(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[400];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		found = !strncmp(line, "0::", 3);
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(before, sizeof(before), CGROUPS "%s", line + 3);
	return found;
}

bool reclaim_begin(uint64_t bytes)
{
	char path[256];
	struct sysinfo info;

	if (sysinfo(&info) || (uint64_t)info.freeswap * info.mem_unit < bytes)
		return false;
	if (!*group) {
		if (!find_own())
			return false;
		write_to(CGROUPS, "cgroup.subtree_control", "+memory");
		snprintf(group, sizeof(group), CGROUPS "/shpt-bench.%d",
			 getpid());
		atexit(reclaim_end);
	}
	snprintf(path, sizeof(path), "%s/memory.reclaim", group);
	return !mkdir(group, 0755) && !access(path, W_OK) &&
	       write_to(group, "cgroup.procs", "0");
}

void reclaim_filled(void)
{
	write_to(before, "cgroup.procs", "0");
}

void reclaim_end(void)
{
	reclaim_filled();
	rmdir(group);
}

static uint64_t swapped_out(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long pages = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "pswpout %llu", &pages) == 1)
			break;
	if (f)
		fclose(f);
	return pages;
}

uint64_t reclaim_pages(uint64_t pages, double *seconds)
{
	uint64_t out = swapped_out();
	char text[32];
	double start;

	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(pages * PAGE));
	start = now();
	/* Less than asked for is no error. */
	write_to(group, "memory.reclaim", text);
	*seconds = now() - start;
	return swapped_out() - out;
}
