// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * place.c - ordinary mappings at addresses of a given alignment
 *
 * The kernel can map, or share, large pieces of a file only where address and
 * offset are the same modulo the size of the piece, and mmap(2) does not look
 * for such an address of its own accord.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Other threads may map something where there was room a moment ago. */
#define MAX_TRIES 16

/* MAP_ANONYMOUS ignores the offset, as it does in mmap(2). */
static off_t offset_of(const struct request *req)
{
	return (req->flags & MAP_ANONYMOUS) ? 0 : req->offset;
}

/* The lowest such address from @addr on. */
static uintptr_t congruent(uintptr_t addr, off_t offset, size_t align)
{
	return addr + (((uintptr_t)offset - addr) & (align - 1));
}

static int check_place(const struct request *req, size_t unit, size_t align,
		       struct reason *why)
{
	off_t offset = offset_of(req);

	if (req->flags & (MAP_32BIT | MAP_GROWSDOWN))
		return refuse(why, EOPNOTSUPP,
			      "%s leaves no choice of an aligned address: "
			      "leave it out to have huge pages",
			      req->flags & MAP_32BIT ? "MAP_32BIT" :
						       "MAP_GROWSDOWN");
	if (!is_fixed(req))
		return 0;
	if (req->addr != congruent(req->addr, offset, align))
		return refuse(why, EINVAL,
			      "the fixed address %#zx and the offset %#llx "
			      "differ modulo %zu MiB: choose one that does not "
			      "to have huge pages",
			      (size_t)req->addr, (long long)offset,
			      align >> 20);
	if (offset % unit || req->length % unit)
		return refuse(why, EINVAL,
			      "a fixed mapping of %zu bytes at offset %#llx "
			      "would take more than these: use multiples of "
			      "%zu",
			      req->length, (long long)offset, unit);
	return 0;
}

/* An address where there is room at this moment, or 0. */
static uintptr_t find_room(size_t bytes, off_t offset, size_t align)
{
	void *p = mmap(NULL, bytes + align, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	munmap(p, bytes + align);
	return congruent((uintptr_t)p, offset, align);
}

/*
 * Where mmap(2) finds room, near the caller's hint if there is one. The address
 * is a hint here as well: MAP_FIXED could replace what another thread has just
 * mapped, and MAP_SHARED_VALIDATE knows no MAP_FIXED_NOREPLACE.
 */
static void *map_anywhere(struct request *req, size_t align, struct reason *why)
{
	off_t offset = offset_of(req);

	if (req->addr)
		req->addr = congruent(req->addr, offset, align);
	for (int i = 0; i < MAX_TRIES; i++) {
		void *p;

		if (!req->addr)
			req->addr = find_room(req->length, offset, align);
		if (!req->addr)
			break;
		p = mmap_request(req, why);
		if (p == MAP_FAILED)
			return p;
		if ((uintptr_t)p == congruent((uintptr_t)p, offset, align))
			return p;
		munmap(p, req->length);
		req->addr = 0;
	}
	refuse(why, ENOMEM,
	       "no room in the address space for %zu bytes aligned to %zu MiB: "
	       "see \"ulimit -v\" and vm.max_map_count",
	       req->length, align >> 20);
	return MAP_FAILED;
}

/*
 * Maps whole units, from the one that holds the first byte asked for to the one
 * that holds the last, at an address that is congruent to the offset modulo
 * @align, which is a multiple of @unit. Populates nothing yet.
 */
int map_aligned(const struct request *req, size_t unit, size_t align,
		struct mapping *m, struct reason *why)
{
	size_t head = offset_of(req) % unit;
	struct request whole = *req;
	void *p;

	if (check_place(req, unit, align, why))
		return -1;
	whole.flags &= ~MAP_POPULATE;
	whole.addr -= whole.addr ? head : 0;
	whole.offset -= head;
	whole.length = round_up(head + req->length, unit);
	if (whole.length < req->length)
		return refuse(why, ENOMEM, "%zu bytes exceed any address space",
			      req->length);
	p = is_fixed(req) ? mmap_request(&whole, why) :
			    map_anywhere(&whole, align, why);
	if (p == MAP_FAILED)
		return -1;
	m->taken.start = (uintptr_t)p;
	m->taken.end = (uintptr_t)p + whole.length;
	m->addr = (uintptr_t)p + head;
	m->length = req->length;
	m->unit = unit;
	return 0;
}

/* Only what the caller asked for, not the rest of what was taken. Like mmap(2),
 * does not mind if not all of it succeeds. */
void populate(const struct request *req, const struct mapping *m)
{
	if ((req->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		madvise((void *)m->addr, round_up(m->length, page_bytes()),
			MADV_POPULATE_READ);
}
