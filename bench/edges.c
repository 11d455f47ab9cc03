// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * edges.c - scenario "edges": a process changes its mapping
 *
 * Each process has mapped the file and seen all of it. One after the other then
 * protects it and lets itself write again; unmaps all, and maps and sees it
 * once more; cuts one page out of its middle, which with shared tables gives the
 * chunk an ordinary mapping first, reads what is left, and unmaps that.
 */
#include <errno.h>
#include <libshpt.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

enum { PROTECT, UNMAP, READ, CUT };

static const struct metric metrics[] = {
	{ "protect_seconds", "Protect", SECONDS, false,
	  "Time to make the whole mapping read-only." },
	{ "protect_read_seconds", "Protect, read all, allow writing again",
	  SECONDS, false,
	  "Time to make the whole mapping read-only, read one word of each page, "
	  "make it writable and read them once more." },
	{ "protect_most_seconds", "The same, of the slowest", SECONDS, false,
	  "That time of the process that took longest: where tables are shared, "
	  "the first one fills those of all who may only read." },
	{ "unmap_seconds", "Unmap all", SECONDS, false,
	  "Time to unmap the whole mapping, after all of it was seen." },
	{ "cut_seconds", "Unmap one page", SECONDS, false,
	  "Time to unmap one page in the middle, of hugetlb and device-dax one "
	  "of 2 MiB; where tables are shared, its chunk gets an ordinary mapping "
	  "by that." },
	{ "cut_read_seconds", "Read a half after that", SECONDS, false,
	  "Time to read one word of each page of the half before the page that "
	  "was unmapped." },
	{ "unmap_rest_seconds", "Unmap that half", SECONDS, false,
	  "Time to unmap the half that was read, all of it." },
	{ 0 }
};

static void protect(struct worker *worker, int prot)
{
	size_t bytes = worker->pass->file->bytes;

	if (worker->pass->mode->shpt) {
		if (libshpt_protect(worker->p, bytes, prot))
			fail(worker, "cannot protect: %s", libshpt_errormsg());
	} else if (mprotect(worker->p, bytes, prot)) {
		fail(worker, "cannot protect: %s", strerror(errno));
	}
}

static void unmap(struct worker *worker, size_t at, size_t bytes)
{
	if (worker->pass->mode->shpt) {
		if (libshpt_unmap(worker->p + at, bytes))
			fail(worker, "cannot unmap: %s", libshpt_errormsg());
	} else if (munmap(worker->p + at, bytes)) {
		fail(worker, "cannot unmap: %s", strerror(errno));
	}
}

static void step_protect(struct worker *worker)
{
	double start = now();

	protect(worker, PROT_READ);
	worker->answer.value[PROTECT] = now() - start;
	touch(worker);
	protect(worker, PROT_READ | PROT_WRITE);
	touch(worker);
	worker->answer.value[READ] = now() - start;
}

static void step_unmap(struct worker *worker)
{
	double start = now();

	unmap(worker, 0, worker->pass->file->bytes);
	worker->answer.value[UNMAP] = now() - start;
	step_map(worker);
	if (!worker->answer.problem[0])
		touch(worker);
}

static void step_cut(struct worker *worker)
{
	const struct file *file = worker->pass->file;
	bool huge = file->pages == HUGETLB || file->backing == DEVICE_DAX;
	size_t half = file->bytes / 2;
	double start = now();

	unmap(worker, half, huge ? PMD_BYTES : PAGE);
	worker->answer.value[CUT] = now() - start;
	start = now();
	touch_range(worker, 0, half);
	worker->answer.value[READ] = now() - start;
	start = now();
	unmap(worker, 0, half);
	worker->answer.value[UNMAP] = now() - start;
}

static void run(const struct pass *pass)
{
	struct crew *crew = crew_start(pass, pass->x);

	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	for (unsigned int i = 0; i < pass->x; i++)
		crew_one(crew, i, step_protect, 0);
	record(pass, "protect_seconds", crew_median(crew, 0, pass->x, PROTECT));
	record(pass, "protect_read_seconds",
	       crew_median(crew, 0, pass->x, READ));
	record(pass, "protect_most_seconds", crew_most(crew, 0, pass->x, READ));
	for (unsigned int i = 0; i < pass->x; i++)
		crew_one(crew, i, step_unmap, 0);
	record(pass, "unmap_seconds", crew_median(crew, 0, pass->x, UNMAP));
	for (unsigned int i = 0; i < pass->x; i++)
		crew_one(crew, i, step_cut, 0);
	record(pass, "cut_seconds", crew_median(crew, 0, pass->x, CUT));
	record(pass, "cut_read_seconds",
	       crew_median(crew, 0, pass->x, READ));
	record(pass, "unmap_rest_seconds",
	       crew_median(crew, 0, pass->x, UNMAP));
	crew_exit(crew);
}

const struct scenario scenario_edges = {
	.name = "edges",
	.title = "what it costs a process to protect, cut and unmap",
	.text =
"What it costs one process to change its mapping of a file that others map, too:\n"
"protecting it, cutting a page out of it, unmapping it.\n",
	.metrics = metrics,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "how many map the file; each is timed",
	.xs = "4",
	.max_x = MAX_PROCESSES,
	.rounds = 5,
	.run = run,
};
