// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory.c - scenario "memory": what page tables take
 *
 * All processes map the file, and then read what it has, one page of each 2 MiB
 * if nothing else is asked for: that takes as many page tables as reading all.
 * The rise of PageTables from before they map to after is what it costs, hosts
 * of regions included.
 */
#include "bench.h"

/* A process that shares a chunk has a PMD table of its own behind it. */
#define PARKED_BYTES PAGE

static const struct metric metrics[] = {
	{ "page_table_bytes", "Page tables", BYTES, false,
	  "Rise of PageTables of the whole machine while all processes map the "
	  "file and have read from each 2 MiB of it." },
	{ 0 }
};

static uint64_t tables(uint64_t bytes, uint64_t covered)
{
	return (bytes + covered - 1) / covered * PAGE;
}

/* A PUD table each process has already, for the first 512 GiB. */
static uint64_t pud_tables(uint64_t bytes)
{
	return tables(bytes, PUD_BYTES << 9) - PAGE;
}

/* One process's: PTE tables where pages are small, PMD and PUD tables. */
static double one_copy(const struct pass *pass)
{
	uint64_t bytes = pass->file->bytes;
	bool small = pass->mode->pages == SMALL &&
		     pass->file->backing != EXT4_DAX_2M &&
		     pass->file->backing != XFS_DAX_2M &&
		     pass->file->backing != DEVICE_DAX;

	return (small ? tables(bytes, PMD_BYTES) : 0) +
	       tables(bytes, PUD_BYTES) + pud_tables(bytes);
}

/* The kernel shares the PMD tables of hugetlb by whole 1 GiB. */
static double predicted(const struct pass *pass)
{
	uint64_t bytes = pass->file->bytes;
	double own = pud_tables(bytes);

	if (pass->mode->shpt)
		own += tables(bytes, PUD_BYTES);
	else if (pass->mode->pages == HUGETLB)
		own += tables(bytes % PUD_BYTES, PUD_BYTES);
	else
		return pass->x * one_copy(pass);
	return one_copy(pass) + pass->x * own;
}

static void run(const struct pass *pass)
{
	struct crew *crew = crew_start(pass, pass->x);
	double before = page_tables();

	crew_all(crew, step_map, 0);
	crew_all(crew, step_touch, 0);
	record(pass, "page_table_bytes", page_tables() - before);
	predict(pass, "page_table_bytes", predicted(pass));
	crew_exit(crew);
}

const struct scenario scenario_memory = {
	.name = "memory",
	.title = "what the page tables of many processes on one file take",
	.text =
"What the page tables of many processes that map one file take, beside what\n"
"theory says. Counts the whole machine: run nothing else meanwhile.\n",
	.metrics = metrics,
	.modes = usual_modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "2M",
	.x = "processes",
	.x_help = "how many map the file",
	.xs = "1,10,100,500",
	.max_x = MAX_PROCESSES,
	.rounds = 1,
	.run = run,
};
