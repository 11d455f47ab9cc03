// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bystander.c - scenario "bystander": what the module costs who has no use of it
 *
 * A process with ordinary mappings only forks children that write to some pages
 * and exit: without the module, with it, and while others share a file.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define SHARED_BYTES (64ULL << 20)
#define SHARERS	     4
#define CHILD_PAGES  100

enum { FORKS, MAPPINGS, LOAD, UNLOAD };
enum { TOTAL };

static const struct mode mode_absent = { "no-module", NO_PAGES, false, 0 };
static const struct mode mode_idle = { "idle", NO_PAGES, false, 0 };
static const struct mode mode_in_use = { "in-use", NO_PAGES, false, 0 };
static const struct mode *const modes[] = {
	&mode_absent, &mode_idle, &mode_in_use, NULL,
};

static const struct metric metrics[] = {
	{ "fork_seconds", "Fork, touch, exit, wait", SECONDS, false,
	  "Mean time in which a process that shares nothing forks, its child "
	  "writes to a hundred pages and exits, and the parent has waited for "
	  "it." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[FORKS] = { "forks", "N", 100, 1, 100000,
		    "children of each process in a round", NULL },
	[MAPPINGS] = { "mappings", "N", 200, 0, 30000,
		       "mappings of each process", NULL },
	[LOAD] = { "load", "COMMAND", 0, 0, 0, "loads the module",
		   "modprobe shpt" },
	[UNLOAD] = { "unload", "COMMAND", 0, 0, 0, "unloads it",
		     "modprobe -r shpt" },
	{ 0 }
};

static bool write_pages(const struct worker *worker, uint64_t i)
{
	static char pages[CHILD_PAGES * PAGE];

	(void)worker;
	for (unsigned int page = 0; page < CHILD_PAGES; page++)
		((volatile char *)pages)[page * PAGE] = (char)i;
	return true;
}

static void step_fork(struct worker *worker)
{
	double start = now();

	fork_children(worker, worker->pass->parameters[FORKS], write_pages);
	worker->answer.value[TOTAL] = now() - start;
}

static void want_module(const struct pass *pass, bool loaded)
{
	const char *command = pass->texts[loaded ? LOAD : UNLOAD];

	if (module_loaded() == loaded)
		return;
	if (system(command) || module_loaded() != loaded) /* NOLINT */
		die("'%s' does not %sload the module: name a command that does "
		    "with --%sload%s", command, loaded ? "" : "un",
		    loaded ? "" : "un",
		    loaded ? "" : ", or end what shares files (shptctl list)");
}

/* Others, who have nothing to do with who is measured. */
static struct crew *share(const struct pass *others)
{
	const char *why = file_make(others->file);
	struct crew *crew;

	if (why)
		die("%s", why);
	crew = crew_start(others, SHARERS);
	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	return crew;
}

static void run(const struct pass *pass)
{
	struct file file = { .backing = MEMFD, .pages = SMALL,
			     .bytes = SHARED_BYTES, .stride = PAGE };
	struct crew *others = NULL, *crew;
	struct pass sharing = *pass;

	sharing.mode = &mode_shpt;
	sharing.file = &file;
	want_module(pass, pass->mode != &mode_absent);
	if (pass->mode == &mode_in_use)
		others = share(&sharing);
	crew = crew_start(pass, pass->x);
	crew_all(crew, step_map_others, pass->parameters[MAPPINGS]);
	/* Once for nothing: what has just been loaded has not run yet. */
	crew_all(crew, step_fork, 0);
	crew_all(crew, step_fork, 0);
	record(pass, "fork_seconds", crew_median(crew, 0, pass->x, TOTAL) /
					     pass->parameters[FORKS]);
	crew_exit(crew);
	if (others) {
		crew_exit(others);
		file_close(&file);
	}
	want_module(pass, true);
}

const struct scenario scenario_bystander = {
	.name = "bystander",
	.title = "what the module costs programs that do not use it",
	.text =
"What the module costs programs that do not use it: how fast they fork children,\n"
"without the module, with it loaded and idle, and while others share a file.\n"
"Loads and unloads the module.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = modes,
	.x = "processes",
	.x_help = "how many fork at the same time",
	.xs = "1",
	.max_x = MAX_PROCESSES,
	.rounds = 15,
	.run = run,
};
