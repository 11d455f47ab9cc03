// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.c - a guest's faults
 *
 * Every handler ends in VM_FAULT_NOPAGE, VM_FAULT_RETRY or an error, and none
 * ever gives the core a page: nothing is mapped in the guest's name, neither
 * into its own table, which must stay empty, nor into the host's. The only
 * VM_FAULT_FALLBACK is the answer to a PUD-sized fault on an empty entry: it
 * makes the core allocate the PMD table that we park. At PMD size it would not
 * do even for an empty entry: the core asks the same question for a
 * write-protected huge one (wp_huge_pmd), and would split it on FALLBACK.
 *
 * Which handler is called does not matter. ->huge_fault saves the core a
 * useless PTE table, but PR_SET_THP_DISABLE and MADV_NOHUGEPAGE bypass it, and
 * then ->fault does the same.
 *
 * Locks. All is done under the guest's mmap_lock held for read; a fault that
 * comes with the VMA lock only (huge_fault on 6.12; before ->fault the core
 * drops it by itself) starts again. Then the host's mmap_lock is taken for
 * read, then whatever the backing's file system takes, and both are let go of.
 * Whoever must wait for something that needs the guest's mmap_lock (registration
 * after fork), or that others can draw out (the end of invalidations), drops it,
 * keeps a reference to what it waits for, and returns VM_FAULT_RETRY without
 * touching the VMA again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "internal.h"

#define ADOPTION_TRIES	5

struct adoption {
	struct shpt_call call;
	struct mm_struct *mm;
	struct file *file;		/* keeps the module in place */
};

static void adoption_free(struct shpt_call *call)
{
	struct adoption *adoption = container_of(call, struct adoption, call);

	mmput(adoption->mm);
	fput(adoption->file);
	kfree(adoption);
}

/* Only tries for the lock: workers are for all, and anybody can hold his own. */
static int adoption_run(struct shpt_call *call)
{
	struct adoption *adoption = container_of(call, struct adoption, call);
	int tries, err;

	for (tries = 0; !mmap_write_trylock(adoption->mm); tries++) {
		if (tries == ADOPTION_TRIES)
			return -EAGAIN;
		schedule_timeout_idle(1);
	}
	err = shpt_guest_adopt_all(adoption->mm);
	mmap_write_unlock(adoption->mm);
	return err;
}

/* The lock was held all the time: wait for it here, and have the fault retried. */
static void wait_for_lock(struct mm_struct *mm)
{
	if (!mmap_write_lock_killable(mm))
		mmap_write_unlock(mm);
}

/*
 * By the caller, if it is one of the mm's own: another one would be charged for
 * what stays there, and might be made to wait for memory with the lock held.
 * mm_take_all_locks() fails while a signal is pending.
 */
static int adopt_here(struct mm_struct *mm)
{
	int err;

	if (mm != current->mm || signal_pending(current))
		return -EINTR;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = shpt_guest_adopt_all(mm);
	mmap_write_unlock(mm);
	return err;
}

/*
 * The first fault in a child of fork. Where the caller cannot register it, a
 * worker does, for whom no signal is pending and whose memory cgroup has no
 * limit: a fault in kernel mode would come back with the same signal, or to the
 * same limit, for ever. If a fatal signal ends this, it ends the retry too.
 */
static vm_fault_t adopt_and_retry(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct adoption *adoption;
	struct file *file;

	/* Some users of get_user_pages() cannot let go of the lock. */
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	adoption = kzalloc(sizeof(*adoption), GFP_KERNEL);
	if (!adoption)
		return VM_FAULT_OOM;
	shpt_call_init(&adoption->call, adoption_run, adoption_free);
	mmget(mm);
	adoption->mm = mm;
	adoption->file = get_file(vmf->vma->vm_file);

	file = get_file(vmf->vma->vm_file);	/* pins the module */
	mmap_read_unlock(mm);
	if (!adopt_here(mm) || fatal_signal_pending(current))
		adoption_free(&adoption->call);
	else if (shpt_call_wait(&adoption->call, WORK_CPU_UNBOUND,
				shpt_adoption_wq) == -EAGAIN)
		wait_for_lock(mm);
	fput(file);
	return VM_FAULT_RETRY;
}

/*
 * The host that a guest's VMA is to link to, which follows from what the VMA
 * allows now. Valid while the mmap_lock is held.
 */
static struct shpt_host *host_for(const struct vm_area_struct *vma,
				  struct shpt_guest *guest)
{
	enum shpt_access access = shpt_access_of(vma->vm_flags);
	int node = READ_ONCE(guest->region->node);

	if (node == SHPT_NODE_LOCAL) {
		node = READ_ONCE(guest->node);
		if (node == NUMA_NO_NODE) {
			node = numa_node_id();
			WRITE_ONCE(guest->node, node);
		}
	}
	return shpt_hosts_find(guest->region, access, node);
}

static vm_fault_t serve_from_host(struct vm_fault *vmf, struct shpt_host *host)
{
	struct shpt_region *region = host->region;
	vm_fault_t ret;

	/* Charging may wait for storage; who must not wait goes without. */
	if (!(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		ret = shpt_charge(host, vmf->vma->vm_mm, vmf->vma->vm_flags,
				  vmf->pgoff);
		if (ret)
			return ret;
	}
	ret = shpt_host_fault(host, vmf->pgoff, vmf->flags);
	if (ret == VM_FAULT_NOPAGE)
		atomic64_inc(&region->faults_served);
	return ret;
}

static vm_fault_t refuse(void)
{
	pr_warn_ratelimited("%s[%d]: another MMU (KVM, RDMA, HMM, SVA) watches this process; its mappings of regions end in SIGBUS\n",
			    current->comm, task_pid_nr(current));
	return VM_FAULT_SIGBUS;
}

/* An invalidation of the chunk may be under way: come back when it is over. */
static vm_fault_t wait_and_retry(struct vm_fault *vmf, struct shpt_mm *smm)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	unsigned long addr = vmf->address;
	struct file *file;

	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_NOPAGE;

	kref_get(&smm->ref);
	file = get_file(vmf->vma->vm_file);	/* pins the module */
	mmap_read_unlock(mm);
	shpt_await_invalidations(smm, addr);
	shpt_mm_put(smm);
	fput(file);
	return VM_FAULT_RETRY;
}

/* Link the chunk. The host has a table for it. */
static vm_fault_t link_chunk(struct vm_fault *vmf, struct shpt_guest *guest,
			     struct shpt_host *host)
{
	int err = shpt_link(guest, host, vmf->address, vmf->pud, vmf->pgoff);

	/*
	 * Some users of get_user_pages() cannot let go of the lock: they wait
	 * with it (link.c says why that is safe), and try once more.
	 */
	if (err == -EINPROGRESS && !(vmf->flags & FAULT_FLAG_ALLOW_RETRY)) {
		shpt_await_invalidations(guest->smm, vmf->address);
		err = shpt_link(guest, host, vmf->address, vmf->pud,
				vmf->pgoff);
	}
	switch (err) {
	case 0:
		shpt_flush_mm(guest->smm->mm);
		shpt_check_flushed(guest->smm, vmf->address);
		return VM_FAULT_NOPAGE;
	case -EINPROGRESS:
		return wait_and_retry(vmf, guest->smm);
	case -EAGAIN:
		/* The access is repeated, and signals have their say between. */
		return VM_FAULT_NOPAGE;
	case -ENOMEM:
		return VM_FAULT_OOM;
	default:
		return refuse();
	}
}

/* A fault under mmap_lock, in a VMA that has a guest. */
static vm_fault_t guest_fault(struct vm_fault *vmf, struct shpt_guest *guest)
{
	unsigned long chunk = vmf->pgoff >> (CHUNK_SHIFT - PAGE_SHIFT);
	struct shpt_host *host;
	vm_fault_t ret;
	pud_t pud;

	if (READ_ONCE(guest->smm->foreign))
		return refuse();
	/* FOLL_FORCE comes here without them. */
	if (!(vmf->vma->vm_flags & (VM_READ | VM_WRITE)))
		return VM_FAULT_SIGBUS;

	host = shpt_linked_host(guest->smm, vmf->address);
	if (host)
		return serve_from_host(vmf, host);
	host = host_for(vmf->vma, guest);
	if (WARN_ON_ONCE(!host))
		return VM_FAULT_SIGBUS;
	if (!shpt_host_pud(host, chunk, &pud)) {
		ret = serve_from_host(vmf, host);
		if (ret != VM_FAULT_NOPAGE)
			return ret;
		if (!shpt_host_pud(host, chunk, &pud))
			return VM_FAULT_SIGBUS;
	}
	return link_chunk(vmf, guest, host);
}

vm_fault_t shpt_fault(struct vm_fault *vmf)
{
	struct shpt_guest *guest = vmf->vma->vm_private_data;

	if (IS_ERR(guest))
		return refuse();
	if (!guest)
		return adopt_and_retry(vmf);
	return guest_fault(vmf, guest);
}

vm_fault_t shpt_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	if (order == PUD_ORDER)
		return VM_FAULT_FALLBACK;

	if (vmf->flags & FAULT_FLAG_VMA_LOCK) {
		vma_end_read(vmf->vma);
		return VM_FAULT_RETRY;
	}
	return shpt_fault(vmf);
}

/*
 * A write to an entry of a linked chunk that is write-protected: the host's
 * fault tells the file system and makes the entry writable for all. What the
 * core does with VM_FAULT_RETRY here is go on with the entry, so a guest that
 * must not wait tries again.
 */
vm_fault_t shpt_mkwrite(struct vm_fault *vmf)
{
	struct shpt_guest *guest = vmf->vma->vm_private_data;
	struct shpt_host *host;
	vm_fault_t ret;

	if (WARN_ON_ONCE(IS_ERR_OR_NULL(guest)))
		return VM_FAULT_SIGBUS;
	host = shpt_linked_host(guest->smm, vmf->address);
	/* Unlinked since: the access will fault again. */
	if (!host)
		return VM_FAULT_NOPAGE;
	vmf->flags |= FAULT_FLAG_WRITE;
	ret = serve_from_host(vmf, host);
	return ret == VM_FAULT_RETRY ? VM_FAULT_NOPAGE : ret;
}
