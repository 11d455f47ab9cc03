// SPDX-License-Identifier: GPL-2.0-only
/*
 * link.c - swap a guest's PUD entry to the host's PMD table and back
 *
 * Park and swap. The core has allocated a PMD table of the guest's own for the
 * chunk; it is empty and stays empty. shpt_link() remembers that PUD entry and
 * writes the host's; unlinking writes it back. A linked PUD entry is never
 * cleared to none: core walkers read *pud again after the notifier, some with
 * mmap_lock held for read only, and must find a table. The parked table stays
 * accounted to the guest, and the core's free_pgtables() frees it.
 *
 * When a link may exist. Whoever is about to walk a guest's range for more
 * than reading first calls invalidate_range_start() of the guest mm's
 * notifier. It unlinks every chunk that the range touches, counts itself in
 * each until invalidate_range_end(), and flushes. shpt_link() looks at the
 * count under the same lock: no link comes into being between start and end of
 * an invalidation. A sequence to retry on is not needed besides: all that a
 * link depends on (the VMA, its flags, the parked table) is read under the
 * mmap_lock that the fault holds and under smm->lock, nothing is carried over
 * from before an invalidation.
 *
 * The counts are in the link records, one for each chunk of each guest VMA,
 * made and freed with the VMA. Start and end find the same records: those whose
 * range overlaps a guest VMA hold mmap_lock from the one to the other, and who
 * comes without mmap_lock holds the rmap lock of another VMA or that VMA's own
 * lock: nobody can map its range again before that is free.
 *
 * The notifiers are called for every range of the process. Two invalidations
 * may meet; the second must not return before the chunk is flushed, even if
 * the first one swapped it. So a chunk that was swapped back stays UNFLUSHED
 * until somebody flushed after the swap, and everyone who finds it in this
 * state flushes too.
 *
 * The PUD entry is written under smm->lock alone, not under the lock that the
 * core has for PUD entries (page_table_lock). The core does not change an entry
 * that points to a table but in free_pgtables() and move_page_tables(), both
 * after they called the notifier, the one on VMAs that can no longer be faulted
 * in, the other under mmap_lock held for write; __pmd_alloc() writes only where
 * there is none. And the core at times waits for IPIs with page_table_lock held
 * (hugetlb and DAX pages of 1 GiB): who holds smm->lock must not wait for it,
 * as a callback of ftrace with interrupts off may be waiting for smm->lock.
 *
 * A new link is flushed too, once and after the swap: paging-structure caches
 * may know the parked table. Nothing would go wrong but a fault that finds
 * everything mapped, and x86 forgets the faulting address by itself; but the
 * core relies on that for lower levels only, and so do we.
 *
 * The pud pointer of a link is dereferenced while LINKED only. The page that
 * it points into is freed after release or after an invalidation of the
 * range, which ends that state.
 *
 * Lifetime. A shpt_mm lives from the first mapping of a region until the mm is
 * torn down (or the module goes): its notifier is never taken away before, and
 * a link without a live notifier cannot be. Guests hold a reference; host
 * events read smm->mm under RCU, so it is freed a grace period later, in a
 * worker, as the last mmdrop() may not run in softirq context.
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/pgalloc.h>

#include "internal.h"
#include "trace.h"

static DEFINE_HASHTABLE(mms, 10);
static DEFINE_SPINLOCK(mms_lock);	/* writers; readers use RCU */

/* All there are, so that the module waits for the last of them. */
static atomic_t live_mms;
static DECLARE_WAIT_QUEUE_HEAD(no_live_mms);

static void mm_free_work(struct work_struct *work)
{
	struct shpt_mm *smm = container_of(to_rcu_work(work), struct shpt_mm,
					   free_work);

	WARN_ON_ONCE(!xa_empty(&smm->links));
	xa_destroy(&smm->links);
	mmdrop(smm->mm);
	kfree(smm);
	if (atomic_dec_and_test(&live_mms))
		wake_up_all(&no_live_mms);
}

static void mm_last_put(struct kref *ref)
{
	struct shpt_mm *smm = container_of(ref, struct shpt_mm, ref);

	queue_rcu_work(shpt_wq, &smm->free_work);
}

void shpt_mm_put(struct shpt_mm *smm)
{
	kref_put(&smm->ref, mm_last_put);
}

/* Under rcu_read_lock(), or under mmap_lock of an mm that is registered. */
struct shpt_mm *shpt_mm_find(struct mm_struct *mm)
{
	struct shpt_mm *smm;

	hash_for_each_possible_rcu(mms, smm, hash, (unsigned long)mm) {
		if (smm->mm == mm)
			return smm;
	}
	return NULL;
}

/*
 * Release of the mm and unload of the module may meet: the notifier is put by
 * whoever takes the smm out of the table.
 */
static bool mm_unhash(struct shpt_mm *smm)
{
	bool hashed;

	spin_lock(&mms_lock);
	hashed = hash_hashed(&smm->hash);
	if (hashed)
		hash_del_rcu(&smm->hash);
	spin_unlock(&mms_lock);
	return hashed;
}

/*
 * Each swap has to be flushed before who made it returns. A forgotten flush may
 * do no harm for long, and none at all on an emulated CPU without PCID and
 * without paging-structure caches. So kernels with CONFIG_DEBUG_VM keep in mind
 * at which TLB generation a swap was made: a flush begins with the next one.
 */
#ifdef CONFIG_DEBUG_VM
static u64 tlb_generation(struct shpt_mm *smm)
{
	return atomic64_read(&smm->mm->context.tlb_gen);
}

static void swapped(struct shpt_mm *smm, struct shpt_link *link)
{
	link->swapped_by = current;
	link->swapped_gen = tlb_generation(smm);
}

static bool flushed(struct shpt_mm *smm, struct shpt_link *link)
{
	return link->swapped_gen != tlb_generation(smm);
}

/* The caller made no swap of the chunk of addr that he did not flush. */
void shpt_check_flushed(struct shpt_mm *smm, unsigned long addr)
{
	struct shpt_link *link;

	spin_lock(&smm->lock);
	link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	WARN_ON_ONCE(link && link->state != LINK_FREE &&
		     link->swapped_by == current && !flushed(smm, link));
	spin_unlock(&smm->lock);
}
#else
static void swapped(struct shpt_mm *smm, struct shpt_link *link)
{
}

static bool flushed(struct shpt_mm *smm, struct shpt_link *link)
{
	return true;
}

void shpt_check_flushed(struct shpt_mm *smm, unsigned long addr)
{
}
#endif

/* Swap one PUD entry back; under smm->lock. */
static void unlink_one(struct shpt_mm *smm, struct shpt_link *link,
		       unsigned long addr, enum shpt_unlink_cause cause)
{
	set_pud(link->pudp, link->parked);
	swapped(smm, link);
	link->state = LINK_UNFLUSHED;
	link->unlinked_at = ++smm->unlink_seq;
	atomic64_inc(&link->guest->region->unlinks_by[cause]);
	trace_unlink(link->guest->region->id, addr);
}

/*
 * Swap back what is linked in [start, end), or of that only the links to retired
 * hosts if they are the cause, and count one invalidation more in each chunk if
 * asked to; under smm->lock. Returns whether anything there waits for a flush,
 * also from earlier unlinks.
 */
static bool swap_back(struct shpt_mm *smm, unsigned long start,
		      unsigned long end, unsigned int invalidations,
		      enum shpt_unlink_cause cause)
{
	struct shpt_link *link;
	bool unflushed = false;
	unsigned long i;

	lockdep_assert_held(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
		link->invalidations += invalidations;
		if (link->state == LINK_LINKED &&
		    (cause != SHPT_UNLINK_RETIRED || link->chunk->host->retired))
			unlink_one(smm, link, i << CHUNK_SHIFT, cause);
		if (link->state == LINK_UNFLUSHED)
			unflushed = true;
	}
	return unflushed;
}

/* All unlinks of the range up to seq were flushed. */
static void settle(struct shpt_mm *smm, unsigned long start, unsigned long end,
		   u64 seq)
{
	struct shpt_link *link;
	unsigned long i;

	lockdep_assert_held(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
		if (link->state != LINK_UNFLUSHED || link->unlinked_at > seq)
			continue;
		WARN_ON_ONCE(!flushed(smm, link));
		link->state = LINK_FREE;
		WRITE_ONCE(link->guest->links, link->guest->links - 1);
		atomic_dec(&link->chunk->links);
		atomic_long_dec(&link->guest->region->links);
	}
}

/*
 * Unlink all chunks that [start, end) touches and flush. The lock is dropped
 * before: nobody waits for an IPI with it.
 */
static void unlink_and_flush(struct shpt_mm *smm, unsigned long start,
			     unsigned long end, unsigned int invalidations,
			     enum shpt_unlink_cause cause)
{
	bool unflushed;
	u64 seq;

	spin_lock(&smm->lock);
	unflushed = swap_back(smm, start, end, invalidations, cause);
	seq = smm->unlink_seq;
	spin_unlock(&smm->lock);
	if (!unflushed)
		return;

	shpt_flush_mm(smm->mm);

	spin_lock(&smm->lock);
	settle(smm, start, end, seq);
	spin_unlock(&smm->lock);
	if (wq_has_sleeper(&smm->inv_wait))
		wake_up_all(&smm->inv_wait);
}

/* The access to a range is about to change. */
void shpt_unlink(struct shpt_mm *smm, unsigned long start, unsigned long end)
{
	unlink_and_flush(smm, start, end, 0, SHPT_UNLINK_ACCESS);
}

/* Hosts were retired. No link to them is made any more: see shpt_link(). */
void shpt_unlink_retired(struct shpt_mm *smm)
{
	unlink_and_flush(smm, 0, ULONG_MAX, 0, SHPT_UNLINK_RETIRED);
}

static enum shpt_unlink_cause cause_of(enum mmu_notifier_event event)
{
	switch (event) {
	case MMU_NOTIFY_UNMAP:
		return SHPT_UNLINK_UNMAP;
	case MMU_NOTIFY_CLEAR:
		return SHPT_UNLINK_DISCARD;
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_PROTECTION_PAGE:
		return SHPT_UNLINK_ACCESS;
	case MMU_NOTIFY_SOFT_DIRTY:
		return SHPT_UNLINK_SOFT_DIRTY;
	default:
		return SHPT_UNLINK_OTHER;
	}
}

/*
 * Whether link records may lie in the range. Most invalidations, of private
 * pages that are copied on write, are told by this alone to be none of ours. The
 * hull may grow between start and end, and only one of them look; but no record
 * comes or goes in their own range meanwhile, so neither has anything to find.
 */
static bool is_near(const struct shpt_mm *smm,
		    const struct mmu_notifier_range *range)
{
	return range->start >> CHUNK_SHIFT <= READ_ONCE(smm->last) &&
	       (range->end - 1) >> CHUNK_SHIFT >= READ_ONCE(smm->first);
}

/* It never shrinks: of regions far apart, all that is between them is near. */
static void mm_include(struct shpt_mm *smm, unsigned long first,
		       unsigned long last)
{
	mmap_assert_write_locked(smm->mm);
	WRITE_ONCE(smm->first, min(smm->first, first));
	WRITE_ONCE(smm->last, max(smm->last, last));
}

/* May be called where sleeping is not allowed, and always succeeds. */
static int mm_invalidate_start(struct mmu_notifier *mn,
			       const struct mmu_notifier_range *range)
{
	struct shpt_mm *smm = container_of(mn, struct shpt_mm, mn);
	enum shpt_unlink_cause cause = cause_of(range->event);

	if (!is_near(smm, range))
		return 0;
	unlink_and_flush(smm, range->start, range->end, 1, cause);
	return 0;
}

static void mm_invalidate_end(struct mmu_notifier *mn,
			      const struct mmu_notifier_range *range)
{
	struct shpt_mm *smm = container_of(mn, struct shpt_mm, mn);
	struct shpt_link *link;
	bool last = false;
	unsigned long i;

	if (!is_near(smm, range))
		return;
	spin_lock(&smm->lock);
	xa_for_each_range(&smm->links, i, link, range->start >> CHUNK_SHIFT,
			  (range->end - 1) >> CHUNK_SHIFT) {
		if (!WARN_ON_ONCE(!link->invalidations) &&
		    !--link->invalidations)
			last = true;
	}
	spin_unlock(&smm->lock);
	if (last && wq_has_sleeper(&smm->inv_wait))
		wake_up_all(&smm->inv_wait);
}

/* A link may exist when no invalidation is under way, and no flush is owed. */
static bool is_linkable(const struct shpt_link *link)
{
	return !link->invalidations && link->state != LINK_UNFLUSHED;
}

/* Is it worth while to try again to link the chunk of addr? */
bool shpt_mm_linkable(struct shpt_mm *smm, unsigned long addr)
{
	struct shpt_link *link;
	bool ret;

	spin_lock(&smm->lock);
	link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	ret = !link || is_linkable(link) || smm->foreign;
	spin_unlock(&smm->lock);
	return ret;
}

static void mm_foreign_work(struct work_struct *work)
{
	struct shpt_mm *smm = container_of(work, struct shpt_mm, foreign_work);

	unlink_and_flush(smm, 0, ULONG_MAX, 0, SHPT_UNLINK_FOREIGN);
	shpt_mm_put(smm);
}

/* The mm is about to lose all its mappings and tables. */
static void mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct shpt_mm *smm = container_of(mn, struct shpt_mm, mn);

	spin_lock(&smm->lock);
	smm->released = true;
	spin_unlock(&smm->lock);
	unlink_and_flush(smm, 0, ULONG_MAX, 0, SHPT_UNLINK_EXIT);
	if (mm_unhash(smm))
		mmu_notifier_put(mn);
}

static struct mmu_notifier *mm_alloc_notifier(struct mm_struct *mm)
{
	struct shpt_mm *smm = kzalloc(sizeof(*smm), GFP_KERNEL_ACCOUNT);

	if (!smm)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&live_mms);
	mmgrab(mm);
	smm->mm = mm;
	kref_init(&smm->ref);
	INIT_RCU_WORK(&smm->free_work, mm_free_work);
	INIT_HLIST_NODE(&smm->hash);
	INIT_LIST_HEAD(&smm->guests);
	smm->first = ULONG_MAX;
	spin_lock_init(&smm->lock);
	xa_init(&smm->links);
	init_waitqueue_head(&smm->inv_wait);
	INIT_WORK(&smm->foreign_work, mm_foreign_work);
	return &smm->mn;
}

static void mm_free_notifier(struct mmu_notifier *mn)
{
	shpt_mm_put(container_of(mn, struct shpt_mm, mn));
}

static const struct mmu_notifier_ops mm_ops = {
	.release = mm_release,
	.invalidate_range_start = mm_invalidate_start,
	.invalidate_range_end = mm_invalidate_end,
	.alloc_notifier = mm_alloc_notifier,
	.free_notifier = mm_free_notifier,
};

bool shpt_mm_is_ours(const struct mmu_notifier *mn)
{
	return mn && mn->ops == &mm_ops;
}

/*
 * The shpt_mm of an mm, made and registered if there is none yet; under
 * mmap_lock held for write. -EBUSY: another MMU is or was here. -EINTR: a
 * signal is pending for the caller.
 *
 * Another MMU that comes later cannot slip through between our look and the
 * hash: all registrations of an mm's first notifier or first interval happen
 * under this mmap_lock, and from then on foreign.c finds us.
 */
struct shpt_mm *shpt_mm_register(struct mm_struct *mm)
{
	struct mmu_notifier *mn;
	struct shpt_mm *smm;

	mmap_assert_write_locked(mm);

	rcu_read_lock();
	smm = shpt_mm_find(mm);
	rcu_read_unlock();
	if (smm)
		return READ_ONCE(smm->foreign) ? ERR_PTR(-EBUSY) : smm;

	if (mm_has_notifiers(mm))
		return ERR_PTR(-EBUSY);

	mn = mmu_notifier_get_locked(&mm_ops, mm);
	if (IS_ERR(mn))
		return ERR_CAST(mn);

	smm = container_of(mn, struct shpt_mm, mn);
	spin_lock(&mms_lock);
	hash_add_rcu(mms, &smm->hash, (unsigned long)mm);
	spin_unlock(&mms_lock);
	return smm;
}

/*
 * Take the notifiers of former guests away and wait until all is freed, before
 * the module goes. Regions pin the module, so there are no guests and no links
 * any more. Some mm may be in mm_release() at this moment, and put its notifier
 * after we have looked: so the wait is for the objects, not for a grace period.
 */
void shpt_mm_put_all(void)
{
	struct shpt_mm *smm;
	struct hlist_node *next;
	int bucket;

	spin_lock(&mms_lock);
	hash_for_each_safe(mms, bucket, next, smm, hash) {
		hash_del_rcu(&smm->hash);
		mmu_notifier_put(&smm->mn);
	}
	spin_unlock(&mms_lock);
	mmu_notifier_synchronize();
	wait_event(no_live_mms, !atomic_read(&live_mms));
}

/*
 * Another MMU registers with mm: give up all links of it for good. Called from
 * ftrace, so the flush is left to a worker. Until it has run the links are
 * UNFLUSHED, which keeps the guest among those that host events flush.
 */
void shpt_mm_set_foreign(struct mm_struct *mm)
{
	struct shpt_mm *smm;
	unsigned long flags;

	rcu_read_lock();
	smm = shpt_mm_find(mm);
	if (!smm || !kref_get_unless_zero(&smm->ref))
		goto out;

	spin_lock_irqsave(&smm->lock, flags);
	smm->foreign = true;
	swap_back(smm, 0, ULONG_MAX, 0, SHPT_UNLINK_FOREIGN);
	spin_unlock_irqrestore(&smm->lock, flags);
	if (!queue_work(shpt_wq, &smm->foreign_work))
		shpt_mm_put(smm);
out:
	rcu_read_unlock();
}

/**
 * shpt_links_make - make the link records of a VMA's chunks, all FREE
 * @guest: whose they are
 * @start: of the VMA
 * @end: of the VMA
 * @gfp: how to get memory
 *
 * Under mmap_lock held for write. Records that are there already (of a VMA
 * that is being split) stay. Returns 0 or -ENOMEM, and then made none.
 */
int shpt_links_make(struct shpt_guest *guest, unsigned long start,
		    unsigned long end, gfp_t gfp)
{
	struct xarray *links = &guest->smm->links;
	unsigned long i, first = round_up(start, CHUNK_SIZE) >> CHUNK_SHIFT;
	struct shpt_link *link;
	int err;

	mm_include(guest->smm, first, (end >> CHUNK_SHIFT) - 1);
	for (i = first; i < end >> CHUNK_SHIFT; i++) {
		if (xa_load(links, i))
			continue;
		link = kzalloc(sizeof(*link), gfp);
		if (!link)
			goto err_free;
		link->guest = guest;
		err = xa_insert(links, i, link, gfp);
		if (err) {
			kfree(link);
			goto err_free;
		}
	}
	return 0;

err_free:
	shpt_links_free(guest->smm, start, i << CHUNK_SHIFT);
	return -ENOMEM;
}

/* Under smm->lock. The chunk's PUD entry becomes the host's. */
static int swap_in(struct shpt_link *link, struct shpt_chunk *chunk,
		   unsigned long addr, pud_t *pudp, pud_t host_pud)
{
	struct shpt_guest *guest = link->guest;
	pud_t parked = READ_ONCE(*pudp);

	lockdep_assert_held(&guest->smm->lock);
	if (WARN_ON_ONCE(!pud_present(parked) || pud_leaf(parked) ||
			 pud_pgtable(parked) == pud_pgtable(host_pud)))
		return -EBUSY;
	link->chunk = chunk;
	link->pudp = pudp;
	link->parked = parked;
	link->state = LINK_LINKED;
	WRITE_ONCE(guest->links, guest->links + 1);
	atomic_inc(&chunk->links);
	atomic_long_inc(&guest->region->links);
	/* The count before the entry: pairs with shpt_flush_region(). */
	smp_mb();
	set_pud(pudp, host_pud);
	swapped(guest->smm, link);
	trace_link(guest->region->id, addr & CHUNK_MASK);
	return 0;
}

/**
 * shpt_link - link the chunk of addr to the host's table
 * @guest: whose mapping it is; its mmap_lock is held
 * @host: the host
 * @addr: faulting address
 * @pudp: the guest's PUD entry for it; the core has put a PMD table there
 * @pgoff: file page at addr
 *
 * The host must have its PMD table for the chunk, and the caller flushes the mm
 * afterwards. Returns 0 if the chunk is linked now, -EAGAIN if an invalidation
 * or the flush of an unlink is under way, -ESTALE if the host is retired, -EBUSY
 * if this mm is never to be linked again, -ENOMEM.
 */
int shpt_link(struct shpt_guest *guest, struct shpt_host *host,
	      unsigned long addr, pud_t *pudp, pgoff_t pgoff)
{
	unsigned long file_chunk = pgoff >> (CHUNK_SHIFT - PAGE_SHIFT);
	struct shpt_mm *smm = guest->smm;
	struct shpt_chunk *chunk;
	struct shpt_link *link;
	pud_t host_pud;
	int ret = 0;

	if (WARN_ON_ONCE(!shpt_host_pud(host, file_chunk, &host_pud)))
		return -EBUSY;
	chunk = shpt_host_chunk(host, file_chunk);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);

	spin_lock(&smm->lock);
	link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	if (smm->released || smm->foreign || WARN_ON_ONCE(!link))
		ret = -EBUSY;
	else if (!is_linkable(link))
		ret = -EAGAIN;
	else if (READ_ONCE(host->retired))
		ret = -ESTALE;
	else if (link->state == LINK_FREE)
		ret = swap_in(link, chunk, addr, pudp, host_pud);
	spin_unlock(&smm->lock);
	return ret;
}

/* The host that the chunk of addr is linked to; valid under mmap_lock. */
struct shpt_host *shpt_linked_host(struct shpt_mm *smm, unsigned long addr)
{
	struct shpt_host *host = NULL;
	struct shpt_link *link;

	spin_lock(&smm->lock);
	link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	if (link && link->state == LINK_LINKED)
		host = link->chunk->host;
	spin_unlock(&smm->lock);
	return host;
}

/* How many chunks of [start, end) are linked? */
unsigned long shpt_links_count(struct shpt_mm *smm, unsigned long start,
			       unsigned long end)
{
	struct shpt_link *link;
	unsigned long i, n = 0;

	spin_lock(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT)
		n += link->state == LINK_LINKED;
	spin_unlock(&smm->lock);
	return n;
}

/*
 * A VMA goes: forget the links of the whole chunks in it. The core notified us
 * before it came here; the unlink is for links that still wait for the worker
 * of shpt_mm_set_foreign(). Rounded inwards: a VMA that mremap(2) tried at an
 * unaligned address shares the chunks at its edges with its neighbours.
 */
void shpt_links_free(struct shpt_mm *smm, unsigned long start,
		     unsigned long end)
{
	struct shpt_link *link;
	unsigned long i;

	start = round_up(start, CHUNK_SIZE);
	end = round_down(end, CHUNK_SIZE);
	if (start >= end)
		return;

	unlink_and_flush(smm, start, end, 0, SHPT_UNLINK_UNMAP);

	spin_lock(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
		WARN_ON_ONCE(link->state != LINK_FREE);
		xa_erase(&smm->links, i);
		kfree(link);
	}
	spin_unlock(&smm->lock);
}
