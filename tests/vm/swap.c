/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of a memfd swapped out and in under its guests, by pressure on their
 * memory cgroup and by advice: first at rest, then while all of them read and
 * write. Not one byte may differ.
 */
#include "vmtest.h"

#define BYTES	(24 * MIB)
#define GUESTS	3
#define ROUNDS	3
#define SECONDS	4.0

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

/* Reads the common area, counts up the words of its own one. */
static void worker(void *arg)
{
	char *p = map_guest(t.fd, 1), *mine;
	uint64_t turn;
	size_t off;

	mine = p + BYTES + (long)arg * MIB;
	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < MIB; off += PAGE) {
			CHECK_EQ(load(mine + off), turn);
			store(mine + off, turn + 1);
		}
		CHECK_STAMP(p + turn % (BYTES / MIB) * MIB, MIB, 1000);
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

static void test(int kind)
{
	const char *cgroup = new_cgroup("swap");
	long long out, in;
	pid_t pids[GUESTS];
	char *p, *q;
	size_t off;
	double start;
	int i;

	enter_cgroup(cgroup);
	t.fd = backing(kind, 64 * MIB);
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	p = map_guest(t.fd, 1);
	q = map_guest(t.fd, 1);
	swap_on();
	for (i = 0; i < ROUNDS; i++) {
		out = vmstat("pswpout");
		in = vmstat("pswpin");
		stamp(i % 2 ? p : q, BYTES, i);
		reclaim(cgroup, BYTES);
		CHECK_GE(vmstat("pswpout") - out, BYTES / PAGE / 2);
		CHECK_STAMP(p, BYTES, i);
		CHECK_STAMP(q, BYTES, i);
		CHECK_GE(vmstat("pswpin") - in, BYTES / PAGE / 4);
	}
	for (off = 0; off < BYTES; off += MIB)
		stamp(p + off, MIB, 1000);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	out = vmstat("pswpout");
	in = vmstat("pswpin");
	/*
	 * Pages that are found in the swap cache do not count as swapped in, so
	 * not many need to.
	 */
	start = now();
	for (i = 0; KEEP_GOING(start, SECONDS, vmstat("pswpout") - out >= 1000 &&
					       vmstat("pswpin") - in >= 100); i++) {
		if (i % 4)
			reclaim(cgroup, MIB);
		else
			MUST(madvise(p + i % 24 * MIB, MIB, MADV_PAGEOUT));
		usleep(5000);
	}
	CHECK_GE(vmstat("pswpout") - out, 1000);
	CHECK_GE(vmstat("pswpin") - in, 100);
	/* swapoff brings all back while the guests go on. */
	swap_off();
	*t.stop = true;
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
	CHECK_GE(*t.turns, 10);
	for (off = 0; off < BYTES; off += MIB)
		CHECK_STAMP(q + off, MIB, 1000);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
