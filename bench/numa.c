// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * numa.c - scenario "numa": on which node page tables lie
 *
 * The file is filled from the first node, where its pages lie then. Processes
 * run on all nodes in turn, and one of the first maps and reads the file first, so
 * that tables for all lie there, too; what is measured is how long the others take
 * to read it, each with an empty TLB, and those of the first node, whose pages are
 * near. An ordinary process's tables are its own, and on its own node. Shared ones
 * are on one node for all, or there is a set on each.
 */
#include <errno.h>
#include <libshpt.h>
#include <numa.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static const struct mode mode_one = { "shpt-one", SMALL, true,
				      LIBSHPT_NODE_ONE };
static const struct mode mode_local = { "shpt-local", SMALL, true,
					LIBSHPT_NODE_LOCAL };
static const struct mode *const modes[] = {
	&mode_plain, &mode_one, &mode_local, NULL,
};

static const struct metric metrics[] = {
	{ "far_scan_seconds", "Reading all from another node", SECONDS, false,
	  "Median time in which a process on another node than the pages reads "
	  "one word of each, with its mapping filled and the TLB empty." },
	{ "near_scan_seconds", "The same from that node", SECONDS, false,
	  "Median time in which a process on the node where the pages are reads "
	  "one word of each, with its mapping filled and the TLB empty." },
	{ "page_table_bytes", "Page tables", BYTES, false,
	  "Rise of PageTables of the whole machine by all processes." },
	{ "shared_table_bytes", "Shared tables", BYTES, false,
	  "Page tables of the region, on all nodes." },
	{ "misplaced_tables", "Misplaced tables", COUNT, false,
	  "Page tables that are not on the node that their set is meant for." },
	{ 0 }
};

static const char *unfit(enum backing backing)
{
	(void)backing;
	if (numa_available() < 0 || numa_num_task_nodes() < 2)
		return "this machine has one NUMA node";
	return NULL;
}

static int node_of(unsigned int index)
{
	int wanted = index % numa_num_task_nodes();

	for (int node = 0; node <= numa_max_node(); node++)
		if (numa_bitmask_isbitset(numa_all_nodes_ptr, node) &&
		    !wanted--)
			return node;
	return 0;
}

static void step_move(struct worker *worker)
{
	int node = node_of(worker->index);

	if (numa_run_on_node(node))
		fail(worker, "cannot run on NUMA node %d: %s", node,
		     strerror(errno));
}

static void step_scan(struct worker *worker)
{
	double start;

	flush_tlb(worker);
	start = now();
	touch(worker);
	worker->answer.value[0] = now() - start;
}

static void record_region(const struct pass *pass)
{
	struct libshpt_region region = { 0 };
	int found;

	/* What else there may be on the machine has been there before. */
	do
		found = libshpt_next_region(region.id, &region, sizeof(region));
	while (found == 1);
	if (found < 0 || !region.id)
		die("cannot find the region: %s",
		    found < 0 ? libshpt_errormsg() : "there is none");
	record(pass, "shared_table_bytes", region.table_bytes);
	record(pass, "misplaced_tables", region.misplaced);
}

static void fill_on_first_node(const struct pass *pass)
{
	if (numa_run_on_node(node_of(0)))
		die("cannot run on NUMA node %d: %s", node_of(0),
		    strerror(errno));
	file_renew(pass->file);
	numa_run_on_node(-1);
}

static void run(const struct pass *pass)
{
	unsigned int nodes = numa_num_task_nodes(), n = pass->x * nodes;
	double before, seconds[2][MAX_PROCESSES];
	unsigned int counts[2] = { 0 };
	bool far;
	struct crew *crew;

	if (n > MAX_PROCESSES)
		die("%u processes on each of %u nodes are more than %d", pass->x,
		    nodes, MAX_PROCESSES);
	fill_on_first_node(pass);
	crew = crew_start(pass, n);
	before = page_tables();
	crew_all(crew, step_move, 0);
	crew_all(crew, step_map, 0);
	for (unsigned int i = 0; i < n; i++)
		crew_one(crew, i, step_touch, 0);
	record(pass, "page_table_bytes", page_tables() - before);
	for (unsigned int i = 0; i < n; i++) {
		crew_one(crew, i, step_scan, 0);
		far = i % nodes;
		seconds[far][counts[far]++] = crew_answer(crew, i)->value[0];
	}
	record(pass, "near_scan_seconds", median(seconds[0], counts[0]));
	record(pass, "far_scan_seconds", median(seconds[1], counts[1]));
	if (pass->mode->shpt)
		record_region(pass);
	crew_exit(crew);
}

const struct scenario scenario_numa = {
	.name = "numa",
	.title = "on which NUMA node page tables lie, and what that costs",
	.text =
"On which NUMA node page tables lie, and how long processes on other nodes than\n"
"the first take to read a file: with ordinary mappings, with one set of shared\n"
"tables, and with one on each node.\n",
	.metrics = metrics,
	.modes = modes,
	.backings = "memfd",
	.sizes = "1G",
	.stride = "4K",
	.x = "processes",
	.x_help = "on each node",
	.xs = "4",
	.max_x = 400,
	.rounds = 5,
	.unfit = unfit,
	.run = run,
};
