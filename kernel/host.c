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
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <asm/pgalloc.h>

#include "internal.h"
#include "trace.h"

/* Not 0: the lowest addresses are kept from mappings by mmap_min_addr. */
#define HOST_BASE	CHUNK_SIZE

static inline unsigned long host_addr(pgoff_t pgoff)
{
	return HOST_BASE + (pgoff << PAGE_SHIFT);
}

/* Chunks that the backing's file system and the address space have room for. */
static unsigned long max_chunks(const struct shpt_host *host)
{
	u64 bytes = min_t(u64, host->region->key->i_sb->s_maxbytes,
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
	kobject_put(&host->region->kobj);
	kfree(host);
}

/* Map the backing up to the given chunk; in the worker, within the host mm. */
static int host_map(struct shpt_host *host, unsigned long chunks)
{
	unsigned long from = host->covered;
	unsigned long addr;

	if (chunks <= from)
		return 0;
	addr = vm_mmap(host->region->backing, HOST_BASE + (from << CHUNK_SHIFT),
		       (chunks - from) << CHUNK_SHIFT, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE,
		       from << CHUNK_SHIFT);
	if (IS_ERR_VALUE(addr))
		return addr;
	mmap_read_lock(host->mm);
	host->vm_ops = vma_lookup(host->mm, addr)->vm_ops;
	mmap_read_unlock(host->mm);
	/* Pairs with the acquire in shpt_host_cover(). */
	smp_store_release(&host->covered, chunks);
	return 0;
}

struct cover_request {
	struct work_struct work;
	struct completion done;
	refcount_t users;		/* the worker and the one who waits */
	struct shpt_host *host;
	unsigned long chunks;
	int err;
};

static void cover_put(struct cover_request *req)
{
	if (!refcount_dec_and_test(&req->users))
		return;
	mmput(req->host->mm);
	kref_put(&req->host->ref, host_free);
	kfree(req);
}

static void cover_work(struct work_struct *work)
{
	struct cover_request *req = container_of(work, struct cover_request,
						 work);
	struct shpt_host *host = req->host;

	mutex_lock(&host->cover_lock);
	/* In and out: a CPU in its mask makes every flush of the host longer. */
	kthread_use_mm(host->mm);
	req->err = host_map(host, req->chunks);
	kthread_unuse_mm(host->mm);
	mutex_unlock(&host->cover_lock);
	complete(&req->done);
	cover_put(req);
}

/**
 * shpt_host_cover - have the host map at least so many chunks of the backing
 * @host: the host; the caller has a file of its region open
 * @chunks: chunks, counted from the beginning of the file
 *
 * May be called under a guest's mmap_lock. Returns 0, -EOVERFLOW if the
 * backing can never be that large, -EINTR on a fatal signal, or an error.
 */
int shpt_host_cover(struct shpt_host *host, unsigned long chunks)
{
	struct cover_request *req;
	int err;

	/* Pairs with the release in host_map(). */
	if (chunks <= smp_load_acquire(&host->covered))
		return 0;
	if (chunks > max_chunks(host))
		return -EOVERFLOW;
	req = kzalloc(sizeof(*req), GFP_KERNEL);
	if (!req)
		return -ENOMEM;

	INIT_WORK(&req->work, cover_work);
	init_completion(&req->done);
	refcount_set(&req->users, 2);
	kref_get(&host->ref);
	mmget(host->mm);
	req->host = host;
	req->chunks = chunks;
	queue_work(shpt_wq, &req->work);

	/*
	 * The worker waits for faults that hold the host's mmap_lock, and these
	 * perhaps for a frozen file system: let a fatal signal end our wait.
	 */
	if (wait_for_completion_killable(&req->done))
		err = -EINTR;
	else
		err = req->err;
	cover_put(req);
	return err;
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

/* Where a host is made: everything that has to happen in a kernel thread. */
struct create_request {
	struct work_struct work;
	struct shpt_host *host;
	const struct path *path;
	int err;
};

static int host_populate_mm(struct create_request *req)
{
	struct shpt_host *host = req->host;
	struct shpt_region *region = host->region;
	u64 size = shpt_backing_bytes(region);
	unsigned long most = max_chunks(host);
	unsigned long chunks = most;
	struct file *file;
	int err;

	/*
	 * An open file of our own: locks and flags of the caller's must not
	 * outlive his, and that he holds one open for writing is his right to
	 * have it mapped. The permission to map was asked in his context.
	 * O_NONBLOCK: a lease on the file refuses us, and holds up nobody.
	 */
	file = dentry_open(req->path, O_RDWR | O_LARGEFILE | O_NOATIME |
			   O_NONBLOCK, current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	region->backing = file;

	if (SHPT_HOST_GROWS)
		chunks = clamp(DIV_ROUND_UP_ULL(size, CHUNK_SIZE), 1, most);
	kthread_use_mm(host->mm);
	/* What is left of the donor: program, stack, vDSO. */
	err = vm_munmap(0, TASK_SIZE);
	if (!err)
		err = host_map(host, chunks);
	kthread_unuse_mm(host->mm);
	if (err)
		return err;

	/* Here, as a pending signal would make it fail in the caller. */
	err = mmu_notifier_register(&host->mn, host->mm);
	if (!err)
		shpt_hold_tables(host->mm);
	return err;
}

static void create_work(struct work_struct *work)
{
	struct create_request *req = container_of(work, struct create_request,
						  work);

	req->err = host_populate_mm(req);
}

/**
 * shpt_host_create - make the host of a region that nobody knows yet
 * @region: has its key; gets its backing file
 * @path: of the backing
 *
 * Returns the host or an ERR_PTR, with region->backing set or not.
 */
struct shpt_host *shpt_host_create(struct shpt_region *region,
				   const struct path *path)
{
	struct create_request req = { .path = path };
	struct shpt_host *host;
	struct mm_struct *mm;

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
	host->mm = mm;
	host->region = region;
	kobject_get(&region->kobj);
	mutex_init(&host->cover_lock);
	xa_init(&host->chunks);

	req.host = host;
	INIT_WORK_ONSTACK(&req.work, create_work);
	queue_work(shpt_wq, &req.work);
	flush_work(&req.work);
	destroy_work_on_stack(&req.work);
	if (req.err) {
		mmput(mm);
		kref_put(&host->ref, host_free);
		return ERR_PTR(req.err);
	}
	return host;
}

/* The last region file is gone: no guest, no link, no fault is left. */
void shpt_host_destroy(struct shpt_host *host)
{
	mmu_notifier_unregister(&host->mn, host->mm);
	shpt_release_tables(host->mm);
	mmput(host->mm);
	kref_put(&host->ref, host_free);
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

/**
 * shpt_host_fault - have the host's tables filled for one page of the file
 * @host: the host
 * @pgoff: the page
 * @flags: of the guest's fault
 *
 * Called with the guest's mmap_lock held for read, which stays held. Returns
 * VM_FAULT_NOPAGE, an error, or, if the guest's fault must not wait
 * (FAULT_FLAG_RETRY_NOWAIT), VM_FAULT_RETRY.
 *
 * FAULT_FLAG_USER is not passed on: the accounting of out-of-memory that goes
 * with it is the outer fault's. Nor is leave to drop the lock: the host's lock
 * could be dropped, but the guest's would stay held for the same time.
 */
vm_fault_t shpt_host_fault(struct shpt_host *host, pgoff_t pgoff,
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
	trace_host_fault(host->region->id, pgoff, flags & FAULT_FLAG_WRITE,
			 ret);
	return ret;
}

/*
 * The host's PUD entry of a chunk. False if it has no PMD table there yet, or
 * a leaf. Needs no lock: see the head of this file.
 */
bool shpt_host_pud(struct shpt_host *host, unsigned long chunk, pud_t *pud)
{
	unsigned long addr = HOST_BASE + (chunk << CHUNK_SHIFT);
	pgd_t *pgd = pgd_offset(host->mm, addr);
	p4d_t *p4d;

	if (pgd_none(*pgd))
		return false;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return false;
	*pud = READ_ONCE(*pud_offset(p4d, addr));
	return pud_present(*pud) && !pud_leaf(*pud);
}

/*
 * How many pages from pgoff on does the host map by one PMD entry, for writing
 * if asked to? 1 if there is none. A hint: the entry may change at any time.
 */
unsigned long shpt_host_mapped(struct shpt_host *host, pgoff_t pgoff,
			       bool write)
{
	unsigned long addr = host_addr(pgoff);
	pud_t pud;
	pmd_t pmd;

	if (!shpt_host_pud(host, pgoff >> (CHUNK_SHIFT - PAGE_SHIFT), &pud))
		return 1;
	pmd = READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]);
	if (!pmd_present(pmd) || !pmd_leaf(pmd) || (write && !pmd_write(pmd)))
		return 1;
	return PTRS_PER_PTE - (pgoff & (PTRS_PER_PTE - 1));
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
	old = xa_cmpxchg(&host->chunks, chunk, NULL, new, GFP_KERNEL);
	if (!old)
		return new;
	kfree(new);
	return xa_is_err(old) ? ERR_PTR(xa_err(old)) : old;
}

/* Bytes of the tables of one chunk: its PMD table and the PTE tables below. */
static u64 chunk_table_bytes(struct shpt_host *host, unsigned long chunk)
{
	unsigned int i, tables = 1;
	pud_t pud;
	pmd_t *pmd;

	if (!shpt_host_pud(host, chunk, &pud))
		return 0;
	pmd = pud_pgtable(pud);
	for (i = 0; i < PTRS_PER_PMD; i++) {
		pmd_t entry = READ_ONCE(pmd[i]);

		tables += pmd_present(entry) && !pmd_leaf(entry);
	}
	return tables * PAGE_SIZE;
}

/**
 * shpt_host_tables - what the host's tables weigh
 * @host: the host
 * @table_bytes: bytes of page tables that it has
 * @unshared_bytes: bytes that all linked guests together would have, if each
 *                  had tables of its own for what it links
 */
void shpt_host_tables(struct shpt_host *host, u64 *table_bytes,
		      u64 *unshared_bytes)
{
	struct shpt_chunk *chunk;
	u64 unshared = 0;
	unsigned long i;

	xa_for_each(&host->chunks, i, chunk)
		unshared += atomic_read(&chunk->links) *
			    chunk_table_bytes(host, i);
	*unshared_bytes = unshared;
	*table_bytes = mm_pgtables_bytes(host->mm);
}
