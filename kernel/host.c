// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c - the address space whose page tables are shared
 *
 * A host is an mm without a task that maps the backing, and nothing else, as
 * an ordinary VM_SHARED mapping: file offset n lies at HOST_BASE + n, so
 * chunks of the file are chunks of the address space. The core finds it by the
 * backing's rmap and treats it as any process. Only this file changes it.
 *
 * Changes to its mappings are made by the module's worker, never by a fault: a
 * fault holds a guest's mmap_lock and then the host's for read, and would wait
 * for file systems with both. The worker takes no guest's lock, so a guest may
 * wait for it (killably) under its own.
 *
 * Upper tables of the host (PMD tables and above) are freed only with the mm:
 * the mapping grows and never shrinks while the region lives. That is why a
 * guest may go on using a PUD entry of the host without a lock. What the core
 * does below that (truncation, reclaim, write-protection, migration) it tells
 * the host's notifier before pages or tables are reused, with the page table
 * lock held, and tlb.c makes the guests' CPUs forget.
 */
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

static unsigned long host_addr(pgoff_t pgoff)
{
	return HOST_BASE + (pgoff << PAGE_SHIFT);
}

/* Chunks that the backing's file system and the address space have room for. */
unsigned long shpt_max_chunks(const struct shpt_region *region)
{
	u64 bytes = min_t(u64, region->key->i_sb->s_maxbytes,
			  DEFAULT_MAP_WINDOW - HOST_BASE);

	return bytes >> CHUNK_SHIFT;
}

static void host_free(struct kref *ref)
{
	struct shpt_host *host = container_of(ref, struct shpt_host, ref);
	struct shpt_chunk *chunk;
	unsigned long i;

	xa_for_each(&host->chunks, i, chunk)
		kfree(chunk);
	xa_destroy(&host->chunks);
	mmdrop(host->mm);
	fput(host->file);
	kobject_put(&host->region->kobj);
	kfree_rcu(host, rcu);
}

/*
 * A reference to a host, its struct and its address space. False if it is
 * being destroyed. The struct must be there: under rcu_read_lock(), say.
 */
bool shpt_host_get(struct shpt_host *host)
{
	if (!kref_get_unless_zero(&host->ref))
		return false;
	if (mmget_not_zero(host->mm))
		return true;
	kref_put(&host->ref, host_free);
	return false;
}

/* May be called with a guest's mmap_lock held: the mm ends elsewhere. */
void shpt_host_put(struct shpt_host *host)
{
	mmput_async(host->mm);
	kref_put(&host->ref, host_free);
}

/*
 * Shared and, for a read-only file, for the core no shared writable mapping: it
 * hinders no seal.
 */
static int host_map(struct shpt_host *host, unsigned long chunks)
{
	unsigned long prot = PROT_READ;
	unsigned long flags = MAP_SHARED;
	unsigned long from = host->covered;
	unsigned long addr;

	if (chunks <= from)
		return 0;
	if (host->access != ACCESS_READ)
		prot |= PROT_WRITE;
	if (host->access == ACCESS_SYNC)
		flags = MAP_SHARED_VALIDATE | MAP_SYNC;
	addr = vm_mmap(host->file, HOST_BASE + (from << CHUNK_SHIFT),
		       (chunks - from) << CHUNK_SHIFT, prot,
		       flags | MAP_FIXED | MAP_NORESERVE, from << CHUNK_SHIFT);
	if (IS_ERR_VALUE(addr))
		return addr;
	mmap_read_lock(host->mm);
	host->vm_ops = vma_lookup(host->mm, addr)->vm_ops;
	mmap_read_unlock(host->mm);
	/* Pairs with the acquire in shpt_host_cover(). */
	smp_store_release(&host->covered, chunks);
	return 0;
}

/*
 * Map the backing up to the given chunk; in a worker, of a host that nobody
 * knows yet, or by who has covering.
 */
int shpt_host_map(struct shpt_host *host, unsigned long chunks)
{
	int err;

	/* In and out: a CPU in its mask makes every flush of the host longer. */
	kthread_use_mm(host->mm);
	err = host_map(host, chunks);
	kthread_unuse_mm(host->mm);
	return err;
}

struct cover_call {
	struct shpt_call call;
	struct shpt_host *host;
	unsigned long chunks;
};

static int cover_run(struct shpt_call *call)
{
	struct cover_call *req = container_of(call, struct cover_call, call);
	int err = shpt_host_map(req->host, req->chunks);

	up(&req->host->covering);
	return err;
}

static void cover_free(struct shpt_call *call)
{
	struct cover_call *req = container_of(call, struct cover_call, call);

	shpt_host_put(req->host);
	kfree(req);
}

/**
 * shpt_host_cover - have the host map at least so many chunks of the backing
 * @host: the host; the caller has a reference
 * @chunks: chunks, counted from the beginning of the file
 *
 * May be called under a guest's mmap_lock. Returns 0, -EINTR on a fatal signal,
 * or an error: the worker waits for faults that hold the host's mmap_lock, and
 * these perhaps for a frozen file system. One at a time for each host: a worker
 * stays when its caller is killed, and those who are killed again and again
 * must not fill the queue that all regions have.
 */
int shpt_host_cover(struct shpt_host *host, unsigned long chunks)
{
	struct cover_call *req;

	/* Pairs with the release in host_map(). */
	if (chunks <= smp_load_acquire(&host->covered))
		return 0;
	if (down_killable(&host->covering))
		return -EINTR;
	if (chunks <= host->covered) {
		up(&host->covering);
		return 0;
	}
	req = kzalloc(sizeof(*req), GFP_KERNEL);
	if (!req) {
		up(&host->covering);
		return -ENOMEM;
	}
	shpt_call_init(&req->call, cover_run, cover_free);
	/* Cannot fail: the caller's reference is one to the address space. */
	WARN_ON_ONCE(!shpt_host_get(host));
	req->host = host;
	req->chunks = chunks;
	return shpt_call_wait(&req->call, WORK_CPU_UNBOUND, shpt_wq);
}

static void host_flush(struct mmu_notifier *mn, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	struct shpt_host *host = container_of(mn, struct shpt_host, mn);

	shpt_flush_region(host->region);
}

static const struct mmu_notifier_ops host_ops = {
	.SHPT_FLUSH_OP = host_flush,
};

static int host_prepare(struct shpt_host *host)
{
	struct shpt_region *region = host->region;
	unsigned long most = shpt_max_chunks(region);
	unsigned long chunks = most;
	int err;

	if (SHPT_HOST_GROWS)
		chunks = clamp(DIV_ROUND_UP_ULL(shpt_backing_bytes(region),
						CHUNK_SIZE), 1, most);
	kthread_use_mm(host->mm);
	/* What is left of the donor: program, stack, vDSO. */
	err = vm_munmap(0, TASK_SIZE);
	if (!err)
		err = host_map(host, chunks);
	kthread_unuse_mm(host->mm);
	if (err)
		return err;

	err = mmu_notifier_register(&host->mn, host->mm);
	if (!err)
		shpt_hold_tables(host->mm);
	return err;
}

/**
 * shpt_host_create - make a host that nobody knows yet
 * @region: its region
 * @access: what its mapping allows
 * @node: where its tables are to lie, or NUMA_NO_NODE
 * @file: of the backing, open for that access
 *
 * In a worker: only kernel threads can use an mm that is not theirs, and a
 * pending signal would make the registration fail. Returns the host or an
 * ERR_PTR.
 */
struct shpt_host *shpt_host_create(struct shpt_region *region,
				   enum shpt_access access, int node,
				   struct file *file)
{
	struct shpt_host *host;
	struct mm_struct *mm;
	int err;

	host = kzalloc(sizeof(*host), GFP_KERNEL);
	if (!host)
		return ERR_PTR(-ENOMEM);
	mm = shpt_donor_get_mm();
	if (IS_ERR(mm)) {
		kfree(host);
		return ERR_CAST(mm);
	}
	kref_init(&host->ref);
	host->mn.ops = &host_ops;
	mmgrab(mm);
	host->mm = mm;
	host->region = region;
	kobject_get(&region->kobj);
	host->file = get_file(file);
	host->access = access;
	host->node = node;
	sema_init(&host->covering, 1);
	xa_init(&host->chunks);

	err = host_prepare(host);
	if (err) {
		mmput(mm);
		kref_put(&host->ref, host_free);
		return ERR_PTR(err);
	}
	return host;
}

/* No link and no fault in it is left, and nobody finds it any more. */
void shpt_host_destroy(struct shpt_host *host)
{
	mmu_notifier_unregister(&host->mn, host->mm);
	shpt_release_tables(host->mm);
	mmput(host->mm);
	kref_put(&host->ref, host_free);
}

/* For who looks through the tables, and would otherwise look for long. */
static void note_touched(struct shpt_host *host, unsigned long chunk)
{
	unsigned long seen, touched = READ_ONCE(host->touched);

	while (touched <= chunk) {
		seen = cmpxchg(&host->touched, touched, chunk + 1);
		if (seen == touched)
			return;
		touched = seen;
	}
}

/* What guests and users may see of the result of a fault in the host. */
static vm_fault_t fault_result(vm_fault_t ret)
{
	if (ret & VM_FAULT_OOM)
		return VM_FAULT_OOM;
	if (ret & (VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE))
		return ret & (VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE |
			      VM_FAULT_HINDEX_MASK);
	if (ret & VM_FAULT_ERROR & ~VM_FAULT_FALLBACK)
		return VM_FAULT_SIGBUS;
	if (ret & VM_FAULT_RETRY)
		return VM_FAULT_RETRY;
	return VM_FAULT_NOPAGE;
}

/*
 * The fault itself, in the caller's context.
 *
 * FAULT_FLAG_USER is not passed on: the accounting of out-of-memory that goes
 * with it is the outer fault's. Nor is leave to drop the lock: the host's lock
 * could be dropped, but the guest's would stay held for the same time.
 */
vm_fault_t shpt_host_fault_here(struct shpt_host *host, pgoff_t pgoff,
				unsigned int flags)
{
	unsigned int nested = FAULT_FLAG_REMOTE | (flags & FAULT_FLAG_WRITE);
	unsigned long addr = host_addr(pgoff);
	struct mm_struct *mm = host->mm;
	struct vm_area_struct *vma;
	vm_fault_t ret;

	if (flags & FAULT_FLAG_RETRY_NOWAIT) {
		nested |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT;
		if (!mmap_read_trylock(mm))
			return VM_FAULT_RETRY;
	} else if (down_read_killable_nested(&mm->mmap_lock,
					     SINGLE_DEPTH_NESTING)) {
		/* Killed. Not RETRY, which says that the guest's lock is free. */
		return VM_FAULT_SIGBUS;
	}
	vma = vma_lookup(mm, addr);
	if (!vma || ((flags & FAULT_FLAG_WRITE) && !(vma->vm_flags & VM_WRITE)))
		ret = VM_FAULT_SIGBUS;
	else
		ret = handle_mm_fault(vma, addr, nested, NULL);
	mmap_read_unlock(mm);
	ret = fault_result(ret);
	if (ret == VM_FAULT_NOPAGE)
		note_touched(host, pgoff >> (CHUNK_SHIFT - PAGE_SHIFT));
	return ret;
}

/**
 * shpt_host_fault - have the host's tables filled for one page of the file
 * @host: the host
 * @pgoff: the page
 * @flags: of the guest's fault
 *
 * Called with the guest's mmap_lock held for read, which stays held. Returns
 * VM_FAULT_NOPAGE, an error, or, if the guest's fault must not wait
 * (FAULT_FLAG_RETRY_NOWAIT), VM_FAULT_RETRY.
 */
vm_fault_t shpt_host_fault(struct shpt_host *host, pgoff_t pgoff,
			   unsigned int flags)
{
	vm_fault_t ret;
	int node;

	if (host->node != NUMA_NO_NODE &&
	    !shpt_host_has_table(host, pgoff, &node))
		ret = shpt_node_fault(host, pgoff, flags);
	else
		ret = shpt_host_fault_here(host, pgoff, flags);
	trace_host_fault(host->region->id, pgoff, flags & FAULT_FLAG_WRITE,
			 ret);
	return ret;
}

/* The record of a chunk, made if there is none. Lives as long as the host. */
struct shpt_chunk *shpt_host_chunk(struct shpt_host *host, unsigned long chunk)
{
	struct shpt_chunk *new, *old = xa_load(&host->chunks, chunk);

	if (old)
		return old;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->host = host;
	old = xa_cmpxchg(&host->chunks, chunk, NULL, new, GFP_KERNEL);
	if (!old)
		return new;
	kfree(new);
	return xa_is_err(old) ? ERR_PTR(xa_err(old)) : old;
}
