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
 * When a link may exist. Whoever is about to change a guest's range first calls
 * invalidate_range_start() of the guest's mm, and invalidate_range_end() when he
 * is through. Each link record has an interval notifier over its chunk, which
 * lives as long as the record, and no link is without a record. So start calls
 * chunk_invalidate() for each chunk that the range touches. That notes the
 * number of the invalidation, unlinks and flushes. The core counts numbers up,
 * one for all invalidations that overlap in time, and does not leave a number
 * until none of the process is between start and end any more.
 *
 * shpt_link() compares the chunk's number, under smm->lock, with the last one
 * that is known to have ended. If it has, then every invalidation that has
 * called us for this chunk has ended; one that has begun and not called us yet
 * will take smm->lock after us, and unlink what we link. So no link is there
 * between the callback and the end of an invalidation, which is when tables are
 * changed. A record that is made amid an invalidation begins with the core's
 * number, and its interval is in the core's tree by the end at the latest. All
 * else that a link depends on (the VMA, its flags, the parked table) is read
 * under the mmap_lock that the fault holds.
 *
 * An interval to a chunk, and not to a VMA: it fits whatever split, mremap and
 * partial munmap make of VMAs, and only what hit a chunk, with what overlaps
 * that in time, holds up its links. A record stays when its mapping goes, for
 * the next one there, until the mm is torn down: to remove an interval means to
 * wait for the end of invalidations, under the mmap_lock of munmap(2).
 *
 * That a number has ended is learnt by mmu_interval_read_begin(), which waits
 * for it; there is no way to ask without. It cannot be killed, and lasts for as
 * long as invalidations of the process overlap without a gap, which others can
 * draw out: a truncation is one for all who map the file, pages or not. So
 * faults wait without the mmap_lock (fault.c), and those that must not wait are
 * told to come again. A few callers of get_user_pages() cannot let go of the
 * lock. For them the wait is safe, as an end never waits for a mmap_lock, nor
 * for what is taken outside of one: who is between start and end holds the
 * mmap_lock himself (mprotect, munmap, madvise, fork, clear_refs, pagemap
 * scans, KSM, userfaultfd, uprobes), or the lock of a VMA, or locks of the rmap
 * (reclaim, truncation, migration, khugepaged), all of which are taken inside
 * of a mmap_lock, as are the locks of page tables and what else he takes before
 * the end. Folio locks he waits for are those of pages he is to change, and
 * nobody who has one of these waits for a fault of a guest. That is from
 * reading all who call invalidate_range_start() in 6.1 and 6.12; lockdep sees
 * what is held at start and end, not what is taken between them.
 *
 * Two invalidations may meet; the second must not return before the chunk is
 * flushed, even if the first one swapped it. So a chunk that was swapped back
 * stays UNFLUSHED until somebody flushed after the swap, and everyone who finds
 * it in this state flushes too.
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
 * The end of a process is an invalidation of everything (MMU_NOTIFY_RELEASE),
 * when it has no users: nobody is in a fault, and nobody will be. There is no
 * list notifier on a guest: exit would wait for a grace period of SRCU if there
 * were.
 *
 * Lifetime. A shpt_mm lives from the first mapping of a region until the mm is
 * torn down, or the module goes, though its last mapping may go before: the
 * core keeps its record of notifiers until then, and by the shpt_mm we know
 * that it is ours (shpt_mm_register), and notice other MMUs (foreign.c). What
 * tells us of the end is one more interval, above all user addresses, which
 * nothing hits but what hits all. Guests hold a reference; host events read
 * smm->mm under RCU, so it is freed a grace period later, in a worker: the last
 * mmdrop() may not run in softirq context, and an interval is not removed in
 * its callback. Link records go with it.
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/pgalloc.h>

#include "internal.h"
#include "trace.h"

/*
 * The number of a record that is made before there was any invalidation, as in
 * most children of fork. The core gives 3 to the first for which it calls, and
 * to what is inserted amid one for which it calls nobody.
 */
#define NUMBER_OF_NONE	1

static DEFINE_HASHTABLE(mms, 10);
static DEFINE_SPINLOCK(mms_lock);	/* writers; readers use RCU */

/* All there are, so that the module waits for the last of them. */
static atomic_t live_mms;
static DECLARE_WAIT_QUEUE_HEAD(no_live_mms);

/*
 * Of a process that had no guest left the mm may be alive, or in exit, and the
 * records still there may be called: they find no others that are freed.
 */
static void mm_free_work(struct work_struct *work)
{
	struct shpt_mm *smm = container_of(to_rcu_work(work), struct shpt_mm,
					   free_work);
	struct shpt_link *link;
	unsigned long i;

	xa_for_each(&smm->links, i, link) {
		spin_lock(&smm->lock);
		WARN_ON_ONCE(link->state != LINK_FREE);
		xa_erase(&smm->links, i);
		spin_unlock(&smm->lock);
		mmu_interval_notifier_remove(&link->interval);
		kfree(link);
	}
	xa_destroy(&smm->links);
	/* Not inserted if shpt_mm_register() failed. */
	if (smm->life.mm)
		mmu_interval_notifier_remove(&smm->life);
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

static void mm_hash(struct shpt_mm *smm)
{
	spin_lock(&mms_lock);
	hash_add_rcu(mms, &smm->hash, (unsigned long)smm->mm);
	spin_unlock(&mms_lock);
}

/*
 * Release of the mm and unload of the module may meet: the first reference is
 * put by whoever takes the smm out of the table.
 */
static void mm_unhash(struct shpt_mm *smm)
{
	bool hashed;

	spin_lock(&mms_lock);
	hashed = hash_hashed(&smm->hash);
	if (hashed)
		hash_del_rcu(&smm->hash);
	spin_unlock(&mms_lock);
	if (hashed)
		shpt_mm_put(smm);
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
 * Swap back what is linked in [start, end), or of that only the links to
 * retired hosts if they are the cause; under smm->lock. Returns whether
 * anything there waits for a flush, also from earlier unlinks.
 */
static bool swap_back(struct shpt_mm *smm, unsigned long start,
		      unsigned long end, enum shpt_unlink_cause cause)
{
	struct shpt_link *link;
	bool unflushed = false;
	unsigned long i;

	lockdep_assert_held(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
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

/* Flush all unlinks of the range up to seq. Nobody waits for an IPI locked. */
static void flush_and_settle(struct shpt_mm *smm, unsigned long start,
			     unsigned long end, u64 seq)
{
	shpt_flush_mm(smm->mm);

	spin_lock(&smm->lock);
	settle(smm, start, end, seq);
	spin_unlock(&smm->lock);
}

/* Unlink all chunks that [start, end) touches and flush. */
static void unlink_and_flush(struct shpt_mm *smm, unsigned long start,
			     unsigned long end, enum shpt_unlink_cause cause)
{
	bool unflushed;
	u64 seq;

	spin_lock(&smm->lock);
	unflushed = swap_back(smm, start, end, cause);
	seq = smm->unlink_seq;
	spin_unlock(&smm->lock);
	if (unflushed)
		flush_and_settle(smm, start, end, seq);
}

/* The access to a range is about to change. */
void shpt_unlink(struct shpt_mm *smm, unsigned long start, unsigned long end)
{
	unlink_and_flush(smm, start, end, SHPT_UNLINK_ACCESS);
}

/* Hosts were retired. No link to them is made any more: see shpt_link(). */
void shpt_unlink_retired(struct shpt_mm *smm)
{
	unlink_and_flush(smm, 0, ULONG_MAX, SHPT_UNLINK_RETIRED);
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
	case MMU_NOTIFY_RELEASE:
		return SHPT_UNLINK_EXIT;
	default:
		return SHPT_UNLINK_OTHER;
	}
}

/* Under smm->lock: no link in the range until this number has ended. */
static void set_number(struct shpt_mm *smm, unsigned long start,
		       unsigned long end, unsigned long number)
{
	struct shpt_link *link;
	unsigned long i;

	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT)
		mmu_interval_set_seq(&link->interval, number);
}

/*
 * An invalidation of a range that touches the chunk begins. May be called where
 * sleeping is not allowed, and always succeeds. The first chunk that has another
 * number yet does all of the range; the others' calls, which are to come, find
 * that done. What has the number is not linked, but may wait for a flush.
 */
static bool chunk_invalidate(struct mmu_interval_notifier *interval,
			     const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct shpt_link *link = container_of(interval, struct shpt_link,
					      interval);
	struct shpt_mm *smm = link->smm;
	bool unflushed;
	u64 seq;

	spin_lock(&smm->lock);
	if (interval->invalidate_seq != cur_seq) {
		set_number(smm, range->start, range->end, cur_seq);
		unflushed = swap_back(smm, range->start, range->end,
				      cause_of(range->event));
	} else {
		unflushed = link->state == LINK_UNFLUSHED;
	}
	seq = smm->unlink_seq;
	spin_unlock(&smm->lock);
	if (unflushed)
		flush_and_settle(smm, range->start, range->end, seq);
	return true;
}

static const struct mmu_interval_notifier_ops chunk_ops = {
	.invalidate = chunk_invalidate,
};

static void mm_foreign_work(struct work_struct *work)
{
	struct shpt_mm *smm = container_of(work, struct shpt_mm, foreign_work);

	unlink_and_flush(smm, 0, ULONG_MAX, SHPT_UNLINK_FOREIGN);
	shpt_mm_put(smm);
}

/*
 * The mm is about to lose all its mappings and tables; the chunks below hear of
 * it by themselves. What else hits all addresses is none of ours.
 */
static bool life_invalidate(struct mmu_interval_notifier *interval,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	if (range->event == MMU_NOTIFY_RELEASE)
		mm_unhash(container_of(interval, struct shpt_mm, life));
	return true;
}

static const struct mmu_interval_notifier_ops life_ops = {
	.invalidate = life_invalidate,
};

bool shpt_is_our_interval(const struct mmu_interval_notifier_ops *ops)
{
	return ops == &chunk_ops || ops == &life_ops;
}

static struct shpt_mm *mm_create(struct mm_struct *mm)
{
	struct shpt_mm *smm = kzalloc(sizeof(*smm), GFP_KERNEL_ACCOUNT);

	if (!smm)
		return NULL;
	atomic_inc(&live_mms);
	mmgrab(mm);
	smm->mm = mm;
	kref_init(&smm->ref);
	INIT_RCU_WORK(&smm->free_work, mm_free_work);
	INIT_HLIST_NODE(&smm->hash);
	INIT_LIST_HEAD(&smm->guests);
	spin_lock_init(&smm->lock);
	smm->ended = NUMBER_OF_NONE;
	xa_init(&smm->links);
	INIT_WORK(&smm->foreign_work, mm_foreign_work);
	return smm;
}

/*
 * The shpt_mm of an mm, made and registered if there is none yet; under
 * mmap_lock held for write. -EBUSY: another MMU is or was here. -EINTR: a
 * signal is pending for the caller.
 *
 * It is in the table before the core prepares the mm for intervals: if another
 * MMU finds the mm prepared, and passes without the mmap_lock, then the watch
 * of foreign.c finds the mm in the table.
 */
struct shpt_mm *shpt_mm_register(struct mm_struct *mm)
{
	struct shpt_mm *smm;
	int err;

	mmap_assert_write_locked(mm);

	rcu_read_lock();
	smm = shpt_mm_find(mm);
	rcu_read_unlock();
	if (smm)
		return READ_ONCE(smm->foreign) ? ERR_PTR(-EBUSY) : smm;

	if (mm_has_notifiers(mm))
		return ERR_PTR(-EBUSY);

	smm = mm_create(mm);
	if (!smm)
		return ERR_PTR(-ENOMEM);
	mm_hash(smm);
	err = mmu_interval_notifier_insert_locked(&smm->life, mm, TASK_SIZE_MAX,
						  PAGE_SIZE, &life_ops);
	if (err) {
		mm_unhash(smm);
		return ERR_PTR(err);
	}
	return READ_ONCE(smm->foreign) ? ERR_PTR(-EBUSY) : smm;
}

/* Under mmap_lock held for write: are we in the midst of that for this mm? */
bool shpt_mm_registers(struct mm_struct *mm)
{
	struct shpt_mm *smm;
	bool ret;

	rcu_read_lock();
	smm = shpt_mm_find(mm);
	ret = smm && !smm->life.mm;
	rcu_read_unlock();
	return ret;
}

/*
 * Forget former guests and wait until all is freed, before the module goes.
 * Regions pin the module, so there are no guests and no links any more. Some mm
 * may be in life_invalidate() at this moment, and have taken itself out of the
 * table: so the wait is for the objects. Each is freed after its interval was
 * removed, which waits for the callback.
 */
void shpt_mm_put_all(void)
{
	struct shpt_mm *smm;
	struct hlist_node *next;
	int bucket;

	spin_lock(&mms_lock);
	hash_for_each_safe(mms, bucket, next, smm, hash) {
		hash_del_rcu(&smm->hash);
		shpt_mm_put(smm);
	}
	spin_unlock(&mms_lock);
	wait_event(no_live_mms, !atomic_read(&live_mms));
}

/*
 * Another MMU registers with mm: give up all links of it for good. Called from
 * ftrace, so the flush is left to a worker. Until it has run the links are
 * UNFLUSHED, which keeps the guest among those that host events flush. Who comes
 * second finds nothing to do, once he has the lock.
 */
void shpt_mm_set_foreign(struct mm_struct *mm)
{
	struct shpt_mm *smm;
	unsigned long flags;
	bool known;

	rcu_read_lock();
	smm = shpt_mm_find(mm);
	if (!smm || !kref_get_unless_zero(&smm->ref))
		goto out;

	spin_lock_irqsave(&smm->lock, flags);
	known = smm->foreign;
	smm->foreign = true;
	if (!known)
		swap_back(smm, 0, ULONG_MAX, SHPT_UNLINK_FOREIGN);
	spin_unlock_irqrestore(&smm->lock, flags);
	if (known || !queue_work(shpt_wq, &smm->foreign_work))
		shpt_mm_put(smm);
out:
	rcu_read_unlock();
}

/*
 * A VMA goes: its whole chunks are nobody's, and not linked. The core notified
 * us before it came here; the unlink is for links that still wait for the worker
 * of shpt_mm_set_foreign(). Rounded inwards: a VMA that mremap(2) tried at an
 * unaligned address shares the chunks at its edges with its neighbours.
 */
void shpt_links_leave(struct shpt_mm *smm, unsigned long start,
		      unsigned long end)
{
	struct shpt_link *link;
	unsigned long i;

	start = round_up(start, CHUNK_SIZE);
	end = round_down(end, CHUNK_SIZE);
	if (start >= end)
		return;

	unlink_and_flush(smm, start, end, SHPT_UNLINK_UNMAP);

	spin_lock(&smm->lock);
	xa_for_each_range(&smm->links, i, link, start >> CHUNK_SHIFT,
			  (end - 1) >> CHUNK_SHIFT) {
		WARN_ON_ONCE(link->state != LINK_FREE);
		link->guest = NULL;
	}
	spin_unlock(&smm->lock);
}

/* The record of a chunk is this guest's now, if there is one. */
static bool link_take(struct shpt_guest *guest, unsigned long i)
{
	struct shpt_mm *smm = guest->smm;
	struct shpt_link *link;

	spin_lock(&smm->lock);
	link = xa_load(&smm->links, i);
	if (link)
		link->guest = guest;
	spin_unlock(&smm->lock);
	return link;
}

/*
 * The record comes before its interval: who is called for the chunk, and is the
 * first of his range, finds the chunk by the record.
 */
static int link_make(struct shpt_guest *guest, unsigned long i, gfp_t gfp)
{
	struct shpt_mm *smm = guest->smm;
	struct shpt_link *link = kzalloc(sizeof(*link), gfp);
	int err;

	if (!link)
		return -ENOMEM;
	link->smm = smm;
	link->guest = guest;
	err = xa_insert(&smm->links, i, link, gfp);
	if (err) {
		kfree(link);
		return err;
	}
	/* The mm is prepared for them: this allocates nothing. */
	err = mmu_interval_notifier_insert_locked(&link->interval, smm->mm,
						  i << CHUNK_SHIFT, CHUNK_SIZE,
						  &chunk_ops);
	if (WARN_ON_ONCE(err)) {
		spin_lock(&smm->lock);
		xa_erase(&smm->links, i);
		spin_unlock(&smm->lock);
		kfree(link);
	}
	return err;
}

/**
 * shpt_links_make - see that a VMA's chunks have link records
 * @guest: whose they are
 * @start: of the VMA
 * @end: of the VMA
 * @gfp: how to get memory
 *
 * Under mmap_lock held for write. Records may be there already, of a VMA that
 * is being split or of one that is gone. Returns 0 or an error.
 */
int shpt_links_make(struct shpt_guest *guest, unsigned long start,
		    unsigned long end, gfp_t gfp)
{
	unsigned long i, first = round_up(start, CHUNK_SIZE) >> CHUNK_SHIFT;
	int err;

	for (i = first; i < end >> CHUNK_SHIFT; i++) {
		if (link_take(guest, i))
			continue;
		err = link_make(guest, i, gfp);
		if (err) {
			shpt_links_leave(guest->smm, start, end);
			return err;
		}
	}
	return 0;
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

/* Who unlinked the chunk may not have come to flush it: do it for him. */
static void flush_owed(struct shpt_mm *smm, struct shpt_link *link,
		       unsigned long addr)
{
	bool owed;
	u64 seq;

	spin_lock(&smm->lock);
	owed = link->state == LINK_UNFLUSHED;
	seq = smm->unlink_seq;
	spin_unlock(&smm->lock);
	if (owed)
		flush_and_settle(smm, addr, addr + 1, seq);
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
 * afterwards. Returns 0 if the chunk is linked now; -EINPROGRESS if an
 * invalidation may be under way: see shpt_await_invalidations(); -EAGAIN if
 * another unlink came, or the host is retired: a fault in a moment will find it
 * otherwise; -EBUSY if this mm is never to be linked again, -ENOMEM.
 */
int shpt_link(struct shpt_guest *guest, struct shpt_host *host,
	      unsigned long addr, pud_t *pudp, pgoff_t pgoff)
{
	unsigned long file_chunk = pgoff >> (CHUNK_SHIFT - PAGE_SHIFT);
	struct shpt_mm *smm = guest->smm;
	struct shpt_link *link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	struct shpt_chunk *chunk;
	pud_t host_pud;
	int ret = 0;

	if (WARN_ON_ONCE(!link || !shpt_host_pud(host, file_chunk, &host_pud)))
		return -EBUSY;
	chunk = shpt_host_chunk(host, file_chunk);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	flush_owed(smm, link, addr);

	spin_lock(&smm->lock);
	if (smm->foreign)
		ret = -EBUSY;
	else if (READ_ONCE(link->interval.invalidate_seq) > smm->ended)
		ret = -EINPROGRESS;
	else if (READ_ONCE(host->retired))
		ret = -EAGAIN;
	else if (link->state == LINK_UNFLUSHED)
		ret = -EAGAIN;
	else if (link->state == LINK_FREE)
		ret = swap_in(link, chunk, addr, pudp, host_pud);
	spin_unlock(&smm->lock);
	return ret;
}

/*
 * Wait for the end of the invalidations that keep the chunk of addr from being
 * linked. With a reference to smm; mmap_lock need not be held, but was when
 * shpt_link() asked for this, so that there is a record.
 */
void shpt_await_invalidations(struct shpt_mm *smm, unsigned long addr)
{
	struct shpt_link *link = xa_load(&smm->links, addr >> CHUNK_SHIFT);
	unsigned long number = mmu_interval_read_begin(&link->interval);

	spin_lock(&smm->lock);
	smm->ended = max(smm->ended, number);
	spin_unlock(&smm->lock);
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
