// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guest.c - which chunks of a mapping are shared, and which no longer
 *
 * A guest begins with all its chunks shared; replace.c makes ordinary ones of
 * them. When a part of a mapping is unmapped, the entries of the table that
 * remain have the guest in common.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

/* More than a process has, unless it asks for addresses beyond. */
#define MAX_BYTES ((size_t)1 << 47)

/* A device-dax is mapped by its alignment: 2 MiB where a page is not enough. */
static void *map_page(int flags, int fd, off_t offset, size_t *bytes)
{
	void *p;

	*bytes = page_bytes();
	p = mmap(NULL, *bytes, PROT_NONE, flags, fd, offset);
	if (p != MAP_FAILED || errno != EINVAL)
		return p;
	*bytes = 2 << 20;
	return mmap(NULL, *bytes, PROT_NONE, flags, fd, offset);
}

/*
 * The ordinary mapping that chunks are replaced from. A guest can be without,
 * then its chunks cannot be replaced: where the file is sealed so that up to
 * Linux 6.6 mmap(2) refuses to map it. A private one must have it.
 */
static int map_ordinary(struct guest *guest, const struct request *req,
			struct reason *why)
{
	off_t offset = req->offset - req->offset % (off_t)CHUNK_BYTES;
	int flags = req->flags & (MAP_TYPE | MAP_SYNC | MAP_NORESERVE);
	size_t bytes = guest->range.end - guest->range.start;
	void *p;

	if (guest->is_private)
		p = mmap(NULL, bytes, PROT_NONE, flags, req->fd, offset);
	else
		p = map_page(flags, req->fd, offset, &bytes);
	if (p != MAP_FAILED) {
		guest->ordinary = (uintptr_t)p;
		guest->ordinary_bytes = bytes;
	} else if (guest->is_private) {
		return refuse(why, errno,
			      "the private mapping of %zu bytes takes as much "
			      "address space again: %m",
			      bytes);
	}
	return 0;
}

/*
 * For a mapping of @req in @range, which need not be at its address yet. The
 * first entry of the table is the caller's. Returns NULL with the reason.
 */
struct guest *guest_new(const struct request *req, int region,
			struct range range, struct reason *why)
{
	size_t chunks = (range.end - range.start) / CHUNK_BYTES;
	struct guest *guest = NULL;

	if (range.end - range.start <= MAX_BYTES)
		guest = calloc(1,
			       sizeof(*guest) + chunks * sizeof(struct chunk));
	if (!guest) {
		refuse(why, ENOMEM,
		       "no memory or address space for %zu chunks of 1 GiB",
		       chunks);
		return NULL;
	}
	guest->entries = 1;
	guest->region = region;
	guest->range = range;
	guest->is_private = is_private(req);
	for (size_t i = 0; i < chunks; i++)
		guest->chunks[i] = (struct chunk){ req->prot, true };
	if (map_ordinary(guest, req, why) == 0)
		return guest;
	free(guest);
	return NULL;
}

/* The chunk is somebody else's now. What a private guest has for it is of no
 * use any more. Async-signal-safe; call with the guests' lock held. */
void chunk_cut(struct guest *guest, uintptr_t at)
{
	chunk_at(guest, at)->shared = false;
	if (guest->is_private)
		munmap((void *)(guest->ordinary + at - guest->range.start),
		       CHUNK_BYTES);
}

/* As chunk_cut(), for all that @range touches. */
void guest_cut(struct guest *guest, struct range range)
{
	uintptr_t at = guest->range.start;

	guest_lock();
	for (; at < guest->range.end; at += CHUNK_BYTES)
		if (chunk_at(guest, at)->shared && at < range.end &&
		    range.start < at + CHUNK_BYTES)
			chunk_cut(guest, at);
	guest_unlock();
}

void guest_free(struct guest *guest)
{
	guest_lock();
	unwatch_writes(guest);
	guest_unlock();
	guest_cut(guest, guest->range);
	if (guest->ordinary && !guest->is_private)
		munmap((void *)guest->ordinary, guest->ordinary_bytes);
	free(guest);
}

struct chunk *chunk_at(struct guest *guest, uintptr_t addr)
{
	return &guest->chunks[(addr - guest->range.start) / CHUNK_BYTES];
}

/* Where the first shared chunk of @m in @range begins, or @range if that is
 * inside of it; the end of @range if there is none. */
static uintptr_t first_shared(const struct mapping *m, struct range range)
{
	uintptr_t at = range.start;

	if (at < m->taken.start)
		at = m->taken.start;
	for (; m->guest && at < range.end && at < m->taken.end;
	     at = (at & ~(CHUNK_BYTES - 1)) + CHUNK_BYTES)
		if (chunk_at(m->guest, at)->shared)
			return at;
	return range.end;
}

/*
 * The first part of @range in which nothing changes: a shared chunk or some of
 * it, and its guest in @sharing, or all before the next shared chunk and NULL.
 * Call with both locks held.
 */
struct range next_part(struct range range, struct guest **sharing)
{
	struct range part = range;
	struct mapping *m = NULL;

	*sharing = NULL;
	while ((m = table_next(m, range))) {
		uintptr_t shared = first_shared(m, range);

		if (shared == range.start) {
			*sharing = m->guest;
			shared = (shared & ~(CHUNK_BYTES - 1)) + CHUNK_BYTES;
		}
		if (shared < part.end)
			part.end = shared;
	}
	return part;
}
