// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * served.c - the mappings that the program has from libshpt and not from libc
 *
 * Each comes with its anchor: an ordinary mapping of the beginning of the same
 * part of the file, which nobody can touch. What cannot be done to a mapping
 * with shared page tables can be done to an ordinary one, and that can be had
 * from the anchor at any time, without a descriptor: mremap(2) of no bytes
 * makes a second mapping of the same file.
 *
 * The list is changed under the table's lock, which is also held over fork(2),
 * and looked at by served_touches() without it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "preload.h"

#define SERVED_MAX 256

struct served {
	_Atomic uintptr_t start; /* the address space taken; 0: no mapping */
	_Atomic uintptr_t end;
	struct range own; /* the program's pages */
	int prot;
	struct range anchor; /* empty if the backend takes any call */
	bool sysv;
	bool going; /* being unmapped */
};

static struct served all[SERVED_MAX];
static atomic_size_t used; /* those from here on never held a mapping */

/* The pages of a range, as far as there are addresses. */
struct range pages_at(const void *addr, size_t length)
{
	uintptr_t start = (uintptr_t)addr, end;

	if (__builtin_add_overflow(start, length, &end) ||
	    end > UINTPTR_MAX - page_bytes())
		end = UINTPTR_MAX - page_bytes();
	return (struct range){ start, round_up(end, page_bytes()) };
}

static bool touches(const struct served *s, struct range range)
{
	uintptr_t start = atomic_load(&s->start);

	return start && start < range.end && range.start < atomic_load(&s->end);
}

static bool covers(struct range outer, struct range inner)
{
	return outer.start <= inner.start && inner.end <= outer.end;
}

bool served_touches(struct range range)
{
	size_t n = atomic_load(&used);

	for (size_t i = 0; i < n; i++)
		if (touches(&all[i], range))
			return true;
	return false;
}

static struct served *next(struct served *after, struct range range)
{
	struct served *s = after ? after + 1 : all;

	while (s < all + used && !touches(s, range))
		s++;
	return s < all + used ? s : NULL;
}

static struct served *find_room(void)
{
	size_t i = 0;

	while (i < SERVED_MAX && atomic_load(&all[i].start))
		i++;
	if (i == SERVED_MAX)
		return NULL;
	if (i == used)
		atomic_store(&used, i + 1);
	return &all[i];
}

/* Enters the mapping that libshpt has made at @addr. */
int served_add(const void *addr, int prot, struct range anchor, bool sysv,
	       struct reason *why)
{
	struct mapping *m;
	struct served *s;

	table_lock();
	m = table_next(NULL, own_pages((uintptr_t)addr, 1));
	s = find_room();
	if (s) {
		s->own = own_pages(m->addr, m->length);
		s->prot = prot;
		s->anchor = anchor;
		s->sysv = sysv;
		s->going = false;
		atomic_store(&s->end, m->taken.end);
		atomic_store(&s->start, m->taken.start);
	}
	table_unlock();
	if (!s)
		return refuse(why, ENFILE,
			      "one process can have %d such mappings: raise "
			      "LIBSHPT_MIN_SIZE",
			      SERVED_MAX);
	return 0;
}

static void forget(struct served *s)
{
	if (s->anchor.start != s->anchor.end)
		raw_munmap((void *)s->anchor.start,
			   s->anchor.end - s->anchor.start);
	atomic_store(&s->start, 0);
}

static struct served *find_whole(struct range own)
{
	struct served *s = next(NULL, own);

	return s && s->own.start == own.start && s->own.end == own.end ? s :
									 NULL;
}

/* mprotect(2) if @own are exactly the pages of one mapping, or -1. */
int served_protect(struct range own, int prot)
{
	struct served *s;
	int err = -1;

	table_lock();
	s = find_whole(own);
	if (s)
		err = raw_mprotect((void *)s->start, s->end - s->start, prot);
	if (!err)
		s->prot = prot;
	table_unlock();
	return err;
}

/* madvise(2) likewise. */
int served_advise(struct range own, int advice)
{
	struct served *s;
	int err = -1;

	table_lock();
	s = find_whole(own);
	if (s)
		err = raw_madvise((void *)s->start, s->end - s->start, advice);
	table_unlock();
	return err;
}

/*
 * Puts an ordinary mapping in the place of @s, in one step for other threads,
 * and leaves it to libc. If that fails, nothing has changed.
 */
static int make_ordinary(struct served *s)
{
	struct range taken = { s->start, s->end }, anchor = s->anchor;
	size_t length = anchor.end - anchor.start;

	if (length &&
	    (raw_mprotect((void *)anchor.start, length, s->prot) ||
	     raw_mremap((void *)anchor.start, 0, taken.end - taken.start,
			MREMAP_MAYMOVE | MREMAP_FIXED,
			(void *)taken.start) == MAP_FAILED))
		return -1;
	if (taken.start < s->own.start)
		raw_munmap((void *)taken.start, s->own.start - taken.start);
	if (s->own.end < taken.end)
		raw_munmap((void *)s->own.end, taken.end - s->own.end);
	table_cut(taken, NULL);
	forget(s);
	return 0;
}

static void give_up(struct range range, bool only_parts, const char *call)
{
	struct served *s = NULL;
	void *given_up = NULL;
	int saved = errno;

	table_lock();
	while ((s = next(s, range))) {
		void *addr = (void *)s->own.start;

		if (!(only_parts && covers(range, s->own)) &&
		    make_ordinary(s) == 0)
			given_up = addr;
	}
	table_unlock();
	if (given_up)
		say_given_up(call, given_up);
	errno = saved;
}

/* What has pages in @range becomes ordinary mappings, so that @call can be
 * passed through. Where that is not possible the kernel refuses the call. */
void served_give_up(struct range range, const char *call)
{
	give_up(range, false, call);
}

/* The same for what has pages beside @range as well. */
void served_give_up_parts(struct range range, const char *call)
{
	give_up(range, true, call);
}

/*
 * Unmaps @range, which has no part of a mapping but whole ones, and maybe more
 * than those. The marks tell them from what another thread may map there as
 * soon as they are gone.
 */
int served_unmap(struct range range)
{
	struct served *s = NULL;
	int err;

	table_lock();
	while ((s = next(s, range)))
		s->going = true;
	table_unlock();

	err = libshpt_unmap((void *)range.start, range.end - range.start);

	table_lock();
	while ((s = next(s, range))) {
		if (s->going && !err)
			forget(s);
		s->going = false;
	}
	table_unlock();
	return err;
}

/* The length of the SysV segment that is attached at @addr, or 0. */
size_t served_sysv(const void *addr)
{
	struct range page = pages_at(addr, 1);
	struct served *s;
	size_t length = 0;

	table_lock();
	s = next(NULL, page);
	if (s && s->sysv && s->own.start == (uintptr_t)addr)
		length = s->own.end - s->own.start;
	table_unlock();
	return length;
}
