// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * served.c - the mappings that the program has from libshpt and not from libc
 *
 * Where they are, that is: what they are the library's table knows. An entry
 * may be for more than is left of its mapping, never for less.
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
	struct range attached; /* of a SysV segment, see shm.c; or empty */
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

/* An empty range touches nothing, wherever it is. */
bool served_touches(struct range range)
{
	size_t n = range.start < range.end ? atomic_load(&used) : 0;

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

static int refuse_another(struct reason *why)
{
	return refuse(why, ENFILE,
		      "one process can have %d such mappings: raise "
		      "LIBSHPT_MIN_SIZE",
		      SERVED_MAX);
}

/* To be asked first, for making a mapping and a region of it is much work. */
int served_check_room(struct reason *why)
{
	for (size_t i = 0; i < SERVED_MAX; i++)
		if (!atomic_load(&all[i].start))
			return 0;
	return refuse_another(why);
}

/* Enters the mapping that libshpt has made at @addr. */
int served_add(const void *addr, struct range attached, struct reason *why)
{
	struct mapping *m;
	struct served *s;

	table_lock();
	m = table_next(NULL, own_pages((uintptr_t)addr, 1));
	s = find_room();
	if (s) {
		s->own = own_pages(m->addr, m->length);
		s->attached = attached;
		s->going = false;
		atomic_store(&s->end, m->taken.end);
		atomic_store(&s->start, m->taken.start);
	}
	table_unlock();
	return s ? 0 : refuse_another(why);
}

static void forget(struct served *s)
{
	size_t length = s->attached.end - s->attached.start;

	if (length)
		raw_munmap((void *)s->attached.start, length);
	atomic_store(&s->start, 0);
}

/*
 * A SysV segment becomes the kernel's own attachment again, if nothing has been
 * done to it yet.
 */
static int attach_again(const struct served *s, const struct mapping *m)
{
	size_t length = s->attached.end - s->attached.start;

	if (m->taken.start != s->start || m->taken.end != s->end || !m->guest)
		return -1;
	if (raw_mprotect((void *)s->attached.start, length,
			 chunk_at(m->guest, s->start)->prot) ||
	    raw_mremap((void *)s->attached.start, 0, s->end - s->start,
		       MREMAP_MAYMOVE | MREMAP_FIXED,
		       (void *)s->start) == MAP_FAILED)
		return -1;
	return 0;
}

/* What is left of a mapping is libc's from now on. */
static void leave(const struct mapping *m)
{
	struct range own = own_pages(m->addr, m->length), taken = m->taken;

	if (taken.start < own.start)
		raw_munmap((void *)taken.start, own.start - taken.start);
	if (own.end < taken.end)
		raw_munmap((void *)own.end, taken.end - own.end);
	table_cut(taken, NULL);
}

/*
 * A segment that cannot be attached again is from now on as any file. The page
 * that is attached stays so: as long as the process lives it may use the segment.
 */
static int make_ordinary(struct served *s)
{
	static const struct range none = { 0 };
	struct range taken = { s->start, s->end };
	struct mapping *m = table_next(NULL, taken);
	bool sysv = s->attached.start != s->attached.end;
	struct reason why;

	if (m && (!sysv || attach_again(s, m))) {
		if (replace_chunks(taken, &why))
			return -1;
		s->attached = none;
	}
	for (; m; m = table_next(NULL, taken))
		leave(m);
	forget(s);
	return 0;
}

/* What has pages in @range becomes ordinary mappings, so that @call can be
 * passed through; returns whether any did. Where that is not possible the kernel
 * refuses the call. */
bool served_give_up(struct range range, const char *call)
{
	struct served *s = NULL;
	void *given_up = NULL;
	int saved = errno;

	table_lock();
	while ((s = next(s, range))) {
		struct range own = s->own;

		if (make_ordinary(s))
			continue;
		given_up = (void *)own.start;
		note_given_up(given_up, own.end - own.start, call);
	}
	table_unlock();
	if (given_up)
		say_given_up(call, given_up);
	errno = saved;
	return given_up;
}

/*
 * What is unmapped as a whole is marked first, which tells it from what another
 * thread may map there as soon as it is gone.
 */
int served_unmap(struct range range)
{
	struct served *s = NULL;
	int err;

	table_lock();
	while ((s = next(s, range)))
		s->going = covers(range, s->own);
	table_unlock();

	err = libshpt_unmap((void *)range.start, range.end - range.start);

	table_lock();
	while ((s = next(s, range))) {
		struct range taken = { s->start, s->end };

		if (!err && (s->going || !table_next(NULL, taken)))
			forget(s);
		s->going = false;
	}
	table_unlock();
	return err;
}

/* The length of the SysV segment that is attached at @addr, or 0. */
size_t served_sysv(const void *addr)
{
	struct served *s;
	size_t length = 0;

	table_lock();
	s = next(NULL, pages_at(addr, 1));
	if (s && s->attached.start != s->attached.end &&
	    s->own.start == (uintptr_t)addr)
		length = s->own.end - s->own.start;
	table_unlock();
	return length;
}
