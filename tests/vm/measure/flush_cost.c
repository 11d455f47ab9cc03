/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to take pages away from many processes that map them, with
 * ordinary mappings and with shpt: a hole of one page, one of 512 pages, 1000
 * pages swapped out. All processes have touched all pages; one of them runs on
 * another CPU, the others sleep. The table goes to /dev/shpt.data:
 *
 *	tests/vm/run --dir tests/vm/measure flush_cost; cat build/vm/data
 *
 * Beside the time stands how often other CPUs were interrupted: with ordinary
 * mappings what the tracepoint tlb:tlb_flush saw the kernel send, with shpt also
 * the fact "flushes".
 */
#include <sched.h>

#include "vmtest.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENT		TRACING "events/tlb/tlb_flush/"
#define REMOTE_SEND_IPI	"4"	/* TLB_REMOTE_SEND_IPI */

#define SINGLES		32		/* holes of one page */
#define BLOCKS		4UL		/* holes of 512 */
#define SWAPPED		1000		/* pages */
#define SINGLES_AT	0
#define BLOCKS_AT	(2 * MIB)
#define SWAP_AT		(BLOCKS_AT + BLOCKS * 2 * MIB)
#define BYTES		(SWAP_AT + SWAPPED * PAGE)

static const int counts[] = { 1, 2, 4, 8, 16, 64, 250, 500 };

static struct {
	bool shpt;
	int fd, reg, out;
	volatile uint64_t *mapped;
	const char *cgroup;
} t;

struct cost {
	double us;		/* a hole, or all pages swapped out */
	double interrupts;
};

static void run_on_cpu(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	MUST(sched_setaffinity(0, sizeof(cpus), &cpus));
}

/* cppcheck-suppress constParameter; spawn() wants this very type */
static void mapper(void *arg)
{
	char *p = t.shpt ? map_region(t.reg, 1, 0) :
		  MUST(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			    t.fd, 0));
	size_t off;

	for (off = 0; off < BYTES; off += PAGE)
		load(p + off);
	__atomic_fetch_add(t.mapped, 1, __ATOMIC_SEQ_CST);
	if (arg)
		pause();
	run_on_cpu(1);
	for (;;)
		load(p + BYTES - PAGE);
}

/* Lines in the trace, lost ones included. */
static long traced(void)
{
	long n = 0, cpus = sysconf(_SC_NPROCESSORS_ONLN), cpu;
	char path[128];

	for (cpu = 0; cpu < cpus; cpu++) {
		snprintf(path, sizeof(path), TRACING "per_cpu/cpu%ld/stats",
			 cpu);
		n += number_in(path, "entries") + number_in(path, "overrun");
	}
	return n;
}

static double interrupts(void)
{
	return traced() + (t.shpt ? region_info(t.reg).flushes : 0);
}

static void punch(off_t at, off_t bytes)
{
	MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
		       bytes));
}

static struct cost punch_holes(off_t at, off_t bytes, int n)
{
	double start, before = interrupts();
	struct cost cost;
	int i;

	start = now();
	for (i = 0; i < n; i++)
		punch(at + i * bytes, bytes);
	cost.us = (now() - start) / n * 1e6;
	cost.interrupts = (interrupts() - before) / n;
	return cost;
}

/* All that is left is SWAPPED pages of the group's. */
static struct cost swap_out(void)
{
	double start, before = interrupts();
	long long out = vmstat("pswpout");
	struct cost cost;

	start = now();
	reclaim(t.cgroup, SWAPPED * PAGE);
	cost.us = now() - start;
	out = vmstat("pswpout") - out;
	CHECK(out >= SWAPPED / 2, "only %lld pages were swapped out", out);
	cost.us *= 1e6 * SWAPPED / out;
	cost.interrupts = (interrupts() - before) * SWAPPED / out;
	return cost;
}

/* The backing's pages, and nothing else, are charged to the group. */
static void fill(void *arg)
{
	char page[PAGE] = "x";
	off_t off;

	(void)arg;
	enter_cgroup(t.cgroup);
	for (off = 0; off < (off_t)BYTES; off += PAGE)
		CHECK_EQ(pwrite(t.fd, page, PAGE, off), PAGE);
}

static void measure(int count, bool shpt, struct cost costs[3])
{
	pid_t pids[count];
	int i;

	t.shpt = shpt;
	t.fd = backing(MEMFD, BYTES);
	t.reg = shpt ? open_region(t.fd) : -1;
	join(spawn(fill, NULL));
	*t.mapped = 0;
	for (i = 0; i < count; i++)
		pids[i] = spawn(mapper, (void *)(long)i);
	WAIT_FOR(*t.mapped == (uint64_t)count, 60, "%llu of %d have mapped",
		 (long long)*t.mapped, count);
	sleep(1);
	costs[0] = punch_holes(SINGLES_AT, PAGE, SINGLES);
	costs[1] = punch_holes(BLOCKS_AT, 2 * MIB, BLOCKS);
	punch(SINGLES_AT, 2 * MIB);
	costs[2] = swap_out();
	for (i = 0; i < count; i++) {
		MUST(kill(pids[i], SIGKILL));
		MUST(waitpid(pids[i], NULL, 0));
	}
	if (shpt)
		close(t.reg);
	close(t.fd);
}

static void print(int count, struct cost costs[2][3])
{
	int what;

	dprintf(t.out, "| %d |", count);
	for (what = 0; what < 3; what++)
		dprintf(t.out, " %.0f (%.0f) | %.0f (%.0f) |",
			costs[0][what].us, costs[0][what].interrupts,
			costs[1][what].us, costs[1][what].interrupts);
	dprintf(t.out, "\n");
}

static void test(int kind)
{
	struct cost costs[2][3];
	size_t i;

	(void)kind;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("this needs two CPUs");
	t.out = MUST(open("/dev/shpt.data", O_WRONLY | O_CLOEXEC));
	t.mapped = shared(PAGE);
	t.cgroup = new_cgroup("flush_cost");
	swap_on();
	run_on_cpu(0);
	write_text(EVENT "filter", "reason == " REMOTE_SEND_IPI);
	write_text(EVENT "enable", "1");
	dprintf(t.out, "| processes | 1 page: plain | shpt | 512 pages: plain | shpt | 1000 out: plain | shpt |\n"
		"|---|---|---|---|---|---|---|\n");
	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		measure(counts[i], false, costs[0]);
		measure(counts[i], true, costs[1]);
		print(counts[i], costs);
	}
	write_text(EVENT "enable", "0");
	swap_off();
}

int main(void)
{
	return vmtest(test, MEMFD, 600);
}
