// SPDX-License-Identifier: LGPL-2.1-or-later
/* protect.c - libshpt_protect() */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* What a shared chunk is mapped with, where the caller may do @prot: writing to
 * a private one needs that it is broken first. */
int mapped_prot(int prot, bool is_private)
{
	return is_private && prot & PROT_WRITE ? PROT_READ : prot;
}

static int refuse_protect(int err, struct range range, int prot,
			  struct reason *why)
{
	size_t bytes = range.end - range.start;

	switch (err) {
	case EACCES:
		return refuse(why, err,
			      "the %zu bytes at %#zx are of a file that is not "
			      "open for protection %#x: open it with O_RDWR "
			      "before it is mapped",
			      bytes, (size_t)range.start, prot);
	case EPERM:
		return refuse(why, err,
			      "the %zu bytes at %#zx are of a file that has "
			      "been sealed against writing, for good: leave "
			      "out PROT_WRITE",
			      bytes, (size_t)range.start);
	case ENOMEM:
		return refuse(why, err,
			      "not all of the %zu bytes at %#zx are mapped, or "
			      "the process has too many mappings: see "
			      "vm.max_map_count",
			      bytes, (size_t)range.start);
	}
	return refuse(why, err, "mprotect of %zu bytes at %#zx to %#x: %m",
		      bytes, (size_t)range.start, prot);
}

static int protect_part(struct range part, struct guest *sharing, int prot,
			struct reason *why)
{
	int mapped = mapped_prot(prot, sharing && sharing->is_private);

	if (mprotect((void *)part.start, part.end - part.start, mapped))
		return refuse_protect(errno, part, prot, why);
	if (sharing)
		chunk_at(sharing, part.start)->prot = prot;
	return 0;
}

static int protect_range(struct range range, int prot, struct reason *why)
{
	struct guest *sharing;
	struct range part;
	int err = 0;

	if (make_cuttable(&range, why))
		return -1;
	/* What cannot be had with shared page tables. */
	if (prot & ~(PROT_READ | PROT_WRITE) && replace_chunks(range, why))
		return -1;
	guest_lock();
	for (; !err && range.start < range.end; range.start = part.end) {
		part = next_part(range, &sharing);
		err = protect_part(part, sharing, prot, why);
	}
	guest_unlock();
	return err;
}

LIBSHPT_EXPORT int libshpt_protect(void *addr, size_t length, int prot)
{
	struct reason why;
	int err;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	table_lock();
	err = protect_range(own_pages((uintptr_t)addr, length), prot, &why);
	table_unlock();
	return err ? fail_with(&why) : 0;
}
