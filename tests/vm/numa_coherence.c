/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With a host on each node, guests of different hosts see one another's writes,
 * and a hole punched in the backing or the end of a shorter one is there at once
 * for processes on all nodes that do nothing but read that page.
 */
#include "numa.h"

#define ROUNDS	8
#define BYTES	(8 * MIB)
#define WHERE	(4 * MIB + 5 * PAGE)

/* What a reader finds: a value, or that there is no page. */
#define NO_PAGE	0xdeadUL

struct reader {
	volatile uint64_t turns;
	volatile uint64_t value;
	volatile uint64_t frame;	/* of its PMD table */
} __attribute__((aligned(128)));

static struct {
	int nodes, fd;
	struct reader *readers;
	volatile uint64_t *write;	/* for each node: what to write, once */
	volatile bool *stop;
} t;

static uint64_t read_or_not(const char *p)
{
	sigjmp_buf env;
	uint64_t value;

	if (sigsetjmp(env, 0)) {
		vmtest_probe = NULL;
		return NO_PAGE;
	}
	vmtest_probe = &env;
	value = load(p);
	vmtest_probe = NULL;
	return value;
}

static void reader(void *arg)
{
	int me = (int)(long)arg;
	struct reader *r = &t.readers[me];
	char *p;

	run_on_node(me);
	p = map_guest(t.fd, 1);
	load(p);
	r->frame = tables_of(p).pmd_frame;
	while (!*t.stop) {
		if (t.write[me]) {
			store(p + WHERE, t.write[me]);
			t.write[me] = 0;
		}
		r->value = read_or_not(p + WHERE);
		r->turns++;
		if (me > 1)
			usleep(1000);	/* one's fellows may share its CPU */
	}
}

static void expect(uint64_t value, int round, const char *after)
{
	uint64_t before;
	int i;

	for (i = 0; i < t.nodes; i++) {
		before = t.readers[i].turns;
		WAIT_FOR(t.readers[i].turns >= before + 2, 10,
			 "the guest on node %d stands still", i);
		CHECK(t.readers[i].value == value,
		      "round %d: after %s the guest on node %d reads %#llx, not %#llx",
		      round, after, i, (long long)t.readers[i].value,
		      (long long)value);
	}
}

static void write_on_node(int node, uint64_t value)
{
	t.write[node] = value;
	WAIT_FOR(!t.write[node], 10, "the guest on node %d stands still", node);
}

static void one_round(int round)
{
	uint64_t value = word(2, round);

	/* In turn the page alone and all 2 MiB around it. */
	MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       round % 2 ? 4 * MIB : WHERE,
		       round % 2 ? 2 * MIB : PAGE));
	expect(0, round, "the hole punch");
	write_on_node(round % t.nodes, value);
	expect(value, round, "a guest's write");
	CHECK_EQ(pwrite(t.fd, &value, 8, WHERE), 8);
	MUST(ftruncate(t.fd, round % 2 ? 4 * MIB : WHERE));
	expect(NO_PAGE, round, "the truncation");
	MUST(ftruncate(t.fd, BYTES));
	expect(0, round, "the extension");
	value = word(3, round);
	CHECK_EQ(pwrite(t.fd, &value, 8, WHERE), 8);
	expect(value, round, "write(2)");
}

static void test(int kind)
{
	pid_t pids[MAX_NODES];
	int i, j, reg;

	t.nodes = several_nodes();
	t.readers = shared(MAX_NODES * sizeof(struct reader));
	t.write = shared(PAGE);
	t.stop = shared(PAGE);
	t.fd = backing(kind, BYTES);
	reg = open_region(t.fd);
	set_node(reg, SHPT_NODE_LOCAL);
	for (i = 0; i < t.nodes; i++)
		pids[i] = spawn(reader, (void *)(long)i);
	expect(0, -1, "the beginning");
	for (i = 0; i < t.nodes; i++)
		for (j = 0; j < i; j++)
			CHECK(t.readers[i].frame != t.readers[j].frame,
			      "nodes %d and %d share a table, so nothing is shown",
			      i, j);
	for (i = 0; i < ROUNDS; i++)
		one_round(i);
	*t.stop = true;
	for (i = 0; i < t.nodes; i++)
		join(pids[i]);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
