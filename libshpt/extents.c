// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * extents.c - which 2 MiB of a file lie so on the device that DAX can map them
 * by one entry: in one extent, that begins where it does on the device modulo
 * 2 MiB
 */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "internal.h"

#define BATCH 128

/* Which is continued by the other, as file systems limit their length. */
static bool continues(const struct extent *e, uint64_t logical,
		      uint64_t physical)
{
	return e->logical + e->length == logical &&
	       e->physical + e->length == physical;
}

static int add(struct extent **extents, size_t *n,
	       const struct fiemap_extent *fe)
{
	struct extent *grown;

	if (*n &&
	    continues(&(*extents)[*n - 1], fe->fe_logical, fe->fe_physical)) {
		(*extents)[*n - 1].length += fe->fe_length;
		return 0;
	}
	/* At powers of two. */
	if ((*n & (*n - 1)) == 0) {
		grown = realloc(*extents,
				(*n ? 2 * *n : 1) * sizeof(**extents));
		if (!grown)
			return -1;
		*extents = grown;
	}
	(*extents)[(*n)++] = (struct extent){
		.logical = fe->fe_logical,
		.physical = fe->fe_physical,
		.length = fe->fe_length,
	};
	return 0;
}

static int read_all(int fd, struct fiemap *map, struct extent **extents,
		    size_t *n)
{
	const struct fiemap_extent *fe;

	do {
		map->fm_length = FIEMAP_MAX_OFFSET - map->fm_start;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = BATCH;
		if (ioctl(fd, FS_IOC_FIEMAP, map))
			return -1;
		for (uint32_t i = 0; i < map->fm_mapped_extents; i++)
			if (add(extents, n, &map->fm_extents[i]))
				return -1;
		if (map->fm_mapped_extents == 0)
			return 0;
		fe = &map->fm_extents[map->fm_mapped_extents - 1];
		map->fm_start = fe->fe_logical + fe->fe_length;
	} while (!(fe->fe_flags & FIEMAP_EXTENT_LAST));
	return 0;
}

/* The extents of a file in order, joined where one continues another. Returns
 * -1 with errno, EOPNOTSUPP if its file system does not tell. */
int read_extents(int fd, struct extent **extents, size_t *n)
{
	struct fiemap *map =
		calloc(1, sizeof(*map) + BATCH * sizeof(map->fm_extents[0]));
	int err;

	*extents = NULL;
	*n = 0;
	if (!map) {
		errno = ENOMEM;
		return -1;
	}
	err = read_all(fd, map, extents, n);
	free(map);
	if (err) {
		free(*extents);
		*extents = NULL;
	}
	return err;
}

/* Counts a piece that an extent has a part of, once; @last is the last one. */
static void count_part(struct pieces *p, uint64_t piece, uint64_t *last)
{
	if (piece == *last || piece >= p->all)
		return;
	*last = piece;
	p->fragmented++;
}

/* What is left of a piece at the end of the file is none. */
struct pieces count_pieces(const struct extent *extents, size_t n,
			   uint64_t file_bytes)
{
	struct pieces p = { .all = file_bytes / HUGE_BYTES };
	uint64_t in_extents = 0, last = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct extent *e = &extents[i];
		uint64_t first = round_up(e->logical, HUGE_BYTES) / HUGE_BYTES;
		uint64_t end = (e->logical + e->length) / HUGE_BYTES;

		if (e->logical % HUGE_BYTES)
			count_part(&p, e->logical / HUGE_BYTES, &last);
		if (end > p.all)
			end = p.all;
		if (first < end) {
			in_extents += end - first;
			if ((e->logical ^ e->physical) % HUGE_BYTES)
				p.misaligned += end - first;
		}
		if ((e->logical + e->length) % HUGE_BYTES)
			count_part(&p, (e->logical + e->length) / HUGE_BYTES,
				   &last);
	}
	p.holes = p.all - in_extents - p.fragmented;
	return p;
}
