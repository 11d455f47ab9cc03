// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fork.c - mappings in the child of fork(2)
 *
 * The child inherits the mappings and the table. The handlers keep the table
 * and the guests whole when another thread is changing them, and introduce the
 * child to the kernel part, see in_child() in shpt.c. A child made without the
 * handlers (vfork(2), _Fork(3), clone(2)) may use its mappings as well; it is
 * introduced by its first access, which then has to be one by the program
 * itself.
 */
#include <errno.h>
#include <pthread.h>

#include "internal.h"

static int failed;

static void in_child(void)
{
	struct range everywhere = { 0, UINTPTR_MAX };
	struct mapping *m = NULL;
	int saved = errno;

	while ((m = table_next(m, everywhere)))
		if (m->backend->in_child)
			m->backend->in_child(m);
	errno = saved;
	guest_unlock();
	table_unlock();
}

static void before(void)
{
	table_lock();
	guest_lock();
}

static void in_parent(void)
{
	guest_unlock();
	table_unlock();
}

/*
 * When the library is loaded, so before the program can install handlers of its
 * own. They run before these on the way into fork(2) and after them on the way
 * out, and may call the library. And if they take a lock under which other
 * threads call the library, it is taken before the library's.
 */
static void __attribute__((constructor)) install(void)
{
	failed = pthread_atfork(before, in_parent, in_child);
}

/* Children of a process without the handlers could find the table torn. */
int check_forks(struct reason *why)
{
	if (failed)
		return refuse(why, failed, "pthread_atfork: %m");
	return 0;
}
