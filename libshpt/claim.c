// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * claim.c - the address space around a fixed mapping
 *
 * MAP_FIXED lets the caller's own range be replaced, not what lies beside it
 * in the same chunks. So the edges are claimed first with mappings that replace
 * nothing, which also keeps other threads from mapping something there before
 * the chunks are moved over it all.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "internal.h"

static int claim(uintptr_t start, uintptr_t end)
{
	void *p;

	if (start == end)
		return 0;
	p = mmap((void *)start, end - start, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			 MAP_FIXED_NOREPLACE,
		 -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

/*
 * Claims what @whole has beside @own. Returns -1 and errno with nothing claimed
 * if anything is mapped there.
 */
int claim_around(struct range whole, struct range own)
{
	if (claim(whole.start, own.start))
		return -1;
	if (claim(own.end, whole.end)) {
		if (whole.start != own.start)
			munmap((void *)whole.start, own.start - whole.start);
		return -1;
	}
	return 0;
}
