/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 10: the first touches of a fresh child, by several threads at once, by a
 * system call and amid a rain of signals: each succeeds, nobody waits for ever,
 * and everybody ends up on the shared tables.
 */
#include "vmtest.h"

#include <sys/time.h>
#include <sys/uio.h>

#define BYTES	(256 * KIB)
#define THREADS	3
#define ROUNDS	20
#define ORDINARY (16 * MIB)

static struct {
	char *p;
	pthread_barrier_t start;
	bool signals;
} t;

static void *toucher(void *arg)
{
	char *p = t.p + (long)arg % 2 * CHUNK;

	pthread_barrier_wait(&t.start);
	CHECK_STAMP(p, BYTES, (long)arg % 2);
	store(p + BYTES + (long)arg * PAGE, (long)arg);
	return NULL;
}

static void nothing(int sig)
{
	(void)sig;
}

static void child(void *arg)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	pthread_t threads[THREADS];
	long i;

	(void)arg;
	if (t.signals) {
		MUST(sigaction(SIGALRM, &sa, NULL));
		MUST(setitimer(ITIMER_REAL, &often, NULL));
	}
	pthread_barrier_init(&t.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		threads[i] = thread(toucher, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(linked_chunks(t.p), 2);
}

/* A signal comes while the system call is at work, before it comes to the guest. */
static void interrupted_child(void *arg)
{
	struct itimerval soon = { { 0, 0 }, { 0, 3000 } };
	struct sigaction sa = { .sa_handler = nothing };
	int out = MUST(memfd_create("out", MFD_CLOEXEC));
	struct iovec from[2] = { { arg, ORDINARY }, { t.p, BYTES } };

	MUST(sigaction(SIGALRM, &sa, NULL));
	MUST(setitimer(ITIMER_REAL, &soon, NULL));
	CHECK_EQ(writev(out, from, 2), ORDINARY + BYTES);
	CHECK_EQ(linked_chunks(t.p), 1);
}

static void killed_child(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, BYTES, 0);
	pause();
}

static void test(int kind)
{
	int reg = open_region(backing(kind, 2 * CHUNK));
	char *ordinary = shared(ORDINARY);
	int i, status;
	pid_t pid;

	t.p = map_region(reg, 2, 0);
	stamp(t.p, BYTES, 0);
	stamp(t.p + CHUNK, BYTES, 1);
	for (i = 0; i < ROUNDS; i++) {
		t.signals = i % 2;
		join(spawn(child, NULL));
		for (long j = 0; j < THREADS; j++) {
			char *mark = t.p + j % 2 * CHUNK + BYTES + j * PAGE;

			CHECK_EQ(load(mark), j);
			store(mark, 0);
		}
	}
	memset(ordinary, 1, ORDINARY);
	for (i = 0; i < 3; i++)
		join(spawn(interrupted_child, ordinary));
	/* Killed at any moment of the first touch. */
	for (i = 0; i < ROUNDS; i++) {
		pid = spawn(killed_child, NULL);
		usleep(i * 500);
		MUST(kill(pid, SIGKILL));
		MUST(waitpid(pid, &status, 0));
		CHECK_EQ(WTERMSIG(status), SIGKILL);
	}
	WAIT_FOR(region_info(reg).guests == 1, 5, "%llu guests are left",
		 (long long)region_info(reg).guests);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
