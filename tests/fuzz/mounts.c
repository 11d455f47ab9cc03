// SPDX-License-Identifier: GPL-2.0-or-later
/* mounts.c - target: what /proc/self/mountinfo has of the mount of a file */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "fuzz.h"
#include "internal.h"

#define MOUNT 22

static int open_input(struct lines *l, const char *path)
{
	(void)path;
	return lines_open(l, "mountinfo");
}

static int name_mount(struct statx *st)
{
	st->stx_mnt_id = MOUNT;
	return 0;
}

#define lines_open open_input
#define statx(fd, path, flags, mask, st) ((void)(fd), name_mount(st))
#include "../../libshpt/file.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char options[MOUNT_OPTIONS_BYTES], fs[FS_NAME_BYTES];

	put("mountinfo", data, size);
	if (mount_options(0, options))
		expect(*options && strlen(options) < sizeof(options));
	expect(*file_system(0, fs));
	return 0;
}
