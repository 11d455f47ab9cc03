// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attach.c - scenario "attach": from mapping to having seen the whole file
 *
 * The pages are there, and no tables. First all processes but the last few map
 * and read all at once, as a server starts; if there are none but these few, the
 * tables that the mode shares are filled for them. Then the last few, one by one
 * and timed: what is measured is what each further process pays. Each reads
 * everything several times, always with no entry in the TLB.
 * A later reading costs what reading costs; what the first took more than the
 * median of these is the price of attaching. Where that is next to nothing it
 * drowns in what one reading differs from another, and comes out below 0 as often
 * as above.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "bench.h"

#define READINGS 3	/* after the first */
#define CALM_US	 120000 /* QEMU looks back for 100 ms */

enum { TIMED };
enum { MAP, TOUCH, FIRST_BYTE, ATTACH, SCAN, FAULTS, CALL_FAULTS };

static const struct metric metrics[] = {
	{ "attach_seconds", "Attach, whole file seen", SECONDS, false,
	  "Time in which one more process maps the file and reads one word of "
	  "each page, minus the median of three later readings, each with the "
	  "TLB emptied as before the first. Can come out below 0." },
	{ "first_byte_seconds", "Attach, first byte seen", SECONDS, false,
	  "Time that one more process takes from the call that maps the file to "
	  "having read its first byte." },
	{ "map_seconds", "Attach, the call", SECONDS, false,
	  "Of the time to the first byte, the part that the call takes that "
	  "maps the file." },
	{ "first_touch_seconds", "Attach, the first fault", SECONDS, false,
	  "Of the time to the first byte, the rest: one fault, which may link "
	  "a whole chunk." },
	{ "scan_seconds", "Reading all once attached", SECONDS, false,
	  "The median of three later readings: no faults, but misses of the "
	  "TLB." },
	{ "attach_faults", "Faults to attach", COUNT, false,
	  "Page faults, minor and major, that one more process takes to read "
	  "one word of each page, once it has mapped the file: of those that "
	  "are timed, the one with the most." },
	{ "call_faults", "Faults of the call", COUNT, false,
	  "Page faults that one more process takes in the call that maps the "
	  "file: on code and data of the library, none on the file. Of those that "
	  "are timed, the one with the most." },
	{ "start_seconds", "Start of many at once", SECONDS, false,
	  "Time from telling all processes but those that attach one by one to "
	  "attach at once, to the last one's having read one word of each "
	  "page." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[TIMED] = { "timed", "N", 8, 1, MAX_PROCESSES,
		    "so many of the processes attach one by one", NULL },
	{ 0 }
};

/*
 * An emulated TLB has grown after much was read, and shrinks again when little
 * was, which is slower and faster to fill: each reading is to find it small.
 */
static void calm_tlb(struct worker *worker)
{
	flush_tlb(worker);
	usleep(CALM_US);
	flush_tlb(worker);
}

/* Else the TLB that has calmed down is that of another CPU. */
static void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static double read_again(struct worker *worker)
{
	double start, seconds[READINGS];

	for (int i = 0; i < READINGS; i++) {
		calm_tlb(worker);
		start = now();
		touch(worker);
		seconds[i] = now() - start;
	}
	return median(seconds, READINGS);
}

static void step_attach(struct worker *worker)
{
	double start, mapped, touched, first, again;
	uint64_t faults, call_faults;

	if (worker->arg) {
		stay_on_this_cpu();
		calm_tlb(worker);
	}
	call_faults = faults_so_far();
	start = now();
	step_map(worker);
	if (worker->answer.problem[0])
		return;
	mapped = now();
	faults = faults_so_far();
	worker->answer.errors += *(volatile uint64_t *)worker->p != word(0);
	touched = now();
	worker->answer.value[MAP] = mapped - start;
	worker->answer.value[TOUCH] = touched - mapped;
	worker->answer.value[FIRST_BYTE] = touched - start;
	touch(worker);
	first = now() - start;
	worker->answer.value[FAULTS] = faults_so_far() - faults;
	worker->answer.value[CALL_FAULTS] = faults - call_faults;
	if (!worker->arg)
		return;
	again = read_again(worker);
	worker->answer.value[ATTACH] = first - again;
	worker->answer.value[SCAN] = again;
}

static void run(const struct pass *pass)
{
	unsigned int timed = pass->parameters[TIMED], from;
	int region = -1;
	struct crew *crew;
	double start;

	crew = crew_start(pass, pass->x);
	from = timed < pass->x ? pass->x - timed : 0;
	if (pass->mode->shpt && !from) {
		region = region_open(pass->file);
		region_populate(region, pass->file);
	}
	start = now();
	crew_range(crew, 0, from, step_attach, false);
	if (from > 1)
		record(pass, "start_seconds", now() - start);
	for (unsigned int i = from; i < pass->x; i++)
		crew_one(crew, i, step_attach, true);
	record(pass, "attach_seconds",
	       crew_median(crew, from, pass->x, ATTACH));
	record(pass, "first_byte_seconds",
	       crew_median(crew, from, pass->x, FIRST_BYTE));
	record(pass, "map_seconds", crew_median(crew, from, pass->x, MAP));
	record(pass, "first_touch_seconds",
	       crew_median(crew, from, pass->x, TOUCH));
	record(pass, "scan_seconds", crew_median(crew, from, pass->x, SCAN));
	record(pass, "attach_faults",
	       crew_most(crew, from, pass->x, FAULTS));
	record(pass, "call_faults",
	       crew_most(crew, from, pass->x, CALL_FAULTS));
	crew_exit(crew);
	if (region >= 0)
		close(region);
}

const struct scenario scenario_attach = {
	.name = "attach",
	.title = "what one more process pays to map a file and see all of it",
	.text =
"What one more process pays to map a file and see all of it, where others have\n"
"it mapped already and have read all of it. The file is filled before; a mapping\n"
"that cannot be shared ends the program. What a process has of its own is there\n"
"when the call is made: code that has run, a heap.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "how many map the file",
	.xs = "16",
	.max_x = MAX_PROCESSES,
	.rounds = 5,
	.run = run,
};
