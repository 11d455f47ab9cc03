// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * invalidate.c - scenario "invalidate": the kernel takes pages away from all
 *
 * All processes have the file mapped and have seen all of it, then sleep. The
 * kernel has to find and clear the entries that map a page, in as many page
 * tables as there are, and to have all CPUs forget them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* Of the file, from its middle on: what all write to. */
#define DIRTY_PAGES 256
#define RECLAIMED   1000 /* pages */
#define MIGRATED    256	 /* pages, or as many of 2 MiB as half of it has */

enum { HOLES };

static const struct metric metrics[] = {
	{ "hole_punch_seconds", "Hole of one page", SECONDS, false,
	  "Time of fallocate(2) that punches a hole of 4 KiB into the file, one "
	  "of each 2 MiB." },
	{ "hole_punch_2m_seconds", "Hole of 2 MiB", SECONDS, false,
	  "Time of fallocate(2) that punches a hole of 2 MiB into the file." },
	{ "truncate_seconds", "Truncation of the last quarter", SECONDS, false,
	  "Time of ftruncate(2) that takes the last quarter of the file away." },
	{ "writeback_seconds", "Writeback of 1 MiB", SECONDS, false,
	  "Time of fsync(2) of a file on DAX after all processes have written to "
	  "the same 256 pages: it takes the right to write away from all." },
	{ "migrate_seconds", "Migration of a page", SECONDS, false,
	  "Mean time in which a page, of 2 MiB where the mode has such, is moved "
	  "to another NUMA node, where there is one, of up to 256 in one "
	  "move_pages(2)." },
	{ "reclaim_one_seconds", "Reclaim, one page asked for", SECONDS, false,
	  "Time of asking a memory cgroup for one page, where there is swap; the "
	  "kernel takes about thirty at once." },
	{ "reclaim_seconds", "Reclaim of each of many", SECONDS, false,
	  "Mean time to swap a page out, of a thousand that a memory cgroup is "
	  "asked for." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[HOLES] = { "holes", "N", 8, 1, 64, "of each kind in a round", NULL },
	{ 0 }
};

static const char *unfit(enum backing backing)
{
	return backing == DEVICE_DAX ?
		       "a device-dax has no pages that can be taken away" :
		       NULL;
}

/* Each hole is in 2 MiB of its own; the second half has what is moved and cut. */
static void check_room(const struct pass *pass)
{
	uint64_t holes = pass->parameters[HOLES];

	if (4 * holes * PMD_BYTES > pass->file->bytes)
		die("--holes %llu does not fit into a file of %llu MiB: it "
		    "takes 8 MiB for each",
		    (unsigned long long)holes,
		    (unsigned long long)pass->file->bytes >> 20);
}

static double punch(const struct pass *pass, off_t at, off_t bytes)
{
	double start = now();

	if (fallocate(pass->file->fd,
		      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, bytes))
		die("%s: cannot punch a hole: %s",
		    backing_names[pass->file->backing], strerror(errno));
	return now() - start;
}

static void punch_holes(const struct pass *pass)
{
	unsigned int n = pass->parameters[HOLES];
	double pages[64], blocks[64];

	for (unsigned int i = 0; i < n; i++) {
		pages[i] = punch(pass, i * PMD_BYTES, PAGE);
		blocks[i] = punch(pass, (n + i) * PMD_BYTES, PMD_BYTES);
	}
	/* A part of a page of hugetlb is only cleared. */
	if (pass->mode->pages != HUGETLB)
		record(pass, "hole_punch_seconds", median(pages, n));
	record(pass, "hole_punch_2m_seconds", median(blocks, n));
}

static void truncate_it(const struct pass *pass)
{
	const struct file *file = pass->file;
	double start = now();

	if (ftruncate(file->fd, file->bytes / 4 * 3))
		die("%s: cannot truncate the file: %s",
		    backing_names[file->backing], strerror(errno));
	record(pass, "truncate_seconds", now() - start);
	if (ftruncate(file->fd, file->bytes))
		die("%s: cannot make the file as long as it was: %s",
		    backing_names[file->backing], strerror(errno));
}

static void step_dirty(struct worker *worker)
{
	const struct file *file = worker->pass->file;
	char *p = worker->p + file->bytes / 2;

	for (unsigned int i = 0; i < DIRTY_PAGES; i++)
		*(volatile uint64_t *)(p + i * PAGE + 8) = worker->index;
}

static void write_back(const struct pass *pass, struct crew *crew)
{
	double start;

	crew_all(crew, step_dirty, 0);
	start = now();
	if (fsync(pass->file->fd))
		die("%s: fsync: %s", backing_names[pass->file->backing],
		    strerror(errno));
	record(pass, "writeback_seconds", now() - start);
}

/*
 * Through one more mapping, for a page is named by an address. Many in one
 * call: a call waits for all CPUs, whatever it moves.
 */
static void migrate(const struct pass *pass)
{
	uint64_t apart = pass->mode->pages == SMALL ? PAGE : PMD_BYTES;
	uint64_t half = pass->file->bytes / 2;
	char *p = map_ordinary(pass->file, pass->file->pages);
	int to[MIGRATED], status[MIGRATED];
	void *pages[MIGRATED];
	unsigned int n, moved = 0;
	double seconds = 0, start;

	if (p == MAP_FAILED)
		die("cannot map the file: %s", strerror(errno));
	for (n = 0; n < MIGRATED && n * apart < half; n++) {
		pages[n] = p + half + n * apart;
		(void)*(volatile char *)pages[n];
	}
	if (!move_pages(0, n, pages, NULL, to, MPOL_MF_MOVE)) {
		for (unsigned int i = 0; i < n; i++)
			to[i] = !to[i];
		memset(status, -1, sizeof(status));
		start = now();
		move_pages(0, n, pages, to, status, MPOL_MF_MOVE_ALL);
		seconds = now() - start;
		for (unsigned int i = 0; i < n; i++)
			moved += status[i] == to[i];
	}
	munmap(p, pass->file->bytes);
	if (moved > n / 2)
		record(pass, "migrate_seconds", seconds / moved);
}

static void reclaim(const struct pass *pass)
{
	unsigned int n = pass->parameters[HOLES], taken = 0;
	double seconds[64], all;
	uint64_t out;

	for (unsigned int i = 0; i < n; i++)
		if (reclaim_pages(1, &seconds[taken]))
			taken++;
	if (taken)
		record(pass, "reclaim_one_seconds", median(seconds, taken));
	out = reclaim_pages(RECLAIMED, &all);
	if (out >= RECLAIMED / 2)
		record(pass, "reclaim_seconds", all / out);
}

static void run(const struct pass *pass)
{
	bool can_reclaim = !is_dax(pass->file->backing) &&
			   pass->mode->pages != HUGETLB &&
			   reclaim_begin(pass->file->bytes);
	struct crew *crew;

	check_room(pass);
	file_renew(pass->file);
	if (can_reclaim)
		reclaim_filled();
	crew = crew_start(pass, pass->x);
	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	if (is_dax(pass->file->backing))
		write_back(pass, crew);
	else if (numa_available() >= 0 && numa_num_task_nodes() > 1)
		migrate(pass);
	punch_holes(pass);
	truncate_it(pass);
	if (can_reclaim)
		reclaim(pass);
	crew_exit(crew);
	if (can_reclaim)
		reclaim_end();
}

const struct scenario scenario_invalidate = {
	.name = "invalidate",
	.title = "what it costs to take pages away from many processes",
	.text =
"What it costs the kernel to take pages away from many processes that have them\n"
"mapped: holes, truncation, writeback, migration, swapping.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "64M",
	.stride = "4K",
	.x = "guests",
	.x_help = "processes that map the file",
	.xs = "1,10,100,500",
	.max_x = MAX_PROCESSES,
	.rounds = 5,
	.unfit = unfit,
	.run = run,
};
