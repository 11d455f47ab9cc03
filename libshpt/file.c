// SPDX-License-Identifier: LGPL-2.1-or-later
/* file.c - what people call an open file, for messages */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* The path of @fd; the end of it if it is long, which tells files apart. */
const char *file_name(int fd, char name[FILE_NAME_BYTES])
{
	char link[64], target[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0) {
		snprintf(name, FILE_NAME_BYTES, "file descriptor %d", fd);
	} else if (n < FILE_NAME_BYTES) {
		memcpy(name, target, n);
		name[n] = '\0';
	} else {
		target[n] = '\0';
		snprintf(name, FILE_NAME_BYTES, "...%s",
			 target + n - (FILE_NAME_BYTES - 4));
	}
	return name;
}

/*
 * What /proc/self/mountinfo has of the mount that @fd is on: type, source and
 * the options of the file system. Returns false for what is on none, as a memfd
 * is not.
 */
static bool find_mount(int fd, char fs[FS_NAME_BYTES],
		       char options[MOUNT_OPTIONS_BYTES])
{
	struct lines mounts;
	struct statx st;
	char *line;
	bool found = false;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) ||
	    lines_open(&mounts, "/proc/self/mountinfo"))
		return false;
	while (!found && (line = lines_next(&mounts))) {
		unsigned long long id;
		char *type = strstr(line, " - ");

		found = type && sscanf(line, "%llu", &id) == 1 &&
			id == st.stx_mnt_id &&
			sscanf(type, " - %31s %*s %255s", fs, options) == 2;
	}
	lines_close(&mounts);
	return found;
}

/* The type of the file system that @fd is on, as mount(8) has it. */
const char *file_system(int fd, char fs[FS_NAME_BYTES])
{
	char options[MOUNT_OPTIONS_BYTES];

	if (!find_mount(fd, fs, options))
		snprintf(fs, FS_NAME_BYTES, "a file system");
	return fs;
}

/* What it is mounted with. Returns false for what is on no mount. */
bool mount_options(int fd, char options[MOUNT_OPTIONS_BYTES])
{
	char fs[FS_NAME_BYTES];

	return find_mount(fd, fs, options);
}
