/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 1: MADV_DONTNEED while other threads of the process, and another
 * process, read and write the same bytes: the mapping is unlinked and linked
 * again under them, and not one byte may be wrong or lost.
 */
#include "vmtest.h"

#define BYTES	(2 * MIB)
#define SECONDS	3.0

/* It would be easy to be right with less going on. */
#define ROUNDS	100
#define READS	(10 * BYTES / PAGE)
#define UNLINKS	50

static struct {
	char *p;
	volatile bool *stop;
	volatile uint64_t *reads;
} t;

static void *reader(void *arg)
{
	(void)arg;
	while (!*t.stop) {
		CHECK_STAMP(t.p, BYTES, 1);
		__atomic_fetch_add(t.reads, BYTES / PAGE, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Each writer has words of its own, one in every page of its area. */
static void *writer(void *arg)
{
	char *mine = t.p + BYTES + (long)arg * 64 * KIB;
	uint64_t turn;
	size_t off;

	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < 64 * KIB; off += PAGE) {
			CHECK_EQ(load(mine + off), turn);
			store(mine + off, turn + 1);
		}
	}
	return NULL;
}

static void other(void *arg)
{
	reader(arg);
}

static void test(int kind)
{
	int reg = open_region(backing(kind, 2 * CHUNK));
	uint64_t before, rounds = 0;
	pthread_t threads[4];
	double start;
	pid_t pid;
	long i;

	t.stop = shared(PAGE);
	t.reads = shared(PAGE);
	t.p = map_region(reg, 2, 0);
	stamp(t.p, BYTES, 1);
	stamp(t.p + CHUNK, BYTES, 2);
	pid = spawn(other, NULL);
	for (i = 0; i < 2; i++)
		threads[i] = thread(reader, NULL);
	for (; i < 4; i++)
		threads[i] = thread(writer, (void *)i);
	before = region_info(reg).unlinks;

	start = now();
	for (; KEEP_GOING(start, SECONDS,
			  rounds >= ROUNDS && *t.reads >= READS &&
			  region_info(reg).unlinks - before >= UNLINKS);
	     rounds++) {
		switch (rounds % 4) {
		case 0:
			MUST(madvise(t.p, CHUNK, MADV_DONTNEED));
			break;
		case 1:
			MUST(madvise(t.p, 2 * CHUNK, MADV_DONTNEED));
			break;
		case 2:
			MUST(madvise(t.p + 16 * PAGE, PAGE, MADV_DONTNEED));
			break;
		case 3:
			MUST(madvise(t.p + BYTES, BYTES, MADV_DONTNEED));
			break;
		}
		if (rounds % 16 == 0)
			CHECK_STAMP(t.p + CHUNK, BYTES, 2);
	}
	*t.stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	join(pid);
	CHECK_STAMP(t.p, BYTES, 1);
	CHECK_GE(rounds, ROUNDS);
	CHECK_GE(*t.reads, READS);
	CHECK_GE(region_info(reg).unlinks - before, UNLINKS);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
