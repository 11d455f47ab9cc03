/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one process writes, every other reads at once, through the mapping and
 * through the file; atomic additions of all to one word lose nothing.
 */
#include "vmtest.h"

#define WORKERS	4
#define ROUNDS	20
#define ADDS	20000

static struct {
	int fd;
	pthread_barrier_t *step;
} t;

/* One page for each worker, in turn in the first and in the second chunk. */
static size_t slot(int worker, int round)
{
	return CHUNK * ((worker + round) % 2) + 3 * PAGE * (1 + worker) +
	       64 * KIB * round;
}

static void worker(void *arg)
{
	int i = (int)(long)arg;
	char *p = map_guest(t.fd, 2);
	uint64_t got;
	int round, j;

	for (round = 0; round < ROUNDS; round++) {
		store(p + slot(i, round), word(i, round));
		meet(t.step);
		for (j = 0; j < WORKERS; j++) {
			got = load(p + slot(j, round));
			CHECK(got == word(j, round),
			      "worker %d sees %#llx of worker %d in round %d",
			      i, (long long)got, j, round);
			CHECK_EQ(pread(t.fd, &got, 8, slot(j, round)), 8);
			CHECK_EQ(got, word(j, round));
		}
		meet(t.step);
		/* From the file into the mapping, too. */
		got = word(i + 100, round);
		CHECK_EQ(pwrite(t.fd, &got, 8, slot(i, round)), 8);
		meet(t.step);
		for (j = 0; j < WORKERS; j++)
			CHECK_EQ(load(p + slot(j, round)),
				 word(j + 100, round));
		meet(t.step);
	}
	for (j = 0; j < ADDS; j++)
		__atomic_fetch_add((uint64_t *)p, 1, __ATOMIC_SEQ_CST);
}

static void test(int kind)
{
	pid_t pids[WORKERS];
	uint64_t sum;
	int i;

	t.fd = backing(kind, 2 * CHUNK);
	t.step = barrier(WORKERS);
	for (i = 0; i < WORKERS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	for (i = 0; i < WORKERS; i++)
		join(pids[i]);
	CHECK_EQ(pread(t.fd, &sum, 8, 0), 8);
	CHECK_EQ(sum, WORKERS * ADDS);
	/* And it is still there for who maps the file after all have gone. */
	CHECK_EQ(load(map_guest(t.fd, 1)), WORKERS * ADDS);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
