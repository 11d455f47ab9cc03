// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * populate.c - fill the page tables of a mapping ahead of its use
 *
 * By madvise(2), which faults in the caller's name: so what is shared becomes
 * there for all. The range is done step by step, by as many threads as the
 * caller wants, of which he is one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "internal.h"

#define POPULATE_SIZE_0_1 24
#define STEP_BYTES ((size_t)16 << 20)
#define MAX_THREADS 64

struct task {
	struct range range;
	bool write;
	atomic_uintptr_t next;
	atomic_size_t done;
	atomic_int err;
};

static int refuse_populate(int err, const struct task *task, struct reason *why)
{
	size_t addr = task->range.start;
	size_t bytes = task->range.end - addr;

	switch (err) {
	case ECANCELED:
		return refuse(why, err,
			      "the progress function ended it: call again for "
			      "the rest");
	case EINVAL:
		return refuse(why, EACCES,
			      "the %zu bytes at %#zx are not mapped for %s, or "
			      "this kernel is older than 5.14: map them so, or "
			      "touch each page",
			      bytes, addr, task->write ? "writing" : "reading");
	case EFAULT:
	case EHWPOISON:
		return refuse(why, EFAULT,
			      "the %zu bytes at %#zx: their file ends before, "
			      "or its file system is full or has lost a page: "
			      "make the file as long as the mapping, and see "
			      "\"df\"",
			      bytes, addr);
	case ENOMEM:
		return refuse(why, err,
			      "the %zu bytes at %#zx: no memory is left, the "
			      "limit of the memory cgroup is reached, or not "
			      "all is mapped",
			      bytes, addr);
	}
	return refuse(why, err, "populating the %zu bytes at %#zx: %m", bytes,
		      addr);
}

/* The next step. Returns false if there is none, or if something is wrong. */
static bool fill_step(struct task *task)
{
	uintptr_t at = atomic_fetch_add(&task->next, STEP_BYTES);
	size_t bytes = STEP_BYTES;
	int none = 0;

	if (at >= task->range.end || task->err)
		return false;
	if (bytes > task->range.end - at)
		bytes = task->range.end - at;
	if (madvise((void *)at, bytes,
		    task->write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ)) {
		atomic_compare_exchange_strong(&task->err, &none, errno);
		return false;
	}
	atomic_fetch_add(&task->done, bytes);
	return true;
}

static void *fill_steps(void *arg)
{
	while (fill_step(arg))
		;
	return NULL;
}

/* Signals are the program's own threads' business. Who cannot be started is
 * done without. */
static unsigned int start_threads(pthread_t threads[], unsigned int n,
				  struct task *task)
{
	sigset_t before;
	unsigned int i;

	block_signals(&before);
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fill_steps, task))
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return i;
}

/* How many threads besides the caller, and no more than have a step to do. */
static unsigned int helpers(const struct libshpt_populate *how,
			    struct range range)
{
	size_t steps =
		round_up(range.end - range.start, STEP_BYTES) / STEP_BYTES;
	size_t n = how->threads;

	if (n > steps)
		n = steps;
	if (n > MAX_THREADS)
		n = MAX_THREADS;
	return n > 1 ? n - 1 : 0;
}

static void tell(const struct libshpt_populate *how, struct task *task)
{
	int none = 0;

	if (how->progress && how->progress(how->arg, task->done,
					   task->range.end - task->range.start))
		atomic_compare_exchange_strong(&task->err, &none, ECANCELED);
}

static int fill(struct range range, const struct libshpt_populate *how,
		struct reason *why)
{
	struct task task = {
		.range = range,
		.write = how->flags & LIBSHPT_POPULATE_WRITE,
		.next = range.start,
	};
	pthread_t threads[MAX_THREADS];
	unsigned int n = start_threads(threads, helpers(how, range), &task);

	while (fill_step(&task))
		tell(how, &task);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (n && !task.err)
		tell(how, &task);
	return task.err ? refuse_populate(task.err, &task, why) : 0;
}

/* All of a mapping that is not yet in the table. */
int populate_mapping(const struct mapping *m, struct reason *why)
{
	static const struct libshpt_populate how;

	return fill(own_pages(m->addr, m->length), &how, why);
}

/* Call with the table's lock held. */
static int check_mapped(struct range range, struct reason *why)
{
	uintptr_t at = range.start;

	while (at < range.end) {
		struct mapping *m = table_next(NULL, own_pages(at, 1));
		struct range own = { 0 };

		if (m)
			own = own_pages(m->addr, m->length);
		if (at < own.start || own.end <= at)
			return refuse(why, ENOENT,
				      "no mapping of libshpt is at %#zx: pass "
				      "addresses that libshpt_map() returned",
				      (size_t)at);
		at = own.end;
	}
	return 0;
}

static int prepare(struct range range, const struct libshpt_populate *how,
		   struct reason *why)
{
	int err;

	table_lock();
	err = check_mapped(range, why);
	if (!err && how->flags & LIBSHPT_POPULATE_WRITE)
		err = break_writable(range, why);
	table_unlock();
	return err;
}

static int check_pages(uintptr_t addr, size_t length, struct range *pages,
		       struct reason *why)
{
	uintptr_t start = addr & ~(page_bytes() - 1), end;

	if (length == 0)
		return refuse(why, EINVAL,
			      "length is 0: populate at least one byte");
	if (__builtin_add_overflow(addr, length, &end) ||
	    round_up(end, page_bytes()) == 0)
		return refuse(why, EINVAL,
			      "%zu bytes at %#zx exceed any address space",
			      length, (size_t)addr);
	pages->start = start;
	pages->end = round_up(end, page_bytes());
	return 0;
}

LIBSHPT_EXPORT int libshpt_populate(void *addr, size_t length,
				    const struct libshpt_populate *how,
				    size_t how_size)
{
	struct libshpt_populate known;
	struct range pages = { 0 };
	struct reason why;

	if (take_struct(&known, sizeof(known), POPULATE_SIZE_0_1, how, how_size,
			"populate arguments", &why) ||
	    check_pages((uintptr_t)addr, length, &pages, &why))
		return fail_with(&why);
	if (known.flags & ~LIBSHPT_POPULATE_WRITE) {
		refuse(&why, EINVAL,
		       "unknown populate flags %#x: clear them, or update "
		       "libshpt",
		       known.flags & ~LIBSHPT_POPULATE_WRITE);
		return fail_with(&why);
	}
	if (prepare(pages, &known, &why) || fill(pages, &known, &why))
		return fail_with(&why);
	return 0;
}
