/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything at once: many processes map, touch, fork and unmap a backing that
 * others punch, cut and extend, and whose page tables move from node to node,
 * while freed frames are at once used and soiled by somebody else. A word of the
 * backing is zero or what belongs there. On machines with several NUMA nodes the
 * processes are on all of them.
 */
#include "numa.h"

#define MAPPERS	4
#define SIZE	(8 * MIB)
#define STEP	512UL	/* from word to word: few enough to be met again */
#define SECONDS	6.0
#define SEED	11

static struct {
	int fd, nodes;
	volatile bool *stop;
	volatile uint64_t *counts;
} t;

/* What is counted, and how much of it makes the test worth something. */
static const char *const counted[] = {
	"mappings", "bus errors", "zeroes", "words", "moves",
};
static const int least[] = { 5, 50, 50, 20, 2 };
#define COUNTED	5

static uint64_t wanted(int what)
{
	return (uint64_t)vmtest_rounds(least[what]);
}

static bool enough(void)
{
	for (int i = 0; i < COUNTED; i++)
		if (t.counts[i] < wanted(i))
			return false;
	return true;
}

static unsigned int rnd;

static unsigned int dice(unsigned int sides)
{
	rnd = rnd * 1103515245 + 12345;
	return (rnd >> 8) % sides;
}

static void count(int what)
{
	__atomic_fetch_add(&t.counts[what], 1, __ATOMIC_RELAXED);
}

/* Read a word, write it if it is a zero; both may end beyond the file. */
static void touch(char *p, size_t off)
{
	sigjmp_buf env;
	uint64_t v;

	if (sigsetjmp(env, 0)) {
		vmtest_probe = NULL;
		count(1);
		return;
	}
	vmtest_probe = &env;
	v = load(p + off);
	if (!v)
		store(p + off, word(SEED, off));
	vmtest_probe = NULL;
	count(v ? 3 : 2);
	CHECK(!v || v == word(SEED, off), "%#zx holds %#llx, expected %#llx",
	      off, (long long)v, (long long)word(SEED, off));
}

static void child(void *arg)
{
	for (int i = 0; i < 50; i++)
		touch(arg, dice(SIZE / STEP) * STEP);
}

static void mapper(void *arg)
{
	size_t chunks;
	char *p;

	rnd = (long)arg;
	run_on_node(rnd % t.nodes);
	while (!*t.stop) {
		chunks = 1 + dice(2);
		p = map_guest(t.fd, chunks);
		for (int i = 0; i < 200; i++)
			touch(p, dice(SIZE / STEP) * STEP);
		if (dice(4) == 0)
			join(spawn(child, p));
		if (dice(2) == 0)
			MUST(madvise(p, CHUNK, MADV_DONTNEED));
		for (int i = 0; i < 100; i++)
			touch(p, dice(SIZE / STEP) * STEP);
		MUST(munmap(p, chunks * CHUNK));
		count(0);
	}
}

/* Time as the mappers have it: how slow they are does not change the mixture. */
static void let_them_touch(unsigned int words)
{
	uint64_t end = t.counts[1] + t.counts[2] + t.counts[3] + words;

	while (!*t.stop && t.counts[1] + t.counts[2] + t.counts[3] < end)
		usleep(100);
}

static void puncher(void *arg)
{
	size_t at;

	rnd = (long)arg;
	while (!*t.stop) {
		at = dice(SIZE / PAGE) * PAGE;
		MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, at,
			       dice(3) ? PAGE : 2 * MIB));
		let_them_touch(dice(30));
	}
}

static void cutter(void *arg)
{
	rnd = (long)arg;
	while (!*t.stop) {
		MUST(ftruncate(t.fd, dice(SIZE / 64) * 64UL));
		let_them_touch(dice(40));
		MUST(ftruncate(t.fd, SIZE));
		let_them_touch(dice(400));
	}
}

static void mover(void *arg)
{
	int reg = open_region(t.fd);

	rnd = (long)arg;
	while (!*t.stop) {
		set_node(reg, SHPT_NODE_LOCAL + (int)dice(t.nodes + 2));
		count(4);
		let_them_touch(500);
	}
}

/* Takes freed frames and fills them with what belongs nowhere. */
static void soiler(void *arg)
{
	const size_t bytes = 16 * MIB;
	char *p;

	(void)arg;
	while (!*t.stop) {
		p = MUST(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		memset(p, 0xee, bytes);
		MUST(munmap(p, bytes));
	}
}

static void test(int kind)
{
	pid_t pids[MAPPERS + 4];
	double start;
	int i, reg;

	t.fd = backing(kind, SIZE);
	t.nodes = nr_nodes();
	CHECK_GE(t.nodes, 1);
	t.stop = shared(PAGE);
	t.counts = shared(PAGE);
	for (i = 0; i < MAPPERS; i++)
		pids[i] = spawn(mapper, (void *)(long)(i + 1));
	pids[i++] = spawn(puncher, (void *)101L);
	pids[i++] = spawn(cutter, (void *)102L);
	pids[i++] = spawn(mover, (void *)103L);
	pids[i++] = spawn(soiler, NULL);
	start = now();
	while (KEEP_GOING(start, SECONDS, enough()))
		usleep(10000);
	*t.stop = true;
	while (i--)
		join(pids[i]);
	for (i = 0; i < COUNTED; i++)
		CHECK(t.counts[i] >= wanted(i), "%llu %s, expected %llu",
		      (long long)t.counts[i], counted[i],
		      (long long)wanted(i));
	reg = open_region(t.fd);
	WAIT_FOR(region_info(reg).guests == 0, 5, "%llu guests are left",
		 (long long)region_info(reg).guests);
	CHECK_EQ(region_info(reg).links, 0);
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
