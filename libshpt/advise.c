// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * advise.c - libshpt_advise()
 *
 * What an advice is about decides where it is given: most are about page tables
 * or pages, and the kernel part carries them out; some are about the file, and
 * are given on an ordinary mapping of it, made for the purpose; some are hints
 * for faults, which the library's chunks take in the host, where no process
 * has a say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Not in every libc's <sys/mman.h>. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static bool is_hint(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DODUMP: /* the kernel never dumps chunks */
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
		return true;
	}
	return false;
}

static bool is_for_file(int advice)
{
	return advice == MADV_REMOVE || advice == MADV_WILLNEED ||
	       advice == MADV_COLLAPSE;
}

static int refuse_advise(int err, struct range part, int advice,
			 struct reason *why)
{
	size_t bytes = part.end - part.start;

	switch (err) {
	case ENOMEM:
		return refuse(why, err,
			      "not all of the %zu bytes at %#zx are mapped, or "
			      "memory is short",
			      bytes, (size_t)part.start);
	case EACCES:
		return refuse(why, err,
			      "advice %d for the %zu bytes at %#zx changes the "
			      "file: map it shared and with PROT_WRITE",
			      advice, bytes, (size_t)part.start);
	}
	return refuse(why, err, "madvise of %zu bytes at %#zx, advice %d: %m",
		      bytes, (size_t)part.start, advice);
}

/* One part of the caller's range, and how the advice is to be given there. */
struct part {
	struct range range;
	bool shared;
	uintptr_t beside; /* an ordinary mapping of its chunk, or 0 */
	int prot;
	int err;
};

static void find_beside(struct part *part, struct guest *guest, int advice)
{
	uintptr_t chunk = part->range.start & ~(CHUNK_BYTES - 1);

	if (guest->is_private) {
		part->err = advice == MADV_REMOVE ? EACCES : 0;
		return;
	}
	part->prot = chunk_at(guest, chunk)->prot;
	part->beside = map_beside(guest, chunk);
	part->err = part->beside ? 0 : errno;
}

/*
 * The first part of @range in which all is alike. The locks are not held while
 * the advice is carried out, for that can take long.
 */
static struct part find_part(struct range range, int advice)
{
	struct part part = { 0 };
	struct guest *sharing;

	table_lock();
	guest_lock();
	part.range = next_part(range, &sharing);
	part.shared = sharing;
	if (sharing && is_for_file(advice))
		find_beside(&part, sharing, advice);
	guest_unlock();
	table_unlock();
	return part;
}

static int advise_beside(const struct part *part, size_t bytes, int advice)
{
	uintptr_t in_chunk = part->range.start % CHUNK_BYTES;
	void *at = (void *)(part->beside + in_chunk);
	int err = 0;

	if (mprotect((void *)part->beside, CHUNK_BYTES, part->prot) ||
	    madvise(at, bytes, advice))
		err = errno;
	munmap((void *)part->beside, CHUNK_BYTES);
	return err;
}

/* Returns 0 or an errno. */
static int advise_part(const struct part *part, int advice)
{
	size_t bytes = part->range.end - part->range.start;

	if (part->err || (part->shared && is_hint(advice)))
		return part->err;
	if (part->beside)
		return advise_beside(part, bytes, advice);
	return madvise((void *)part->range.start, bytes, advice) ? errno : 0;
}

static int prepare(struct range *range, int advice, struct reason *why)
{
	int err = 0;

	table_lock();
	if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
		err = make_cuttable(range, why);
	else if (advice == MADV_POPULATE_WRITE)
		err = break_writable(*range, why);
	table_unlock();
	return err;
}

LIBSHPT_EXPORT int libshpt_advise(void *addr, size_t length, int advice)
{
	struct range range = own_pages((uintptr_t)addr, length);
	struct reason why;
	int err;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	err = prepare(&range, advice, &why);
	while (!err && range.start < range.end) {
		struct part part = find_part(range, advice);

		err = advise_part(&part, advice);
		if (err)
			refuse_advise(err, part.range, advice, &why);
		range.start = part.range.end;
	}
	return err ? fail_with(&why) : 0;
}
