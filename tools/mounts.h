/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mounts.h - file systems, by what /proc/PID/mountinfo has of them */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>

struct mount {
	unsigned long id;
	unsigned int major;
	unsigned int minor;
	char *point; /* where it is mounted */
	char *options; /* of the mount, such as "ro,relatime" */
	char *type; /* such as "ext4" */
	char *source;
	char *fs_options; /* of the file system, such as "rw,dax=always" */
};

/* --- mounts.c --- */

/*
 * The mount that the absolute path is on, or the first of a device's; mounts is
 * the path of a mountinfo below root. False if there is none. To be freed in
 * any case.
 */
bool mount_of_path(int root, const char *mounts, const char *path,
		   struct mount *m);
bool mount_of_device(int root, const char *mounts, unsigned int major,
		     unsigned int minor, struct mount *m);
void mount_free(struct mount *m);

/* Whether one of the options, with commas between them, is this. */
bool has_option(const char *options, const char *option);

/* --- kind.c --- */

/* shmem or fsdax if files there can be shared, else NULL. */
const char *mount_kind(const struct mount *m);

#endif /* MOUNTS_H */
