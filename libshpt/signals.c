// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * signals.c - no signal's handler in the middle of it
 *
 * A handler that came while a lock is held could wait for that lock itself, or
 * jump out and leave it held for ever.
 */
#include "internal.h"

/* Ends with pthread_sigmask() of @before. Faults cannot be kept away. */
void block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}
