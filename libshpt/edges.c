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

static int map_all(const struct request *req, struct mapping *m,
		   struct reason *why)
{
	struct request all = *req;

	all.flags &= ~(MAP_ANONYMOUS | MAP_POPULATE);
	if (is_fixed(req))
		return plain_backend.map(&all, m, why);
	return map_aligned(&all, page_bytes(), CHUNK_BYTES, m, why);
}

/*
 * Maps all of @req as an ordinary mapping and moves the chunks at @p, which are
 * those from @inner of the file, to their place in it. If that fails, mremap(2)
 * may have removed what was there or not, so it is left: by now it could be
 * another thread's mapping.
 */
int map_edges(const struct request *req, void *p, struct range inner,
	      struct mapping *m, struct reason *why)
{
	size_t bytes = inner.end - inner.start;

	if (map_all(req, m, why))
		return -1;
	if (mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   (void *)(m->addr + inner.start - req->offset)) == MAP_FAILED)
		return refuse_guest(errno, req->fd, why);
	return 0;
}

/* Notes that the ends of @m are not shared. */
void cut_edges(const struct mapping *m)
{
	struct range inner = inner_chunks(m->addr, m->length);
	struct range whole = m->guest->range;

	guest_cut(m->guest, (struct range){ whole.start, inner.start });
	guest_cut(m->guest, (struct range){ inner.end, whole.end });
}
