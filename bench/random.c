// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * random.c - scenario "random": reads and writes all over the file
 *
 * Many processes, more than there are CPUs, have just mapped the file; then all
 * at once read and write words at random places, as the backends of a database
 * do in its buffer pool. Each access is timed, from the end of the one before.
 * Then they do the same once more, at the same places, where they have no faults.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

enum { ACCESSES, WRITES };

static const struct metric metrics[] = {
	{ "read_p50_seconds", "Read, median", SECONDS, false,
	  "Half of all reads took no longer." },
	{ "read_p99_seconds", "Read, 99 %", SECONDS, false,
	  "99 of 100 reads took no longer." },
	{ "read_p999_seconds", "Read, 99.9 %", SECONDS, false,
	  "999 of 1000 reads took no longer; here a process may have waited for "
	  "a CPU." },
	{ "write_p50_seconds", "Write, median", SECONDS, false,
	  "Half of all writes took no longer." },
	{ "write_p99_seconds", "Write, 99 %", SECONDS, false,
	  "99 of 100 writes took no longer." },
	{ "write_p999_seconds", "Write, 99.9 %", SECONDS, false,
	  "999 of 1000 writes took no longer." },
	{ "accesses_per_second", "Accesses of all processes", PER_SECOND, true,
	  "Accesses of all processes over the time from the first to the last." },
	{ "again_read_p50_seconds", "Read once more, median", SECONDS, false,
	  "Half of all reads took no longer when all was done a second time: what "
	  "the TLB and the caches do." },
	{ "again_read_p99_seconds", "Read once more, 99 %", SECONDS, false,
	  "99 of 100 reads took no longer when all was done a second time." },
	{ "again_accesses_per_second", "Accesses once more", PER_SECOND, true,
	  "Accesses of all processes over the time from the first to the last, "
	  "when all was done a second time." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[ACCESSES] = { "accesses", "N", 20000, 100, 10000000,
		       "of each process in a round", NULL },
	[WRITES] = { "writes", "PERCENT", 20, 1, 99,
		     "so many of a hundred are writes", NULL },
	{ 0 }
};

/* In memory that lead and workers share: each worker's reads, then writes. */
static double *times;
static uint64_t writes_of_each;

/* So that noting a time takes no fault. */
static void step_prepare(struct worker *worker)
{
	uint64_t n = worker->pass->parameters[ACCESSES];

	memset(times + worker->index * n, 0, n * sizeof(*times));
}

static void step_access(struct worker *worker)
{
	const struct pass *pass = worker->pass;
	uint64_t pages = pass->file->bytes / pass->file->stride;
	uint64_t n = pass->parameters[ACCESSES];
	double *mine = times + worker->index * n, last = now(), t;
	unsigned int reads = 0, writes = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t dice = word(worker->index * n + i);
		uint64_t page = (dice >> 16) % pages * pass->file->stride;
		volatile uint64_t *p = (uint64_t *)(worker->p + page);
		/* Writes are spread evenly, so that each has as many. */
		bool write = (i + 1) * writes_of_each / n > writes;

		/* The first word of a page is the file's own. */
		if (write)
			p[1 + worker->index % 500] = i;
		else
			worker->answer.errors += *p != word(page / PAGE);
		t = now();
		if (write)
			mine[n - 1 - writes++] = t - last;
		else
			mine[reads++] = t - last;
		last = t;
	}
}

/* Of all processes; for the caller to free. */
static double *times_of_all(const struct pass *pass, bool write, uint64_t *each)
{
	uint64_t n = pass->parameters[ACCESSES];
	double *all;

	*each = write ? writes_of_each : n - writes_of_each;
	all = calloc(pass->x * *each, sizeof(*all));
	if (!all)
		die("no memory for the times of %llu accesses",
		    (unsigned long long)pass->x * n);
	for (unsigned int i = 0; i < pass->x; i++)
		memcpy(all + i * *each, times + i * n + (write ? n - *each : 0),
		       *each * sizeof(*all));
	return all;
}

static void record_percentiles(const struct pass *pass, bool write)
{
	uint64_t each;
	double *all = times_of_all(pass, write, &each);

	record(pass, write ? "write_p50_seconds" : "read_p50_seconds",
	       median(all, pass->x * each));
	record(pass, write ? "write_p99_seconds" : "read_p99_seconds",
	       percentile(all, pass->x * each, 99));
	record(pass, write ? "write_p999_seconds" : "read_p999_seconds",
	       percentile(all, pass->x * each, 99.9));
	free(all);
}

static void record_again(const struct pass *pass)
{
	uint64_t each;
	double *all = times_of_all(pass, false, &each);

	record(pass, "again_read_p50_seconds", median(all, pass->x * each));
	record(pass, "again_read_p99_seconds",
	       percentile(all, pass->x * each, 99));
	free(all);
}

/* Accesses of all processes in a second. */
static double access_all(struct crew *crew, const struct pass *pass)
{
	double start = now();

	crew_all(crew, step_access, 0);
	return pass->x * pass->parameters[ACCESSES] / (now() - start);
}

static void run(const struct pass *pass)
{
	uint64_t n = pass->parameters[ACCESSES];
	size_t bytes = pass->x * n * sizeof(*times);
	struct crew *crew;

	writes_of_each = n * pass->parameters[WRITES] / 100;
	times = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (times == MAP_FAILED)
		die("no memory for the times of %llu accesses: %s",
		    (unsigned long long)pass->x * n, strerror(errno));
	crew = crew_start(pass, pass->x);
	crew_all(crew, step_prepare, 0);
	crew_all(crew, step_map, 0);
	record(pass, "accesses_per_second", access_all(crew, pass));
	record_percentiles(pass, false);
	record_percentiles(pass, true);
	record(pass, "again_accesses_per_second", access_all(crew, pass));
	record_again(pass);
	crew_exit(crew);
	munmap(times, bytes);
}

const struct scenario scenario_random = {
	.name = "random",
	.title = "how long reads and writes all over a file take",
	.text =
"How long reads and writes at random places of a file take, by many processes that\n"
"have just mapped it, on the CPUs that there are; and once more, when they have\n"
"been everywhere.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "how many read and write",
	.xs = "8,64",
	.max_x = MAX_PROCESSES,
	.rounds = 5,
	.run = run,
};
