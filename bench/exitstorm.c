// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exitstorm.c - scenario "exitstorm": many processes end at once
 *
 * All have the file mapped and have read all of it. Then all are told to exit,
 * without unmapping first, as at the end of a server.
 */
#include "bench.h"

static const struct metric metrics[] = {
	{ "exits_per_second", "Exits", PER_SECOND, true,
	  "Processes that have seen the whole file, over the time from telling "
	  "all to exit to having waited for the last." },
	{ 0 }
};

static void run(const struct pass *pass)
{
	struct crew *crew = crew_start(pass, pass->x);

	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	record(pass, "exits_per_second", pass->x / crew_exit(crew));
}

const struct scenario scenario_exitstorm = {
	.name = "exitstorm",
	.title = "how fast many processes end that have a file mapped",
	.text =
"How fast many processes end that have a file mapped and have read all of it.\n",
	.metrics = metrics,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "how many end",
	.xs = "64",
	.max_x = MAX_PROCESSES,
	.rounds = 5,
	.run = run,
};
