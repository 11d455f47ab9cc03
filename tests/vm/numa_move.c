/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region's node policy can change while guests on all nodes write. Once the
 * call has returned, every guest's next access goes through tables on the new
 * node; no write is lost on the way, and the former hosts are gone.
 */
#include "numa.h"

#define CHUNKS	2
#define ROUNDS	2	/* of all policies */

struct mover {
	volatile uint64_t turns;
	volatile uint64_t frames[CHUNKS];
	volatile int pmd_nodes[CHUNKS], pte_nodes[CHUNKS];
} __attribute__((aligned(128)));

static struct {
	int nodes, fd;
	struct mover *movers;
	volatile bool *stop;
} t;

/* Where guest number me counts, in each chunk. */
static char *counter(char *p, int chunk, int me)
{
	return p + CHUNK * chunk + 4 * MIB * me + PAGE * me;
}

static void one_turn(char *p, int me, uint64_t turn, uint64_t *seen)
{
	struct mover *m = &t.movers[me];
	int other = (int)(turn % t.nodes), c;
	struct shpt_test_tables tables;
	uint64_t count;

	for (c = 0; c < CHUNKS; c++) {
		count = load(counter(p, c, me));
		CHECK(count == turn, "chunk %d: guest %d wrote %llu, and reads %llu",
		      c, me, (long long)turn, (long long)count);
		store(counter(p, c, me), turn + 1);
		count = load(counter(p, c, other));
		CHECK_GE(count, seen[other]);
		if (c == CHUNKS - 1)
			seen[other] = count;
		tables = tables_of(counter(p, c, me));
		m->frames[c] = tables.pmd_frame;
		/* No PTE table where 2 MiB are mapped at once. */
		m->pte_nodes[c] = tables.pte_node < 0 ? tables.pmd_node :
				  tables.pte_node;
		m->pmd_nodes[c] = tables.pmd_node;
	}
	m->turns = turn + 1;
}

static void mover(void *arg)
{
	uint64_t turn = 0, seen[MAX_NODES] = { 0 };
	int me = (int)(long)arg;
	char *p;

	run_on_node(me);
	p = map_guest(t.fd, CHUNKS);
	while (!*t.stop) {
		one_turn(p, me, turn++, seen);
		if (me > 1)
			usleep(1000);	/* one's fellows may share its CPU */
	}
}

/* After a turn that began now, everybody has to be where the policy says. */
static void check_policy(int policy)
{
	struct mover *m = t.movers;
	uint64_t before;
	int i, c, want;

	for (i = 0; i < t.nodes; i++) {
		before = m[i].turns;
		WAIT_FOR(m[i].turns >= before + 2, 20,
			 "policy %d: the guest on node %d stands still", policy,
			 i);
		want = policy == SHPT_NODE_LOCAL ? i : policy;
		for (c = 0; c < CHUNKS; c++) {
			CHECK(policy == SHPT_NODE_ONE ||
			      (m[i].pmd_nodes[c] == want &&
			       m[i].pte_nodes[c] == want),
			      "policy %d: chunk %d of the guest on node %d has its tables on nodes %d and %d",
			      policy, c, i, m[i].pmd_nodes[c],
			      m[i].pte_nodes[c]);
			CHECK((m[i].frames[c] == m[0].frames[c]) ==
			      (!i || policy != SHPT_NODE_LOCAL),
			      "policy %d: chunk %d: the guests on node 0 and %d link to frames %#llx and %#llx",
			      policy, c, i, (long long)m[0].frames[c],
			      (long long)m[i].frames[c]);
		}
	}
}

static void test(int kind)
{
	struct shpt_region_info before, after;
	pid_t pids[MAX_NODES] = { 0 };
	int round, policy, i, reg;

	t.nodes = several_nodes();
	t.movers = shared(MAX_NODES * sizeof(struct mover));
	t.stop = shared(PAGE);
	t.fd = backing(kind, CHUNKS * CHUNK);
	reg = open_region(t.fd);
	before = region_info(reg);
	for (i = 0; i < t.nodes; i++)
		pids[i] = spawn(mover, (void *)(long)i);
	check_policy(SHPT_NODE_ONE);
	for (round = 0; round < ROUNDS; round++) {
		for (policy = SHPT_NODE_LOCAL; policy < t.nodes; policy++) {
			set_node(reg, policy);
			check_policy(policy);
		}
	}
	set_node(reg, SHPT_NODE_ONE);
	check_policy(SHPT_NODE_ONE);
	*t.stop = true;
	for (i = 0; i < t.nodes; i++)
		join(pids[i]);
	after = region_info(reg);
	CHECK_EQ(after.hosts, before.hosts);
	CHECK_EQ(after.misplaced, 0);
	CHECK_EQ(after.guests, 0);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 80);
}
