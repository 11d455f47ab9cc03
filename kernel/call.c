// SPDX-License-Identifier: GPL-2.0-only
/*
 * call.c - have something done by a worker, and wait for it killably
 *
 * Much of what the module does must not be done by the process that needs it:
 * mappings in a host's mm can be made by a kernel thread only, and a signal must
 * not break off a registration half-way. But who waits may wait with locks held
 * for what another's file system does, so a fatal signal must end the wait. The
 * worker then goes on alone: a call belongs to both of them, with all that it
 * refers to, and whoever is last frees it.
 */
#include "internal.h"

void shpt_call_put(struct shpt_call *call)
{
	if (refcount_dec_and_test(&call->users))
		call->free(call);
}

static void call_work(struct work_struct *work)
{
	struct shpt_call *call = container_of(work, struct shpt_call, work);

	call->err = call->run(call);
	complete(&call->done);
	shpt_call_put(call);
}

/**
 * shpt_call_init - prepare a call
 * @call: the call, part of a struct from kmalloc()
 * @run: what is to be done; returns the result
 * @free: gives up all that the struct refers to, and frees it
 */
void shpt_call_init(struct shpt_call *call, int (*run)(struct shpt_call *call),
		    void (*free)(struct shpt_call *call))
{
	INIT_WORK(&call->work, call_work);
	init_completion(&call->done);
	refcount_set(&call->users, 2);
	call->run = run;
	call->free = free;
}

/**
 * shpt_call_wait - have the call done; it is no longer the caller's afterwards
 * @call: a call that shpt_call_init() prepared
 * @cpu: where, or WORK_CPU_UNBOUND
 * @wq: by whom
 *
 * Returns what run() returned, or -EINTR if a fatal signal came first.
 */
int shpt_call_wait(struct shpt_call *call, int cpu, struct workqueue_struct *wq)
{
	int err;

	queue_work_on(cpu, wq, &call->work);
	if (wait_for_completion_killable(&call->done)) {
		WRITE_ONCE(call->abandoned, true);
		err = -EINTR;
	} else {
		err = call->err;
	}
	shpt_call_put(call);
	return err;
}
