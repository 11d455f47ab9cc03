// SPDX-License-Identifier: GPL-2.0-only
/*
 * node.c - page tables on the NUMA node of their host
 *
 * The core takes a page table from where the current task's memory policy or
 * its CPU points to. So a fault in a host that belongs to a node is done by a
 * worker on a CPU of that node if it has to allocate a table: one fault in 512
 * at most. What the worker allocates is charged to the memory cgroup of the
 * process that waits for it, and with the rights of that process: a file system
 * that fills a hole asks whether there is a quota for it. Tables that came from
 * elsewhere all the same, as the node was full or its CPUs went offline, are
 * counted.
 */
#include <linux/cred.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "internal.h"

struct node_fault {
	struct shpt_call call;
	struct shpt_host *host;
	struct mem_cgroup *memcg;
	const struct cred *cred;
	pgoff_t pgoff;
	unsigned int flags;
};

static int node_fault_run(struct shpt_call *call)
{
	struct node_fault *nf = container_of(call, struct node_fault, call);
	struct shpt_host *host = nf->host;
	const struct cred *own;
	struct mem_cgroup *old;
	vm_fault_t ret;
	int node;

	old = set_active_memcg(nf->memcg);
	own = override_creds(nf->cred);
	ret = shpt_host_fault_here(host, nf->pgoff, nf->flags);
	revert_creds(own);
	set_active_memcg(old);
	if (shpt_host_has_table(host, nf->pgoff, &node) && node != host->node)
		atomic64_inc(&host->region->misplaced);
	return (__force int)ret;
}

static void node_fault_free(struct shpt_call *call)
{
	struct node_fault *nf = container_of(call, struct node_fault, call);

	mem_cgroup_put(nf->memcg);
	put_cred(nf->cred);
	shpt_host_put(nf->host);
	kfree(nf);
}

/* As shpt_host_fault(), on a CPU of the host's node. */
vm_fault_t shpt_node_fault(struct shpt_host *host, pgoff_t pgoff,
			   unsigned int flags)
{
	struct node_fault *nf;
	unsigned int cpu;
	int ret;

	if (flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	nf = kzalloc(sizeof(*nf), GFP_KERNEL);
	if (!nf)
		return VM_FAULT_OOM;
	if (!shpt_host_get(host)) {
		kfree(nf);
		return VM_FAULT_SIGBUS;
	}
	shpt_call_init(&nf->call, node_fault_run, node_fault_free);
	nf->host = host;
	nf->memcg = get_mem_cgroup_from_mm(current->mm);
	nf->cred = get_current_cred();
	nf->pgoff = pgoff;
	nf->flags = flags;
	preempt_disable();
	cpu = cpumask_any_and_distribute(cpumask_of_node(host->node),
					 cpu_online_mask);
	preempt_enable();
	ret = shpt_call_wait(&nf->call,
			     cpu < nr_cpu_ids ? cpu : WORK_CPU_UNBOUND,
			     shpt_node_wq);
	/* Killed. Not RETRY, which says that the guest's lock is free. */
	return ret < 0 ? VM_FAULT_SIGBUS : (__force vm_fault_t)ret;
}
