// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kind.c - which ordinary mappings could be shared
 *
 * By the text of /proc, so that it can be told of any process and from a copy
 * of another machine's.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "processes.h"
#include "shptctl.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool is_guest(const struct process_mapping *m)
{
	return begins(m->path, GUEST_PATH);
}

/*
 * Memory that is on no mounted file system. Huge pages of the kernel's own have
 * some of these names, too: pagemap.c tells them apart.
 */
static bool is_unmounted_shmem(const char *path)
{
	return begins(path, "/dev/zero (deleted)") || begins(path, "/memfd:") ||
	       begins(path, "/SYSV") || begins(path, "[anon_shmem:");
}

/* Of a file system's options: "dax" or "dax=always", not "dax=inode". */
static bool is_dax(const char *options)
{
	static const char option[] = ",dax";

	for (; (options = strstr(options, option)); options++) {
		const char *end = options + strlen(option);

		if (!*end || *end == ',' || begins(end, "=always"))
			return true;
	}
	return false;
}

/*
 * A line of mountinfo ends with " - TYPE SOURCE OPTIONS". The process's own:
 * those of a container are mounted nowhere else.
 */
static const char *mounted_kind(int root, pid_t pid,
				const struct process_mapping *m)
{
	char *path = print("proc/%d/mountinfo", pid);
	char *device = print(" %u:%u ", m->major, m->minor);
	char *line = fact_line_with(root, path, device);
	const char *type = line ? strstr(line, " - ") : NULL;
	const char *kind = NULL;

	if (type ? begins(type, " - tmpfs ") : is_unmounted_shmem(m->path))
		kind = "shmem";
	else if (type && is_dax(type))
		kind = "fsdax";
	free(line);
	free(device);
	free(path);
	return kind;
}

const char *mapping_kind(int root, pid_t pid, const struct process_mapping *m)
{
	if (!m->shared || m->executable || is_guest(m))
		return NULL;
	if (begins(m->path, "/dev/dax"))
		return "devdax";
	return mounted_kind(root, pid, m);
}
