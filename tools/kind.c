// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kind.c - which ordinary mappings could be shared
 *
 * By the text of /proc, so that it can be told of any process and from a copy
 * of another machine's.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "mounts.h"
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

const char *mount_kind(const struct mount *m)
{
	if (!strcmp(m->type, "tmpfs"))
		return "shmem";
	if (has_option(m->fs_options, "dax") ||
	    has_option(m->fs_options, "dax=always"))
		return "fsdax";
	return NULL;
}

/* The process's own mounts: those of a container are mounted nowhere else. */
static const char *mounted_kind(int root, pid_t pid,
				const struct process_mapping *m)
{
	char *mounts = print("proc/%d/mountinfo", pid);
	const char *kind = NULL;
	struct mount mount;

	if (mount_of_device(root, mounts, m->major, m->minor, &mount))
		kind = mount_kind(&mount);
	else if (is_unmounted_shmem(m->path))
		kind = "shmem";
	mount_free(&mount);
	free(mounts);
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
