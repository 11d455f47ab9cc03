// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * workers.c - scenario "workers": all in one, and verified
 *
 * Each step is ended by all before the next begins:
 *
 *   map     all map the whole file and touch nothing of it
 *   scan    all read one word of every page: the first worker alone, then
 *           later ones, each alone, until ALONE_SECONDS are over, then the
 *           rest at once; only those alone are timed, faults count for all
 *   fork    the first forks children that read one byte and exit
 *   write   all at once write words of their own, spread over the whole file
 *   verify  all at once read all words, and this process reads the file
 *   exit    all at once exit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Ordinary 4 KiB mappings would take minutes one after the other. */
#define ALONE_SECONDS 4
#define ALONE_MIN     4
#define CHILDREN      9
/* Odd, so that the words fall on all places within a page. */
#define WORDS_OF_EACH 61

enum { TIME, FAULTS, WRONG };

static const struct mode *const modes[] = { &mode_plain, &mode_shpt, NULL };

static const struct metric metrics[] = {
	{ "page_table_bytes", "page tables of all workers", BYTES, false,
	  "Rise of PageTables of the whole machine from 'all workers have mapped "
	  "the file, nothing is touched' to 'all have scanned it'." },
	{ "first_scan_seconds", "scan by the first worker", SECONDS, false,
	  "Time in which the first worker, alone and with no tables filled, "
	  "reads one word of each page." },
	{ "later_scan_seconds_median", "scan by a later worker, median",
	  SECONDS, false,
	  "Median time in which a later worker, alone, reads one word of each "
	  "page." },
	{ "later_scans_timed", "later workers timed", COUNT, true,
	  "How many that median is over: the rest scan at once, after 4 s." },
	{ "first_faults", "faults of the first worker", COUNT, false,
	  "Page faults, minor and major, of the first worker's scan." },
	{ "later_faults_max", "faults of a later worker, most", COUNT, false,
	  "The most page faults that any later worker's scan took." },
	{ "fork_to_first_byte_seconds_median", "from fork to the first byte read",
	  SECONDS, false,
	  "Median time from fork(2) in a worker that has scanned everything to "
	  "its child's having read one byte of the mapping." },
	{ "exit_seconds", "exit of all workers", SECONDS, false,
	  "Time from telling all workers to exit, without unmapping first, to "
	  "having waited for the last." },
	{ "verify_errors", "wrong words read", COUNT, false,
	  "Words that somebody has written and another worker, or read(2), has "
	  "not found." },
	{ 0 }
};

/* ---- the words that workers write ---------------------------------------- */

static uint64_t words_in_all(const struct pass *pass)
{
	uint64_t n = pass->file->bytes / PAGE / pass->x;

	return pass->x * (n < WORDS_OF_EACH ? n : WORDS_OF_EACH);
}

static uint64_t word_offset(const struct pass *pass, uint64_t n)
{
	uint64_t stride = pass->file->bytes / words_in_all(pass) & ~7ULL;
	uint64_t offset = n * stride;

	/* The first word of a page is the scan's. */
	return offset % PAGE ? offset : offset + sizeof(uint64_t);
}

static uint64_t word_value(unsigned int seed, uint64_t n)
{
	return word((uint64_t)seed << 32 | n);
}

/* ---- steps --------------------------------------------------------------- */

static void step_scan(struct worker *worker)
{
	uint64_t faults = faults_so_far();
	double start = now();

	touch(worker);
	worker->answer.value[TIME] = now() - start;
	worker->answer.value[FAULTS] = faults_so_far() - faults;
}

/* What a child has seen: when, and which word. */
struct seen {
	double end;
	uint64_t word;
};

_Noreturn static void be_child(const struct worker *worker, uint64_t at, int fd)
{
	struct seen seen;

	seen.word = *(const volatile uint64_t *)(worker->p + at);
	seen.end = now();
	_exit(write(fd, &seen, sizeof(seen)) != sizeof(seen));
}

static void child_died(struct worker *worker, uint64_t at, int status)
{
	if (WIFSIGNALED(status))
		fail(worker,
		     "has a child that was killed by signal %d (%s) when it "
		     "read at offset %llu",
		     WTERMSIG(status), strsignal(WTERMSIG(status)),
		     (unsigned long long)at);
	else
		fail(worker, "has a child that could not tell what it read");
}

/* Seconds until the child had read; 0 if something failed, which is said. */
static double time_child(struct worker *worker, uint64_t at)
{
	double start = now();
	struct seen seen;
	int ends[2], status;
	bool told;
	pid_t pid;

	if (pipe(ends)) {
		fail(worker, "cannot make a pipe for a child: %s",
		     strerror(errno));
		return 0;
	}
	pid = fork();
	if (pid == 0)
		be_child(worker, at, ends[1]);
	if (pid < 0)
		fail(worker, "cannot fork a child: %s", strerror(errno));
	close(ends[1]);
	told = pid > 0 && read(ends[0], &seen, sizeof(seen)) == sizeof(seen);
	close(ends[0]);
	if (pid < 0)
		return 0;
	waitpid(pid, &status, 0);
	if (!told) {
		child_died(worker, at, status);
		return 0;
	}
	worker->answer.errors += seen.word != word(at / PAGE);
	return seen.end - start;
}

static void step_fork(struct worker *worker)
{
	uint64_t stride = worker->pass->file->bytes / CHILDREN / PAGE * PAGE;
	double seconds[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		seconds[i] = time_child(worker, i * stride);
		if (worker->answer.problem[0])
			return;
	}
	worker->answer.value[TIME] = median(seconds, CHILDREN);
}

static void step_write(struct worker *worker)
{
	const struct pass *pass = worker->pass;
	uint64_t n = words_in_all(pass);

	for (uint64_t i = worker->index; i < n; i += pass->x)
		*(volatile uint64_t *)(worker->p + word_offset(pass, i)) =
			word_value(worker->arg, i);
}

static void step_verify(struct worker *worker)
{
	const struct pass *pass = worker->pass;
	uint64_t n = words_in_all(pass);

	for (uint64_t i = 0; i < n; i++) {
		const char *p = worker->p + word_offset(pass, i);

		worker->answer.value[WRONG] +=
			*(const volatile uint64_t *)p !=
			word_value(worker->arg, i);
	}
}

/* ---- the lead's side ----------------------------------------------------- */

static void scan(const struct pass *pass, struct crew *crew)
{
	double begin, most = 0;
	unsigned int alone;

	crew_one(crew, 0, step_scan, 0);
	record(pass, "first_scan_seconds", crew_answer(crew, 0)->value[TIME]);
	record(pass, "first_faults", crew_answer(crew, 0)->value[FAULTS]);
	begin = now();
	for (alone = 1; alone < pass->x; alone++) {
		if (alone >= ALONE_MIN && now() - begin > ALONE_SECONDS)
			break;
		crew_one(crew, alone, step_scan, 0);
	}
	crew_range(crew, alone, pass->x, step_scan, 0);
	record(pass, "later_scan_seconds_median",
	       crew_median(crew, 1, alone, TIME));
	record(pass, "later_scans_timed", alone - 1);
	for (unsigned int i = 1; i < pass->x; i++)
		if (crew_answer(crew, i)->value[FAULTS] > most)
			most = crew_answer(crew, i)->value[FAULTS];
	record(pass, "later_faults_max", most);
}

/* What is in the file must be what was written through the mappings. */
static uint64_t verify(const struct pass *pass, struct crew *crew,
		       unsigned int seed)
{
	uint64_t n = words_in_all(pass), wrong = 0, found;

	crew_all(crew, step_verify, seed);
	for (unsigned int i = 0; i < pass->x; i++)
		wrong += (uint64_t)crew_answer(crew, i)->value[WRONG];
	for (uint64_t i = 0; i < n; i++)
		wrong += pread(pass->file->fd, &found, sizeof(found),
			       word_offset(pass, i)) != sizeof(found) ||
			 found != word_value(seed, i);
	return wrong;
}

static void run(const struct pass *pass)
{
	static unsigned int seed;
	struct crew *crew = crew_start(pass, pass->x);
	double before;
	uint64_t wrong;

	crew_all(crew, step_map, 0);
	before = page_tables();
	scan(pass, crew);
	record(pass, "page_table_bytes", page_tables() - before);
	crew_one(crew, 0, step_fork, 0);
	record(pass, "fork_to_first_byte_seconds_median",
	       crew_answer(crew, 0)->value[TIME]);
	crew_all(crew, step_write, ++seed);
	wrong = verify(pass, crew, seed);
	record(pass, "verify_errors", wrong);
	results.wrong += wrong;
	record(pass, "exit_seconds", crew_exit(crew));
	/* The next pass begins when what this one leaves is gone. */
	page_tables();
}

const struct scenario scenario_workers = {
	.name = "workers",
	.title = "what sharing saves many processes on one file, all in one",
	.text =
"Let many processes map one file, scan it, write to it, verify what the others\n"
"wrote, and exit; once with ordinary mappings and once through libshpt. Counts\n"
"the page tables of the whole machine: run nothing else meanwhile.\n",
	.metrics = metrics,
	.modes = modes,
	.backings = "memfd",
	.sizes = "1G",
	.x = "workers",
	.x_help = "processes",
	.xs = "64",
	.max_x = MAX_PROCESSES,
	.rounds = 1,
	.run = run,
};
