// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guest.c - which chunks of a mapping are shared, and which no longer
 *
 * A guest begins with all its chunks shared; replace.c makes ordinary ones of
 * them. When a part of a mapping is unmapped, the entries of the table that
 * remain have the guest in common.
 *
 * The lock is inside that of the table. The handler of SIGSEGV takes it too
 * (private.c), so signals are blocked while it is held: none can come in the
 * middle, write where that handler is needed and wait for itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t unblocked; /* the mask of who holds the lock */

void guest_lock(void)
{
	sigset_t old;

	block_signals(&old);
	pthread_mutex_lock(&lock);
	unblocked = old;
}

void guest_unlock(void)
{
	sigset_t old = unblocked;

	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

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
	struct guest *guest =
		calloc(1, sizeof(*guest) + chunks * sizeof(struct chunk));

	if (!guest) {
		refuse(why, ENOMEM, "no memory for the table of mappings");
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

/* What a private guest has no use for any more, because @chunk is not shared
 * from now on. */
static void unmap_ordinary(const struct guest *guest, uintptr_t chunk)
{
	if (guest->is_private)
		munmap((void *)(guest->ordinary + chunk - guest->range.start),
		       CHUNK_BYTES);
}

/* The chunks that @range touches are somebody else's now. */
void guest_cut(struct guest *guest, struct range range)
{
	uintptr_t at = guest->range.start;

	guest_lock();
	for (; at < guest->range.end; at += CHUNK_BYTES) {
		struct chunk *chunk = chunk_at(guest, at);

		if (!chunk->shared || range.end <= at ||
		    at + CHUNK_BYTES <= range.start)
			continue;
		chunk->shared = false;
		unmap_ordinary(guest, at);
	}
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

static struct guest *sharing_at(uintptr_t addr)
{
	struct mapping *m = table_next(NULL, own_pages(addr, 1));

	if (m && m->guest && chunk_at(m->guest, addr)->shared)
		return m->guest;
	return NULL;
}

/*
 * The first part of @range in which nothing changes: a shared chunk or some of
 * it, and its guest in @sharing, or all before the next shared chunk and NULL.
 * Call with both locks held.
 */
struct range next_part(struct range range, struct guest **sharing)
{
	struct range part = { range.start, range.start & ~(CHUNK_BYTES - 1) };

	*sharing = sharing_at(range.start);
	do
		part.end += CHUNK_BYTES;
	while (!*sharing && part.end - 1 < range.end - 1 &&
	       !sharing_at(part.end));
	/* The end of the last chunk of all is 0. */
	if (part.end - 1 > range.end - 1)
		part.end = range.end;
	return part;
}
