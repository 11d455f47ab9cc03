// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backing.c - make the files that the workers map
 *
 * Every page is allocated and written before the first worker maps it: what is
 * measured is mapping and never allocation. What a DAX file's pages are mapped
 * with (4 KiB or 2 MiB entries) is decided by where its extents lie on the
 * device; it is arranged here, then proven by counting the faults of an
 * ordinary mapping.
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
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "bench.h"

#define EXT4_MAGIC 0xef53
/* ext4 is free to place a file anywhere; some of the first tries may fail. */
#define SHIFTS_TRIED 8

const char *const backing_names[BACKINGS] = {
	[MEMFD] = "memfd",
	[EXT4_DAX_4K] = "ext4-dax-4k",
	[EXT4_DAX_2M] = "ext4-dax-2m",
};

uint64_t backing_word(uint64_t n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15ULL;
	return n ^ (n >> 29);
}

static void cannot_fill(const struct backing *backing)
{
	die("%s: cannot fill a file of %llu MiB: %s",
	    backing_names[backing->kind],
	    (unsigned long long)backing->bytes >> 20, strerror(errno));
}

/* Large writes cost least for a DAX file, and leave no mark in its inode. */
static void fill_by_write(const struct backing *backing)
{
	uint64_t *buf = calloc(1, PMD_BYTES);
	uint64_t pos, page = 0;

	if (!buf)
		die("no memory for a buffer of 2 MiB");
	for (pos = 0; pos < backing->bytes; pos += PMD_BYTES) {
		for (size_t i = 0; i < PMD_BYTES / PAGE; i++)
			buf[i * PAGE / sizeof(*buf)] = backing_word(page++);
		progress("%s: writing the file, %llu of %llu MiB",
			 backing_names[backing->kind],
			 (unsigned long long)pos >> 20,
			 (unsigned long long)backing->bytes >> 20);
		if (pwrite(backing->fd, buf, PMD_BYTES, pos) !=
		    (ssize_t)PMD_BYTES)
			cannot_fill(backing);
	}
	free(buf);
}

/* write(2) to shmem goes by pages, several times slower than this. */
static void fill_by_map(const struct backing *backing)
{
	char *p;

	progress("%s: filling %llu MiB", backing_names[backing->kind],
		 (unsigned long long)backing->bytes >> 20);
	if (fallocate(backing->fd, 0, 0, backing->bytes))
		cannot_fill(backing);
	p = mmap(NULL, backing->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		 backing->fd, 0);
	if (p == MAP_FAILED)
		cannot_fill(backing);
	for (uint64_t i = 0; i < backing->bytes / PAGE; i++) {
		volatile uint64_t *word = (uint64_t *)(p + i * PAGE);

		/* Read first: a read fault maps the neighbours as well. */
		if (*word == 0)
			*word = backing_word(i);
	}
	munmap(p, backing->bytes);
}

/*
 * How many of the file's 2 MiB pieces can be mapped by one PMD entry: those
 * that lie within one extent, at a multiple of 2 MiB on the device.
 */
static uint64_t count_huge_pieces(const struct backing *backing)
{
	enum { BATCH = 256 };
	struct fiemap *map =
		calloc(1, sizeof(*map) + BATCH * sizeof(struct fiemap_extent));
	uint64_t pos = 0, pieces = 0;

	if (!map)
		die("no memory for a list of extents");
	while (pos < backing->bytes) {
		map->fm_start = pos;
		map->fm_length = backing->bytes - pos;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = BATCH;
		if (ioctl(backing->fd, FS_IOC_FIEMAP, map) < 0)
			die("%s: cannot ask the file system for extents: %s",
			    backing_names[backing->kind], strerror(errno));
		if (!map->fm_mapped_extents)
			break;
		for (unsigned int i = 0; i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map->fm_extents[i];
			uint64_t first = (e->fe_logical + PMD_BYTES - 1) &
					 ~(PMD_BYTES - 1);

			pos = e->fe_logical + e->fe_length;
			if ((e->fe_physical - e->fe_logical) % PMD_BYTES == 0 &&
			    pos > first)
				pieces += (pos - first) / PMD_BYTES;
		}
	}
	free(map);
	return pieces;
}

/*
 * Allocate the file so that no PMD entry can map any piece of it: taking its
 * first block out moves all others to where they are 4 KiB off on the device.
 */
static void allocate_4k(struct backing *backing)
{
	if (fallocate(backing->fd, 0, 0, backing->bytes + SHIFTS_TRIED * PAGE))
		die("ext4-dax-4k: cannot allocate %llu MiB: %s",
		    (unsigned long long)backing->bytes >> 20, strerror(errno));
	for (int i = 0; i < SHIFTS_TRIED; i++) {
		if (fallocate(backing->fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE))
			die("ext4-dax-4k: cannot take a block out of the file "
			    "(FALLOC_FL_COLLAPSE_RANGE): %s. The file system "
			    "needs a block size of 4096: mkfs.ext4 -b 4096",
			    strerror(errno));
		if (!count_huge_pieces(backing))
			break;
	}
	if (ftruncate(backing->fd, backing->bytes))
		die("ext4-dax-4k: cannot truncate the file: %s",
		    strerror(errno));
}

static void allocate_2m(struct backing *backing)
{
	if (fallocate(backing->fd, 0, 0, backing->bytes))
		die("ext4-dax-2m: cannot allocate %llu MiB: %s",
		    (unsigned long long)backing->bytes >> 20, strerror(errno));
}

static void require_extents(const struct backing *backing)
{
	uint64_t pieces = count_huge_pieces(backing);
	uint64_t all = backing->bytes / PMD_BYTES;

	if (backing->kind == EXT4_DAX_4K && pieces)
		die("ext4-dax-4k: %llu of %llu pieces lie at a multiple of "
		    "2 MiB on the device, whatever was tried. Format the file "
		    "system anew: mkfs.ext4 -b 4096",
		    (unsigned long long)pieces, (unsigned long long)all);
	if (backing->kind == EXT4_DAX_2M && pieces != all)
		die("ext4-dax-2m: only %llu of %llu pieces lie at a multiple "
		    "of 2 MiB on the device. Format the file system anew: "
		    "mkfs.ext4 -b 4096 -E stride=512,stripe_width=512",
		    (unsigned long long)pieces, (unsigned long long)all);
}

/*
 * Scan an ordinary mapping and count its faults. It also lets the file system
 * note each page in the inode once, which would else be the first measured
 * worker's work.
 */
static void require_faults(const struct backing *backing)
{
	const char *name = backing_names[backing->kind];
	uint64_t entry = backing->kind == EXT4_DAX_2M ? PMD_BYTES : PAGE;
	uint64_t expected = backing->bytes / entry;
	struct rusage before, after;
	volatile char *p;
	long faults;

	progress("%s: scanning the file once", name);
	p = mmap(NULL, backing->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		 backing->fd, 0);
	if (p == MAP_FAILED)
		die("%s: cannot map the file: %s", name, strerror(errno));
	getrusage(RUSAGE_SELF, &before);
	for (uint64_t pos = 0; pos < backing->bytes; pos += PAGE)
		(void)p[pos];
	getrusage(RUSAGE_SELF, &after);
	munmap((void *)p, backing->bytes);

	faults = after.ru_minflt + after.ru_majflt - before.ru_minflt -
		 before.ru_majflt;
	/* A fault or two on other pages does not count against it. */
	if ((uint64_t)faults < expected || (uint64_t)faults > expected + 16)
		die("%s: an ordinary mapping took %ld faults where %llu KiB "
		    "entries take %llu: the kernel does not map this file as "
		    "its extents promise",
		    name, faults, (unsigned long long)entry >> 10,
		    (unsigned long long)expected);
}

static void open_dax_file(struct backing *backing, const char *dir)
{
	const char *name = backing_names[backing->kind];
	struct statx stx;
	struct statfs fs;
	char path[4096];

	if (!dir)
		die("%s needs --dir DIR, a directory on an ext4 file system "
		    "mounted with -o dax=always",
		    name);
	snprintf(path, sizeof(path), "%s/shpt-bench.%s.XXXXXX", dir, name);
	backing->fd = mkostemp(path, O_CLOEXEC);
	if (backing->fd < 0)
		die("%s: cannot make a file in %s: %s", name, dir,
		    strerror(errno));
	/* The open descriptor keeps it; a bench that dies leaves nothing. */
	unlink(path);
	if (fstatfs(backing->fd, &fs) || (long)fs.f_type != EXT4_MAGIC)
		die("%s: %s is not on an ext4 file system", name, dir);
	if (statx(backing->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) ||
	    !(stx.stx_attributes & STATX_ATTR_DAX))
		die("%s: files in %s are not DAX. Mount the file system with "
		    "-o dax=always",
		    name, dir);
}

void backing_make(struct backing *backing, const char *dir)
{
	switch (backing->kind) {
	case MEMFD:
		backing->fd = memfd_create("shpt-bench", MFD_CLOEXEC);
		if (backing->fd < 0 || ftruncate(backing->fd, backing->bytes))
			die("cannot make a memfd of %llu MiB: %s",
			    (unsigned long long)backing->bytes >> 20,
			    strerror(errno));
		fill_by_map(backing);
		return;
	case EXT4_DAX_4K:
		open_dax_file(backing, dir);
		allocate_4k(backing);
		break;
	case EXT4_DAX_2M:
		open_dax_file(backing, dir);
		allocate_2m(backing);
		break;
	case BACKINGS:
		return;
	}
	fill_by_write(backing);
	require_extents(backing);
	require_faults(backing);
}
