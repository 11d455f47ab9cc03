// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * calm.c - a call that many are made for stays one call
 *
 * No handler comes in the middle, which could make such a call itself, jump out,
 * or interrupt fallocate(2) over and over again. And no thread is cancelled in
 * open(2) that would not be in mmap(2).
 */
#include <pthread.h>

#include "preload.h"

void calm_begin(struct calm *calm)
{
	block_signals(&calm->unblocked);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &calm->cancel);
}

void calm_end(const struct calm *calm)
{
	pthread_setcancelstate(calm->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &calm->unblocked, NULL);
}
