// SPDX-License-Identifier: GPL-2.0-only
/*
 * retire.c - take hosts out of use while guests link to them
 *
 * The hosts' successors are in place, so a guest that faults links to them, and
 * the old ones are marked: shpt_link(), which looks at the mark under its lock,
 * makes no link to them any more. What is there now is all that there will be.
 * It is ended in three steps:
 *
 *  1. Unlink and flush each guest. No CPU walks the old tables any more, nor
 *     does code that keeps interrupts off meanwhile (GUP-fast).
 *  2. Drain each guest. A fault or get_user_pages() that found the old PMD
 *     table before may be at it still, with a pointer to it and no more than
 *     the guest's mmap_lock held for read, or a VMA lock. Having had both locks
 *     for write means that all of these are over. A process without users has
 *     nobody left in it who could walk, but itself in exit, which begins by
 *     unlinking its chunks.
 *  3. Only now the old hosts go, their tables with them.
 *
 * Draining tries for the mmap_lock at first: a writer in its queue stops all
 * faults of that process behind one that waits for storage. But where readers
 * overlap without end, one who only tries never gets it, and anybody could keep
 * a region from ever being renewed again. So after a second it queues, for one
 * guest at a time. That process is held up no more than by an mmap(2) of its
 * own; all others are not.
 *
 * Guests that come while this is under way link to the successors only: they
 * enter the list after it was read, so they find the hosts that were there
 * before that.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

struct snapshot {
	unsigned int nr;
	unsigned int room;
	struct shpt_mm **mms;
};

static bool snapshot_fill(struct shpt_region *region, struct snapshot *snap)
{
	struct shpt_guest *guest;
	bool all = true;

	snap->nr = 0;
	spin_lock(&region->guests_lock);
	list_for_each_entry(guest, &region->guests, in_region) {
		if (snap->nr == snap->room) {
			all = false;
			break;
		}
		kref_get(&guest->smm->ref);
		snap->mms[snap->nr++] = guest->smm;
	}
	spin_unlock(&region->guests_lock);
	return all;
}

static void snapshot_drop(struct snapshot *snap)
{
	while (snap->nr)
		shpt_mm_put(snap->mms[--snap->nr]);
	kvfree(snap->mms);
}

/* The processes of all guests. */
static void snapshot_take(struct shpt_region *region, struct snapshot *snap)
{
	for (;;) {
		snap->room = atomic_read(&region->nr_guests) + 16;
		snap->mms = kvcalloc(snap->room, sizeof(*snap->mms),
				     GFP_KERNEL | __GFP_NOFAIL);
		if (snapshot_fill(region, snap))
			return;
		snapshot_drop(snap);
	}
}

/* With the mmap_lock held for write: have all VMA locks as well. */
static void lock_vmas(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if (shpt_vma_is_guest(vma))
			vma_start_write(vma);
	}
}

/* Have all left who were walking the mm's tables when we were called? */
static bool drain_once(struct mm_struct *mm, bool queue)
{
	bool locked;

	if (!mmget_not_zero(mm))
		return true;
	/* Killable, though nobody kills a worker, for who looks for hung tasks. */
	locked = queue ? !mmap_write_lock_killable(mm) :
			 mmap_write_trylock(mm);
	if (locked) {
		lock_vmas(mm);
		mmap_write_unlock(mm);
	}
	mmput_async(mm);
	return locked;
}

static void drain(struct mm_struct *mm)
{
	unsigned long patience = jiffies + HZ;

	while (!drain_once(mm, time_after(jiffies, patience)))
		schedule_timeout_idle(1);
}

/**
 * shpt_retire_hosts - end hosts that may have links
 * @region: their region; the caller keeps it
 * @hosts: the hosts, by their member retiring; no longer found by anyone
 *
 * Takes as long as it takes. In a worker that holds no lock.
 */
void shpt_retire_hosts(struct shpt_region *region, struct list_head *hosts)
{
	struct shpt_host *host, *next;
	struct snapshot snap;
	unsigned int i;

	if (list_empty(hosts))
		return;
	list_for_each_entry(host, hosts, retiring)
		WRITE_ONCE(host->retired, true);
	snapshot_take(region, &snap);
	for (i = 0; i < snap.nr; i++)
		shpt_unlink_retired(snap.mms[i]);
	for (i = 0; i < snap.nr; i++)
		drain(snap.mms[i]->mm);
	snapshot_drop(&snap);
	list_for_each_entry_safe(host, next, hosts, retiring) {
		list_del(&host->retiring);
		trace_retire(region->id, host->access, host->node);
		shpt_host_destroy(host);
	}
}
