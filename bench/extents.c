// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * extents.c - what entries map a DAX file, 4 KiB or 2 MiB, is decided by where
 * its extents lie on the device
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

/* A file system is free to place a file anywhere; first tries may fail. */
#define SHIFTS_TRIED 8

static bool wants_huge(const struct file *file)
{
	return file->backing == EXT4_DAX_2M || file->backing == XFS_DAX_2M;
}

/* Of these extents, the pieces of 2 MiB that one PMD entry can map. */
static uint64_t pieces_of(const struct fiemap *map, uint64_t *pos)
{
	uint64_t pieces = 0;

	for (unsigned int i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *e = &map->fm_extents[i];
		uint64_t first = (e->fe_logical + PMD_BYTES - 1) &
				 ~(PMD_BYTES - 1);

		*pos = e->fe_logical + e->fe_length;
		if ((e->fe_physical - e->fe_logical) % PMD_BYTES == 0 &&
		    *pos > first)
			pieces += (*pos - first) / PMD_BYTES;
	}
	return pieces;
}

static uint64_t count_huge_pieces(const struct file *file)
{
	enum { BATCH = 256 };
	struct fiemap *map =
		calloc(1, sizeof(*map) + BATCH * sizeof(struct fiemap_extent));
	uint64_t pos = 0, pieces = 0;

	if (!map)
		die("no memory for a list of extents");
	while (pos < file->bytes) {
		map->fm_start = pos;
		map->fm_length = file->bytes - pos;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = BATCH;
		if (ioctl(file->fd, FS_IOC_FIEMAP, map) < 0)
			die("%s: cannot ask the file system for extents: %s",
			    backing_names[file->backing], strerror(errno));
		if (!map->fm_mapped_extents)
			break;
		pieces += pieces_of(map, &pos);
	}
	free(map);
	return pieces;
}

/*
 * So that no PMD entry can map any piece of it: taking its first block out
 * moves all others to where they are 4 KiB off on the device.
 */
static const char *shift(const struct file *file)
{
	for (int i = 0; i < SHIFTS_TRIED; i++) {
		if (fallocate(file->fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE))
			return "cannot take a block out of the file: the file "
			       "system needs blocks of 4096 bytes";
		if (!count_huge_pieces(file))
			break;
	}
	if (ftruncate(file->fd, file->bytes))
		return "cannot truncate the file";
	return NULL;
}

/* What ext4 does by the options of mkfs, xfs does for a file that asks. */
static void ask_for_alignment(const struct file *file)
{
	struct fsxattr attr;

	if (file->backing != XFS_DAX_2M ||
	    ioctl(file->fd, FS_IOC_FSGETXATTR, &attr))
		return;
	attr.fsx_xflags |= FS_XFLAG_EXTSIZE;
	attr.fsx_extsize = PMD_BYTES;
	ioctl(file->fd, FS_IOC_FSSETXATTR, &attr);
}

const char *extents_arrange(const struct file *file)
{
	uint64_t more = wants_huge(file) ? 0 : SHIFTS_TRIED * PAGE;
	static char why[128];

	ask_for_alignment(file);
	if (fallocate(file->fd, 0, 0, file->bytes + more)) {
		snprintf(why, sizeof(why), "cannot allocate %llu MiB: %s",
			 (unsigned long long)file->bytes >> 20,
			 strerror(errno));
		return why;
	}
	return wants_huge(file) ? NULL : shift(file);
}

const char *extents_check(const struct file *file)
{
	uint64_t want = wants_huge(file) ? file->bytes / PMD_BYTES : 0;
	uint64_t pieces = count_huge_pieces(file);
	static char why[256];

	if (pieces == want)
		return NULL;
	snprintf(why, sizeof(why),
		 "%llu of %llu pieces lie at a multiple of 2 MiB on the device "
		 "where %llu should. Make the file system anew: mkfs.ext4 "
		 "-b 4096 -E stride=512,stripe_width=512, or mkfs.xfs -d "
		 "su=2m,sw=1",
		 (unsigned long long)pieces,
		 (unsigned long long)(file->bytes / PMD_BYTES),
		 (unsigned long long)want);
	return why;
}
