// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * forkstorm.c - scenario "forkstorm": processes that live for a moment
 *
 * Some processes, each with ordinary mappings as any program has and with the
 * file mapped and seen, fork children as fast as they can. A child reads one
 * page of the file and exits; the parent waits for it.
 */
#include "bench.h"

enum { FORKS, MAPPINGS };
enum { TOTAL };

static const struct metric metrics[] = {
	{ "fork_seconds", "Fork, touch, exit, wait", SECONDS, false,
	  "Mean time in which a process forks, its child reads a page of the "
	  "file and exits, and the parent has waited for it." },
	{ "forks_per_second", "Children of all processes", PER_SECOND, true,
	  "Children that all processes together have started and waited for, "
	  "over the time it took." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[FORKS] = { "forks", "N", 100, 1, 100000,
		    "children of each process in a round", NULL },
	[MAPPINGS] = { "mappings", "N", 200, 0, 30000,
		       "further mappings of each process", NULL },
	{ 0 }
};

static bool read_page(const struct worker *worker, uint64_t i)
{
	uint64_t at = i * PMD_BYTES % worker->pass->file->bytes;

	return *(volatile uint64_t *)(worker->p + at) == word(at / PAGE);
}

static void step_fork(struct worker *worker)
{
	double start = now();

	fork_children(worker, worker->pass->parameters[FORKS], read_page);
	worker->answer.value[TOTAL] = now() - start;
}

static void run(const struct pass *pass)
{
	struct crew *crew = crew_start(pass, pass->x);
	uint64_t forks = pass->parameters[FORKS];
	double start;

	crew_all(crew, step_map_others, pass->parameters[MAPPINGS]);
	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	/* Once for nothing: who forks first finds caches that are cold. */
	crew_all(crew, step_fork, 0);
	start = now();
	crew_all(crew, step_fork, 0);
	record(pass, "forks_per_second", pass->x * forks / (now() - start));
	record(pass, "fork_seconds",
	       crew_median(crew, 0, pass->x, TOTAL) / forks);
	crew_exit(crew);
}

const struct scenario scenario_forkstorm = {
	.name = "forkstorm",
	.title = "how fast processes fork children that touch a file",
	.text =
"How fast processes that have a file mapped, and other mappings beside it, fork\n"
"children that read a page of the file and exit.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "how many fork at the same time",
	.xs = "1,4",
	.max_x = MAX_PROCESSES,
	.rounds = 9,
	.run = run,
};
