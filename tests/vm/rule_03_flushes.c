/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 3: who takes away a translation flushes it everywhere before he returns.
 * A thread that does nothing but read is stopped by mprotect(2) of another one,
 * where the kernel itself finds nothing to flush, be it with interrupts off. A
 * hole in the backing is seen by a reader whom many guests that sleep precede
 * in the region's list.
 */
#include "vmtest.h"

#include "modules/shpt_test.h"

#define ROUNDS		40
#define SLEEPERS	24	/* enough that all CPUs are flushed */

static struct {
	char *p;
	volatile bool taken, stop;
	volatile long turns, stale;
} t;

/* What was taken before the read must not be read any more. */
static void *reader(void *arg)
{
	(void)arg;
	while (!t.stop) {
		bool taken = t.taken;
		int sig = probe(t.p, false);

		__atomic_fetch_add(&t.stale, taken && !sig, __ATOMIC_SEQ_CST);
		t.turns++;
	}
	return NULL;
}

static void come_round(void)
{
	long before = t.turns;

	WAIT_FOR(t.turns > before + 2, PATIENCE, "the reader stands still");
}

static void protected(int fd)
{
	pthread_t thr;

	t.p = map_guest(fd, 1);
	store(t.p, 1);
	thr = thread(reader, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		come_round();
		MUST(mprotect(t.p, CHUNK, PROT_NONE));
		t.taken = true;
		come_round();
		t.taken = false;
		come_round();
		MUST(mprotect(t.p, CHUNK, PROT_READ | PROT_WRITE));
	}
	t.stop = true;
	pthread_join(thr, NULL);
	CHECK(t.stale == 0, "%ld reads of what mprotect had taken", t.stale);
	MUST(munmap(t.p, CHUNK));
}

static volatile uint64_t gone;

static void *interrupts_off(void *arg)
{
	struct shpt_test_words words = { (uintptr_t)t.p, (uintptr_t)&gone };
	int dev = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));

	while (!t.stop) {
		long ret;

		(void)probe(t.p, false);
		ret = ioctl(dev, SHPT_TEST_READ_TWICE, &words);
		CHECK(ret >= 0 || errno == EAGAIN, "%s", strerror(errno));
		t.stale += ret == 1;
		t.turns += ret >= 0;
	}
	close(dev);
	return arg;
}

/* The flush is waited for, also where a CPU does not hear of it at once. */
static void not_interrupted(int fd)
{
	pthread_t thr;

	t.stop = false;
	t.p = map_guest(fd, 1);
	store(t.p, 1);
	thr = thread(interrupts_off, NULL);
	for (int i = 0; i < ROUNDS / 2; i++) {
		come_round();
		usleep(10000);
		MUST(mprotect(t.p, CHUNK, PROT_NONE));
		gone = 1;
		usleep(60000);
		gone = 0;
		MUST(mprotect(t.p, CHUNK, PROT_READ | PROT_WRITE));
	}
	t.stop = true;
	pthread_join(thr, NULL);
	CHECK(t.stale == 0, "%ld reads with interrupts off of what mprotect had taken",
	      t.stale);
	MUST(munmap(t.p, CHUNK));
}

static struct {
	int fd;
	volatile uint64_t *punched;	/* how often */
	volatile uint64_t *stale;
	volatile uint64_t *turns;
	pthread_barrier_t *all;
} m;

static void hole_reader(void *arg)
{
	char *p = map_guest(m.fd, 1);

	(void)arg;
	(void)load(p);
	meet(m.all);
	for (;;) {
		uint64_t punched = *m.punched, value = load(p);

		/* What is there was written after that hole, or is a hole. */
		if (value && value <= punched)
			++*m.stale;
		++*m.turns;
	}
}

static void sleeper(void *arg)
{
	char *p = map_guest(m.fd, 1);

	(void)arg;
	(void)load(p);
	meet(m.all);
	pause();
}

static void among_many(int fd)
{
	uint64_t *counts = shared(PAGE), i, before;
	pid_t pids[SLEEPERS + 1];

	m.fd = fd;
	m.punched = counts;
	m.stale = counts + 32;
	m.turns = counts + 48;
	m.all = barrier(SLEEPERS + 2);
	/* New guests come first in the list: the reader is the last. */
	pids[0] = spawn(hole_reader, NULL);
	usleep(100000);
	for (i = 1; i <= SLEEPERS; i++)
		pids[i] = spawn(sleeper, NULL);
	meet(m.all);
	for (i = 1; i <= ROUNDS; i++) {
		CHECK_EQ(pwrite(fd, &i, 8, 0), 8);
		before = *m.turns;
		WAIT_FOR(*m.turns > before + 2, PATIENCE, "the reader stands still");
		MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       0, PAGE));
		*m.punched = i;
		before = *m.turns;
		WAIT_FOR(*m.turns > before + 2, PATIENCE, "the reader stands still");
	}
	CHECK(*m.stale == 0, "%llu reads of a page that had been punched out",
	      (long long)*m.stale);
	for (i = 0; i <= SLEEPERS; i++) {
		MUST(kill(pids[i], SIGKILL));
		MUST(waitpid(pids[i], NULL, 0));
	}
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK);

	protected(fd);
	not_interrupted(fd);
	among_many(fd);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 100);
}
