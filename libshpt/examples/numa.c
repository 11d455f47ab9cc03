// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * numa.c - on which NUMA node memory and its page tables are
 *
 *	cc -o numa numa.c $(pkg-config --cflags --libs libshpt numa)
 *
 *	numa
 *
 * Maps anonymous memory with each node policy there is and tells on which node
 * a page of it came to lie, and the shared page tables: "?" if they are on
 * several, or it is not known, as of tables that are not shared. Runs on a
 * machine with one node, too, which has little choice.
 */
#include <err.h>
#include <libshpt.h>
#include <numa.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* For each node as much as a huge page has, after what is left alone. */
#define PIECE (2UL << 20)
#define MAX_NODES 63
#define LENGTH ((1 + MAX_NODES) * PIECE)

static char *map(uint32_t policy, uint32_t node)
{
	const struct libshpt_attr attr = {
		.node_policy = policy,
		.node = node,
	};
	char *p = libshpt_map_attr(NULL, LENGTH, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0, &attr,
				   sizeof(attr));

	if (p == MAP_FAILED)
		errx(1, "%s", libshpt_errormsg());
	return p;
}

static void unmap(char *p)
{
	if (libshpt_unmap(p, LENGTH))
		errx(1, "%s", libshpt_errormsg());
}

static void print_node(const char *what, int node)
{
	if (node >= 0)
		printf(", %s on node %d", what, node);
	else
		printf(", %s on node ?", what);
}

/* Touches a page, which allocates it, and tells where it is. */
static void touch(char *p, const char *policy)
{
	struct libshpt_info info;

	*p = 1;
	if (libshpt_info(p, &info, sizeof(info)))
		errx(1, "%s", libshpt_errormsg());
	printf("%s: backend %s", policy, libshpt_backend_name(info.backend));
	print_node("data", info.data_node);
	print_node("tables", info.table_node);
	printf("\n");
}

/* All that is new comes from one node, whoever touches it. */
static void fixed(int node)
{
	char policy[32];
	char *p = map(LIBSHPT_NODE_FIXED, node);

	snprintf(policy, sizeof(policy), "fixed on %d", node);
	touch(p, policy);
	unmap(p);
}

static void any(uint32_t node_policy, const char *policy)
{
	char *p = map(node_policy, 0);

	touch(p, policy);
	unmap(p);
}

static void run_on(int node)
{
	if (numa_run_on_node(node))
		err(1, "cannot run on node %d", node);
}

/*
 * Workers on each node, each with what is near: pages that it touches first,
 * and a set of tables for its node. A process has that of the node where it
 * began, so who forks it is there.
 */
static void local(const int *nodes, int count)
{
	char *p = map(LIBSHPT_NODE_LOCAL, 0);
	char policy[32];
	int status;

	for (int i = 0; i < count; i++) {
		run_on(nodes[i]);
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			snprintf(policy, sizeof(policy), "local to %d",
				 nodes[i]);
			touch(p + (1 + i) * PIECE, policy);
			fflush(stdout);
			_exit(0);
		}
		if (wait(&status) < 0 || status)
			errx(1, "the worker on node %d failed", nodes[i]);
	}
	run_on(-1);
	unmap(p);
}

/* Nodes that have memory, and CPUs if asked for. */
static int list_nodes(int with_cpus, int nodes[MAX_NODES])
{
	struct bitmask *cpus = numa_allocate_cpumask();
	int count = 0;

	for (int node = 0; node <= numa_max_node(); node++)
		if (count < MAX_NODES &&
		    numa_bitmask_isbitset(numa_all_nodes_ptr, node) &&
		    (!with_cpus || (numa_node_to_cpus(node, cpus) == 0 &&
				    numa_bitmask_weight(cpus))))
			nodes[count++] = node;
	numa_free_cpumask(cpus);
	return count;
}

int main(int argc, char **argv)
{
	int nodes[MAX_NODES], count;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: numa\n");
		return 2;
	}
	/* Output is the children's, too. */
	setlinebuf(stdout);
	any(LIBSHPT_NODE_DEFAULT, "default");
	if (numa_available() < 0) {
		printf("this kernel knows no nodes\n");
		return 0;
	}
	count = list_nodes(0, nodes);
	for (int i = 0; i < count; i++)
		fixed(nodes[i]);
	any(LIBSHPT_NODE_ONE, "one");
	local(nodes, list_nodes(1, nodes));
	return 0;
}
