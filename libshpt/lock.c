// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - the locks of the table and of the guests; the latter is inside
 *
 * Signals are blocked while one is held. The handler of SIGSEGV (private.c)
 * takes that of the guests, and fork(2), which signal handlers may call, takes
 * both: a signal in the middle would wait for itself.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "internal.h"

struct lock {
	pthread_mutex_t mutex;
	sigset_t unblocked; /* the mask of who holds it */
};

static struct lock table = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static struct lock guests = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void lock(struct lock *l)
{
	sigset_t old;

	block_signals(&old);
	pthread_mutex_lock(&l->mutex);
	l->unblocked = old;
}

static void unlock(struct lock *l)
{
	sigset_t old = l->unblocked;

	pthread_mutex_unlock(&l->mutex);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void table_lock(void)
{
	lock(&table);
}

void table_unlock(void)
{
	unlock(&table);
}

void guest_lock(void)
{
	lock(&guests);
}

void guest_unlock(void)
{
	unlock(&guests);
}
