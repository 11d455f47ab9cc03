// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * table.c - the mappings of this process that the library made
 *
 * A list without order: processes have a handful of them. Mappings in it do
 * not overlap. The lock is also held over each munmap(2) together with the
 * change of the table, so that no other thread's new mapping of the same
 * addresses can come between the two.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

static struct mapping *mappings;

static bool overlap(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

/* The first mapping (@after is NULL) or the next one that takes space in
 * @range. Call with the lock held. */
struct mapping *table_next(const struct mapping *after, struct range range)
{
	struct mapping *m = after ? after->next : mappings;

	while (m && !overlap(m->taken, range))
		m = m->next;
	return m;
}

/* Leaves of @m what lies in @rest, which is a part of it. Returns false if
 * none of the caller's bytes do. */
static bool shrink(struct mapping *m, struct range rest)
{
	uintptr_t end = m->addr + m->length;

	if (end > rest.end)
		end = rest.end;
	if (m->addr < rest.start)
		m->addr = rest.start;
	m->length = end - m->addr;
	m->taken = rest;
	return m->addr < end;
}

void mapping_free(struct mapping *m)
{
	if (m->guest && --m->guest->entries == 0)
		guest_free(m->guest);
	free(m);
}

/*
 * Forgets what the table knows of @range. A mapping with something left on
 * both sides becomes two; there can be but one such, and @spare is for its
 * second half. @spare is consumed. Call with the lock held.
 */
void table_cut(struct range range, struct mapping *spare)
{
	struct mapping **link = &mappings, *m;

	while ((m = *link)) {
		struct range low = { m->taken.start, range.start };
		struct range high = { range.end, m->taken.end };

		if (!overlap(m->taken, range)) {
			link = &m->next;
			continue;
		}
		if (m->guest)
			guest_cut(m->guest, range);
		if (low.start < low.end && high.start < high.end) {
			/* Who has no spare cuts out whole mappings.
			 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
			*spare = *m;
			m->next = spare;
			if (m->guest)
				m->guest->entries++;
			if (!shrink(spare, high)) {
				m->next = spare->next;
				mapping_free(spare);
			}
			spare = NULL;
		}
		if (!shrink(m, low.start < low.end ? low : high)) {
			*link = m->next;
			mapping_free(m);
		}
	}
	free(spare);
}

/*
 * Adds @m. What the table still knows of its addresses is stale, for the
 * kernel has just given them to @m: MAP_FIXED replaced it, or it was unmapped
 * without the library. @spare as for table_cut(). Call with the lock held.
 */
void table_add(struct mapping *m, struct mapping *spare)
{
	table_cut(m->taken, spare);
	m->next = mappings;
	mappings = m;
}

/* Does a unit of @m, which the kernel part does not cut, reach beyond @range? */
static bool reaches_beyond(const struct mapping *m, struct range range)
{
	return (m->taken.start < range.start &&
		!(m->guest && !chunk_at(m->guest, range.start)->shared)) ||
	       (m->taken.end > range.end &&
		!(m->guest && !chunk_at(m->guest, range.end)->shared));
}

/* Replaces what is mapped there by a mapping without access. */
static bool claim_all(struct range range)
{
	return mmap((void *)range.start, range.end - range.start, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

/* Call with the lock held; one end is where a mapping ends. */
static void unmap(uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return;
	munmap((void *)start, end - start);
	table_cut((struct range){ start, end }, NULL);
}

/*
 * Makes way for a fixed mapping at @range. mmap(2) alone would replace the
 * caller's bytes of an older mapping, but the kernel part refuses to cut
 * chunks. So of an older mapping whose bytes all lie in @range, but not all of
 * its chunks, what lies beside @range goes here. Its place in @range stays
 * claimed: by itself, if the chunks that @range cuts are ordinary mappings by
 * now. Returns whether there was one.
 */
bool table_evict(struct range range)
{
	struct mapping *m = NULL;
	bool evicted = false;

	table_lock();
	while ((m = table_next(m, range))) {
		struct range own = own_pages(m->addr, m->length);
		struct range whole = m->taken;

		if (m->unit == page_bytes() || own.start < range.start ||
		    own.end > range.end)
			continue;
		if (whole.start >= range.start && whole.end <= range.end)
			continue;
		if (reaches_beyond(m, range)) {
			if (!claim_all(whole))
				continue;
			table_cut(whole, NULL);
		}
		unmap(whole.start, range.start);
		unmap(range.end, whole.end);
		evicted = true;
		m = NULL;
	}
	table_unlock();
	return evicted;
}
