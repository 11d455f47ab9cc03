/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process forks as fast as it can while its other threads map, touch and
 * unmap regions: every child can use what it inherited, and nothing is left
 * behind.
 */
#include "vmtest.h"

#define BYTES	(256 * KIB)
#define SECONDS	3.0
#define FORKS	20

static struct {
	int reg;
	char *p;
	char *volatile brief;	/* a mapping that comes and goes */
	volatile bool stop;
} t;

static void *mapper(void *arg)
{
	char *p;

	(void)arg;
	while (!t.stop) {
		p = map_region(t.reg, 2, 0);
		t.brief = p;
		CHECK_EQ(load(p), word(1, 0));
		CHECK_EQ(load(p + CHUNK), word(2, 0));
		/* In two pieces or in one. */
		if ((uintptr_t)p / CHUNK % 2)
			MUST(munmap(p, CHUNK));
		MUST(munmap(p, 2 * CHUNK));
	}
	return NULL;
}

static void child(void *arg)
{
	char *p = t.brief;

	CHECK_STAMP(t.p, BYTES, 1);
	store(t.p + BYTES + (long)arg % 64 * 64, (long)arg);
	/* Inherited or not, of this thread or of that; never other bytes. */
	if (p && !probe(p, false)) {
		CHECK(load(p) == word(1, 0) || load(p) == word(2, 0),
		      "%p holds %#llx", (void *)p, (long long)load(p));
		CHECK_EQ(load(p + CHUNK - PAGE), 0);
	}
}

static void test(int kind)
{
	pthread_t threads[2];
	pid_t pids[4] = { 0 };
	double start;
	long i;

	t.reg = open_region(backing(kind, 2 * CHUNK));
	t.p = map_region(t.reg, 2, 0);
	stamp(t.p, BYTES, 1);
	stamp(t.p + CHUNK, BYTES, 2);
	threads[0] = thread(mapper, NULL);
	threads[1] = thread(mapper, NULL);
	start = now();
	for (i = 0; KEEP_GOING(start, SECONDS, i >= FORKS); i++) {
		pid_t *slot = &pids[i % 4];

		if (*slot)
			join(*slot);
		*slot = spawn(child, (void *)i);
	}
	t.stop = true;
	for (int j = 0; j < 4; j++)
		join(pids[j]);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	CHECK_GE(i, FORKS);
	for (long j = i - 60 > 0 ? i - 60 : 0; j < i; j++)
		CHECK_EQ(load(t.p + BYTES + j % 64 * 64), j);
	WAIT_FOR(region_info(t.reg).guests == 1, 5, "%llu guests are left",
		 (long long)region_info(t.reg).guests);
	CHECK_EQ(region_info(t.reg).links, 2);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
