// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pmem.c - scenario "pmem": what a database does on persistent memory
 *
 * Each process has just mapped the file and works on it as libpmem(7) lets
 * programs do: it makes words persistent, copies pages, appends to a log of its
 * own, and updates pages all over the file, each announced in the log first.
 * On DAX an entry of a page table is first read-only, so that the file system
 * learns of a write; where tables are shared, one process's fault is for all.
 * So words and pages are written twice, at the same places: in tables that are
 * as the updates of pages left them, and once there are no faults any more.
 */
#include <libpmem.h>
#include <string.h>

#include "bench.h"

#define RECORD	256
#define DB_PAGE (2 * PAGE)

#define LOG_TIMES 10 /* else all is over before all have begun */

enum { OPERATIONS };

static const struct metric metrics[] = {
	{ "persist_seconds", "pmem_persist of a word", SECONDS, false,
	  "Mean time to write a word at a random place and to make it "
	  "persistent." },
	{ "memcpy_persist_seconds", "pmem_memcpy_persist of a page", SECONDS,
	  false,
	  "Mean time to copy 4 KiB to a random place and to make them "
	  "persistent." },
	{ "persist_again_seconds", "pmem_persist once more", SECONDS, false,
	  "The same at the same places, where no fault is left." },
	{ "memcpy_persist_again_seconds", "pmem_memcpy_persist once more",
	  SECONDS, false,
	  "The same at the same places, where no fault is left." },
	{ "flush_seconds", "pmem_flush of a page", SECONDS, false,
	  "Mean time to flush 4 KiB at a random place from the CPU's caches, "
	  "with a drain after the last. Nothing was written there just before; "
	  "faults count." },
	{ "log_appends_per_second", "Records appended to logs", PER_SECOND, true,
	  "Records of 256 bytes that all processes together append, each to a "
	  "log of its own, every one persistent before the next." },
	{ "page_updates_per_second", "Pages updated", PER_SECOND, true,
	  "Pages of 8 KiB all over the file that all processes together update: "
	  "a record in the log, persistent, and then the page, persistent." },
	{ 0 }
};

static const struct parameter parameters[] = {
	[OPERATIONS] = { "operations", "N", 2000, 1, 10000000,
			 "of each kind and process in a round, ten times as many "
			 "appended to logs", NULL },
	{ 0 }
};

/*
 * The first half of the file is cut into logs, one for each process; pages are
 * in the second.
 */
struct place {
	char *log, *pages;
	uint64_t log_bytes, n_pages;
};

static struct place place_of(const struct worker *worker)
{
	uint64_t half = worker->pass->file->bytes / 2;
	struct place place = { .pages = worker->p + half,
			       .n_pages = half / DB_PAGE };

	place.log_bytes = half / worker->pass->x / PAGE * PAGE;
	place.log = worker->p + worker->index * place.log_bytes;
	return place;
}

static char *random_page(const struct worker *worker, const struct place *place,
			 uint64_t i)
{
	return place->pages +
	       (word((uint64_t)worker->index << 32 | i) >> 16) %
		       place->n_pages * DB_PAGE;
}

static void append(const struct place *place, uint64_t i)
{
	uint64_t records = place->log_bytes / RECORD;
	char record[RECORD];

	memset(record, (int)i, sizeof(record));
	pmem_memcpy_persist(place->log + i % records * RECORD, record,
			    sizeof(record));
}

/* Each of these does one thing as often as it was asked for. */

static void step_persist(struct worker *worker)
{
	struct place place = place_of(worker);
	uint64_t n = worker->pass->parameters[OPERATIONS];
	double start = now();

	for (uint64_t i = 0; i < n; i++) {
		uint64_t *p = (uint64_t *)random_page(worker, &place, i);

		*p = i;
		pmem_persist(p, sizeof(*p));
	}
	worker->answer.value[0] = (now() - start) / n;
}

static void step_memcpy(struct worker *worker)
{
	struct place place = place_of(worker);
	uint64_t n = worker->pass->parameters[OPERATIONS];
	static char page[PAGE];
	double start = now();

	for (uint64_t i = 0; i < n; i++)
		pmem_memcpy_persist(random_page(worker, &place, i + n), page,
				    PAGE);
	worker->answer.value[0] = (now() - start) / n;
}

static void step_flush(struct worker *worker)
{
	struct place place = place_of(worker);
	uint64_t n = worker->pass->parameters[OPERATIONS];
	double start = now();

	for (uint64_t i = 0; i < n; i++)
		pmem_flush(random_page(worker, &place, i + 2 * n), PAGE);
	pmem_drain();
	worker->answer.value[0] = (now() - start) / n;
}

static void step_append(struct worker *worker)
{
	uint64_t n = worker->pass->parameters[OPERATIONS] * LOG_TIMES;
	struct place place = place_of(worker);

	for (uint64_t i = 0; i < n; i++)
		append(&place, i);
}

static void step_update(struct worker *worker)
{
	struct place place = place_of(worker);
	uint64_t n = worker->pass->parameters[OPERATIONS];
	static char page[DB_PAGE];

	for (uint64_t i = 0; i < n; i++) {
		char *to = random_page(worker, &place, i + 3 * n);

		memcpy(page, to, sizeof(page));
		page[i % sizeof(page)]++;
		append(&place, i + n);
		pmem_memcpy_persist(to, page, sizeof(page));
	}
}

static void mean(struct crew *crew, step *what, const char *metric,
		 const struct pass *pass)
{
	crew_all(crew, what, 0);
	record(pass, metric, crew_median(crew, 0, pass->x, 0));
}

static void rate(struct crew *crew, step *what, uint64_t times,
		 const char *metric, const struct pass *pass)
{
	uint64_t n = pass->x * pass->parameters[OPERATIONS] * times;
	double start = now();

	crew_all(crew, what, 0);
	record(pass, metric, n / (now() - start));
}

static void run(const struct pass *pass)
{
	struct crew *crew;

	if (pass->file->bytes / 2 / pass->x < PAGE)
		die("%u logs of 4 KiB do not fit into half of a file of %llu "
		    "MiB: see --size", pass->x,
		    (unsigned long long)pass->file->bytes >> 20);
	crew = crew_start(pass, pass->x);
	crew_all(crew, step_map, 0);
	rate(crew, step_append, LOG_TIMES, "log_appends_per_second", pass);
	rate(crew, step_update, 1, "page_updates_per_second", pass);
	mean(crew, step_persist, "persist_seconds", pass);
	mean(crew, step_persist, "persist_again_seconds", pass);
	mean(crew, step_memcpy, "memcpy_persist_seconds", pass);
	mean(crew, step_memcpy, "memcpy_persist_again_seconds", pass);
	mean(crew, step_flush, "flush_seconds", pass);
	crew_exit(crew);
}

const struct scenario scenario_pmem = {
	.name = "pmem",
	.title = "what a database does on persistent memory",
	.text =
"What a database does on persistent memory, by libpmem: words and pages made\n"
"persistent, logs appended to, pages updated. Elsewhere than on DAX the same\n"
"instructions run, and nothing is persistent. Whether what was made persistent\n"
"outlives a crash is no matter of time: tests/vm/run --crash of the sources kills\n"
"a virtual machine and looks.\n",
	.metrics = metrics,
	.parameters = parameters,
	.modes = usual_modes,
	.backings = "ext4-dax-4k,ext4-dax-2m,xfs-dax-4k,xfs-dax-2m,device-dax",
	.sizes = "256M",
	.x = "processes",
	.x_help = "how many work on the file",
	.xs = "1,8,64",
	.max_x = 1000,
	.rounds = 3,
	.sync = true,
	.run = run,
};
