// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * populate.c - fill the page tables of a mapping ahead of its use
 *
 * The range is done step by step, by as many threads as the caller wants, of
 * which he is one. Shared page tables are filled through the region, for all
 * processes, and ordinary ones by madvise(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define POPULATE_SIZE_0_1 24
#define STEP_BYTES ((size_t)16 << 20)
#define MAX_THREADS 64

/* The bytes of one mapping, and where they are in its region. */
struct part {
	struct range range;
	int region; /* an fd, or -1 */
	uintptr_t origin;
};

struct task {
	struct part part;
	bool write;
	bool patient; /* goes on after signals */
	atomic_uintptr_t next;
	atomic_size_t done;
	atomic_int err;
};

static int refuse_populate(int err, const struct task *task, struct reason *why)
{
	size_t addr = task->part.range.start;
	size_t bytes = task->part.range.end - addr;

	switch (err) {
	case EINTR:
		return refuse(why, err,
			      "a signal arrived: call again for the rest");
	case ECANCELED:
		return refuse(why, err,
			      "the progress function ended it: call again for "
			      "the rest");
	case EACCES:
	case EINVAL:
		return refuse(why, EACCES,
			      "the %zu bytes at %#zx are not mapped for %s, or "
			      "this kernel is older than 5.14: map them so, or "
			      "touch each page",
			      bytes, addr, task->write ? "writing" : "reading");
	case EFAULT:
	case EIO:
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

/* Through the region: 0, or an errno. *@at is how far it came. */
static int fill_region(const struct task *task, uintptr_t *at, uintptr_t end)
{
	struct shpt_populate arg = {
		.size = sizeof(arg),
		.flags = task->write ? SHPT_POPULATE_WRITE : 0,
		.offset = *at - task->part.origin,
		.length = end - *at,
	};
	int err = ioctl(task->part.region, SHPT_IOC_POPULATE, &arg) ? errno : 0;

	*at += arg.populated;
	return err == 0 && *at < end ? EFAULT : err;
}

static int fill_ordinary(const struct task *task, uintptr_t *at, uintptr_t end)
{
	if (madvise((void *)*at, end - *at,
		    task->write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		return errno;
	*at = end;
	return 0;
}

/* The next step. Returns false if there is none, or if something is wrong. */
static bool fill_step(struct task *task)
{
	uintptr_t at = atomic_fetch_add(&task->next, STEP_BYTES), start = at;
	uintptr_t end = at + STEP_BYTES;
	int err, none = 0;

	if (at >= task->part.range.end || task->err)
		return false;
	if (end > task->part.range.end)
		end = task->part.range.end;
	do
		err = task->part.region >= 0 ? fill_region(task, &at, end) :
					       fill_ordinary(task, &at, end);
	while (err == EINTR && task->patient);
	atomic_fetch_add(&task->done, at - start);
	if (err)
		atomic_compare_exchange_strong(&task->err, &none, err);
	return err == 0;
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
	sigset_t all, before;
	unsigned int i;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fill_steps, task))
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return i;
}

/* How many threads besides the caller, and no more than have a step to do. */
static unsigned int helpers(const struct libshpt_populate *how,
			    const struct task *task)
{
	size_t bytes = task->part.range.end - task->part.range.start;
	size_t n = how->threads;

	if (n > round_up(bytes, STEP_BYTES) / STEP_BYTES)
		n = round_up(bytes, STEP_BYTES) / STEP_BYTES;
	if (n > MAX_THREADS)
		n = MAX_THREADS;
	return n > 1 ? n - 1 : 0;
}

/* How much of a call is done: the parts before, and this one. */
struct progress {
	const struct libshpt_populate *how;
	uint64_t before;
	uint64_t length;
};

static void tell(const struct progress *p, struct task *task)
{
	int none = 0;

	if (p->how->progress &&
	    p->how->progress(p->how->arg, p->before + task->done, p->length))
		atomic_compare_exchange_strong(&task->err, &none, ECANCELED);
}

static int fill_part(struct task *task, struct progress *p, struct reason *why)
{
	pthread_t threads[MAX_THREADS];
	unsigned int n, i;

	task->next = task->part.range.start;
	n = start_threads(threads, helpers(p->how, task), task);
	while (fill_step(task))
		tell(p, task);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (n && !task->err)
		tell(p, task);
	if (task->err)
		return refuse_populate(task->err, task, why);
	p->before += task->done;
	return 0;
}

static struct part part_of(const struct mapping *m, struct range range)
{
	struct part part = { .region = -1 };
	struct range own = own_pages(m->addr, m->length);

	part.range.start = range.start > own.start ? range.start : own.start;
	part.range.end = range.end < own.end ? range.end : own.end;
	if (m->region) {
		part.origin = m->region->origin;
		part.region = region_of_mapping(m);
	}
	return part;
}

/* The mapping at the beginning of @range, as much of it as lies in there. */
static int find_part(struct range range, struct part *part, struct reason *why)
{
	struct mapping *m = NULL;
	bool found = false;

	table_lock();
	while (!found && (m = table_next(m, range))) {
		*part = part_of(m, range);
		found = part->range.start == range.start &&
			part->range.end > part->range.start;
		if (!found && part->region >= 0)
			close(part->region);
	}
	table_unlock();
	if (found)
		return 0;
	return refuse(why, ENOENT,
		      "no mapping of libshpt is at %#zx: pass addresses that "
		      "libshpt_map() returned",
		      (size_t)range.start);
}

static int populate_range(struct range range,
			  const struct libshpt_populate *how,
			  struct reason *why)
{
	struct progress progress = { how, 0, range.end - range.start };
	int err = 0;

	while (!err && range.start < range.end) {
		struct task task = {
			.write = how->flags & LIBSHPT_POPULATE_WRITE,
		};

		if (find_part(range, &task.part, why))
			return -1;
		err = fill_part(&task, &progress, why);
		if (task.part.region >= 0)
			close(task.part.region);
		range.start = task.part.range.end;
	}
	return err;
}

/* All of a mapping that is not yet in the table. */
int populate_mapping(const struct mapping *m, struct reason *why)
{
	static const struct libshpt_populate how;
	struct progress progress = { &how, 0, m->length };
	struct task task = {
		.part = part_of(m, own_pages(m->addr, m->length)),
		.patient = true,
	};
	int err = fill_part(&task, &progress, why);

	if (task.part.region >= 0)
		close(task.part.region);
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
	return populate_range(pages, &known, &why) ? fail_with(&why) : 0;
}
