// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hugetlb.c - the backend that has the kernel itself share page tables
 *
 * Linux shares the PMD tables of hugetlb mappings by whole chunks: where a
 * shared mapping has all of a chunk, in which address and offset are the same
 * modulo 1 GiB. Nothing is taken beyond the caller's own bytes, rounded to huge
 * pages: mmap(2) would reserve huge pages for it, and make the file longer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int check_huge(const struct request *req, size_t bytes,
		      struct reason *why)
{
	char buffer[FILE_NAME_BYTES], fs[FS_NAME_BYTES];

	if (bytes == 0)
		return refuse(why, ENODEV,
			      "%s is on %s, not on hugetlbfs: create it there, "
			      "or with memfd_create(2) and MFD_HUGETLB",
			      file_name(req->fd, buffer),
			      file_system(req->fd, fs));
	if ((req->flags & MAP_TYPE) == MAP_PRIVATE)
		return refuse(why, EOPNOTSUPP,
			      "a MAP_PRIVATE mapping has pages of its own: "
			      "use MAP_SHARED to share page tables");
	return 0;
}

/*
 * What of @pages, which are those of the mapping or of the file, the kernel
 * shares with all who map these chunks alike. It does not tell whether there
 * are any. A huge page that fills a chunk needs no table that could be shared.
 */
static uint64_t shared_bytes(struct range pages, size_t unit)
{
	uintptr_t first = round_up(pages.start, CHUNK_BYTES);
	uintptr_t end = pages.end & ~(CHUNK_BYTES - 1);

	return unit < CHUNK_BYTES && first < end ? end - first : 0;
}

static int refuse_no_chunk(const struct request *req, size_t unit,
			   struct reason *why)
{
	if (unit >= CHUNK_BYTES)
		return refuse(why, EMEDIUMTYPE,
			      "hugetlb pages of %zu MiB have no page tables "
			      "that could be shared: nothing to do",
			      unit >> 20);
	return refuse(
		why, EMEDIUMTYPE,
		"the kernel shares page tables of hugetlb by whole chunks "
		"of 1 GiB, and %zu bytes from offset %#llx have none: map "
		"more, from a multiple of 1 GiB on",
		req->length, (long long)req->offset);
}

static int map_huge(const struct request *req, struct mapping *m,
		    struct reason *why)
{
	size_t unit = huge_page_bytes(req->fd);
	size_t align = unit > CHUNK_BYTES ? unit : CHUNK_BYTES;
	struct range pages = {
		.start = req->offset,
		.end = round_up(req->offset + req->length, unit),
	};
	struct reason none = { 0 };

	if (check_huge(req, unit, why))
		return -1;
	if (!shared_bytes(pages, unit))
		refuse_no_chunk(req, unit, &none);
	if (none.err && req->attr->flags & LIBSHPT_REQUIRE_SHARED) {
		*why = none;
		return -1;
	}
	if (map_aligned(req, unit, align, m, why))
		return -1;
	if (m->why.err == 0)
		m->why = none;
	populate(req, m);
	return 0;
}

static int hugetlb_map(const struct request *req, struct mapping *m,
		       struct reason *why)
{
	struct request huge = *req;
	int err;

	if (!(req->flags & MAP_ANONYMOUS))
		return map_huge(req, m, why);
	huge.fd = anonymous_huge_file(req->flags, req->length, why);
	if (huge.fd < 0)
		return -1;
	huge.offset = 0;
	huge.flags &= ~(MAP_ANONYMOUS | MAP_HUGETLB | HUGE_SIZE_FLAGS);
	err = map_huge(&huge, m, why);
	close(huge.fd);
	return err;
}

static void hugetlb_info(const struct mapping *m, struct libshpt_info *info)
{
	info->linked_bytes = shared_bytes(m->taken, m->unit);
	if (info->linked_bytes)
		info->chunk_bytes = CHUNK_BYTES;
}

const struct backend hugetlb_backend = {
	.id = LIBSHPT_BACKEND_HUGETLB,
	.name = "hugetlb",
	.shares = true,
	.map = hugetlb_map,
	.info = hugetlb_info,
};
