/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 16: the page tables of a region lie where its policy says, whoever
 * faults: all on one node, or on each node a set that the guests link to which first fault
 * there. The memory policy of a guest has no say in that.
 */
#include "numa.h"

#define STEP	(2 * MIB)	/* a PTE table each */
#define SHARE	4		/* of these for each guest to fault first */

/* What the guest on each node found, for one policy. */
static struct {
	int nodes, fd, policy;
	bool writes;
	pthread_barrier_t *meet;
	volatile uint64_t *pmd_frames;
} t;

/* The node that the tables of a guest have to be on; -1: on any. */
static int expected_node(int node)
{
	return t.policy == SHPT_NODE_LOCAL ? node :
	       t.policy == SHPT_NODE_ONE ? -1 : t.policy;
}

static void check_table(const char *p, int me, size_t step)
{
	struct shpt_test_tables tables = tables_of(p + step * STEP);
	int want = expected_node(me);

	CHECK(tables.pte_node >= 0, "policy %d: after a fault on node %d step %zu has no PTE table",
	      t.policy, me, step);
	CHECK(want < 0 || tables.pmd_node == want,
	      "policy %d: the PMD table of the guest on node %d lies on node %d",
	      t.policy, me, tables.pmd_node);
	CHECK(want < 0 || tables.pte_node == want,
	      "policy %d: PTE table %zu of the guest on node %d lies on node %d",
	      t.policy, step, me, tables.pte_node);
	t.pmd_frames[me] = tables.pmd_frame;
}

static void touch(char *p, size_t step)
{
	if (t.writes)
		store(p + step * STEP, step + 1);
	else
		load(p + step * STEP);
}

/* Faults in its share of the tables first, then uses those of all. */
static void guest(void *arg)
{
	int me = (int)(long)arg, reg;
	size_t step;
	char *p;

	run_on_node(me);
	allocate_on_node((me + 1) % t.nodes);
	reg = open_region(t.fd);
	p = MUST(try_map(NULL, CHUNK, t.writes ? PROT_READ | PROT_WRITE :
			 PROT_READ, MAP_SHARED, reg, 0));
	/* Each has its turn at being the first to link. */
	for (int turn = 0; turn < t.nodes; turn++) {
		meet(t.meet);
		if (turn != (me + 1) % t.nodes)
			continue;
		for (step = (size_t)me * SHARE; step < (me + 1UL) * SHARE; step++) {
			touch(p, step);
			check_table(p, me, step);
		}
	}
	meet(t.meet);
	for (step = 0; step < (size_t)t.nodes * SHARE; step++) {
		touch(p, step);
		check_table(p, me, step);
	}
	CHECK_EQ(linked_chunks(p), 1);
	meet(t.meet);	/* to be looked at */
	meet(t.meet);
}

/* Lines of the fact "nodes" that begin so and have tables. */
static int hosts_with_tables(uint64_t id, const char *access, int node)
{
	char path[128], line[128], name[16];
	int lines = 0, on;
	unsigned long bytes;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/misc/shpt/region/%llu/nodes",
		 (unsigned long long)id);
	f = fopen(path, "re");
	CHECK(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		CHECK_EQ(sscanf(line, "%15s %d %lu", name, &on, &bytes), 3);
		lines += !strcmp(name, access) && on == node &&
			 bytes >= PAGE * SHARE * t.nodes;
	}
	fclose(f);
	return lines;
}

static void check_hosts(int reg)
{
	uint64_t id = region_info(reg).id;
	int node;

	for (node = 0; node < t.nodes; node++) {
		CHECK((t.pmd_frames[node] == t.pmd_frames[0]) ==
		      (t.policy != SHPT_NODE_LOCAL || !node),
		      "policy %d: the guests on node 0 and %d link to frames %#llx and %#llx",
		      t.policy, node, (long long)t.pmd_frames[0],
		      (long long)t.pmd_frames[node]);
		if (t.policy == SHPT_NODE_LOCAL)
			CHECK_EQ(hosts_with_tables(id, t.writes ? "write" :
						   "read", node), 1);
	}
	if (t.policy != SHPT_NODE_LOCAL)
		CHECK_EQ(hosts_with_tables(id, t.writes ? "write" : "read",
					   t.policy), 1);
	CHECK_EQ(region_fact(id, "misplaced"), 0);
}

static void try_policy(int kind, int policy, bool writes)
{
	pid_t pids[MAX_NODES] = { 0 };
	int reg, i;

	t.policy = policy;
	t.writes = writes;
	t.fd = backing(kind, CHUNK);
	t.meet = barrier(t.nodes + 1);
	reg = open_region(t.fd);
	/* Pages of zeroes, so that readers find something to map. */
	for (i = 0; i < t.nodes * SHARE; i++)
		CHECK_EQ(pwrite(t.fd, "", 1, i * STEP), 1);
	set_node(reg, policy);
	for (i = 0; i < t.nodes; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	for (i = 0; i < t.nodes + 2; i++)
		meet(t.meet);
	check_hosts(reg);
	meet(t.meet);
	for (i = 0; i < t.nodes; i++)
		join(pids[i]);
	close(reg);
	close(t.fd);
}

static void test(int kind)
{
	int policy;

	t.nodes = several_nodes();
	t.pmd_frames = shared(PAGE);
	for (policy = SHPT_NODE_LOCAL; policy < t.nodes; policy++)
		try_policy(kind, policy, true);
	try_policy(kind, SHPT_NODE_LOCAL, false);
	try_policy(kind, 1, false);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
