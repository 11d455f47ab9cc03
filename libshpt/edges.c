// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * edges.c - LIBSHPT_STRICT_EDGES: ordinary mappings at the ends
 *
 * A chunk of which the caller has only a part is not shared, so that nothing of
 * the file can be reached but what the caller asked for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Takes an address for @req that is the same as the offset modulo 1 GiB. */
static int reserve(struct request *req, struct reason *why)
{
	size_t own = round_up(req->length, page_bytes());
	size_t bytes = own + CHUNK_BYTES, before, after;
	void *p = mmap((void *)req->addr, bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return refuse_guest(errno, req->fd, why);
	before = (req->offset - (uintptr_t)p) % CHUNK_BYTES;
	after = CHUNK_BYTES - before;
	req->addr = (uintptr_t)p + before;
	req->flags |= MAP_FIXED;
	if (before)
		munmap(p, before);
	munmap((void *)(req->addr + own), after);
	return 0;
}

/*
 * Maps all of @req as an ordinary mapping and moves the chunks at @p, which are
 * those from @inner of the file, to their place in it.
 */
int map_edges(const struct request *req, void *p, struct range inner,
	      struct mapping *m, struct reason *why)
{
	size_t bytes = inner.end - inner.start;
	struct request edges = *req;
	struct range own;

	edges.flags &= ~(MAP_ANONYMOUS | MAP_POPULATE);
	if (!is_fixed(req) && reserve(&edges, why))
		return -1;
	own = own_pages(edges.addr, edges.length);
	if (plain_backend.map(&edges, m, why) == 0) {
		if (mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)(own.start + inner.start - req->offset)) !=
		    MAP_FAILED)
			return 0;
		refuse_guest(errno, req->fd, why);
		munmap((void *)own.start, own.end - own.start);
	} else if (!is_fixed(req)) {
		munmap((void *)own.start, own.end - own.start);
	}
	return -1;
}

/* Notes that the ends of @m are not shared. */
void cut_edges(const struct mapping *m)
{
	struct range inner = inner_chunks(m->addr, m->length);
	struct range whole = m->guest->range;

	guest_cut(m->guest, (struct range){ whole.start, inner.start });
	guest_cut(m->guest, (struct range){ inner.end, whole.end });
}
