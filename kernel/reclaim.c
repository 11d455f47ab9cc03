// SPDX-License-Identifier: GPL-2.0-only
/*
 * reclaim.c - give back page tables that map nothing any more
 *
 * The core frees an address space's tables when a mapping goes, not when the
 * last page below a table does, so holes punched in a backing leave tables
 * behind. They cannot be taken out of a host in which guests are walking:
 * who found one under its own mmap_lock would go on in freed memory. So if
 * there is something to gain, the region's hosts are renewed (hosts.c).
 *
 * Mode "always" looks through the region bit by bit, and renews when it has
 * come round and an eighth of the tables is empty: what is found is worth the
 * copy.
 */
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/sched/mm.h>

#include "internal.h"

#define WORTHWHILE	8	/* one in so many tables is empty */
#define AFTER_ERROR	100	/* intervals until the next pass */

/* Of all hosts, in the chunks from first to last. */
static u64 empty_bytes(struct shpt_region *region, unsigned long first,
		       unsigned long last)
{
	struct shpt_host *host = NULL;
	u64 bytes = 0;

	while ((host = shpt_hosts_next(region, host)))
		bytes += shpt_host_empty_bytes(host, first, last);
	return bytes;
}

/**
 * shpt_reclaim - SHPT_IOC_RECLAIM
 * @region: the region; the caller has a file of it open
 * @args: the range; gets what was freed
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_reclaim(struct shpt_region *region, struct shpt_reclaim *args)
{
	u64 end;
	int err;

	if (args->flags || !args->length)
		return -EINVAL;
	if (check_add_overflow(args->offset, args->length, &end))
		return -EINVAL;
	if (READ_ONCE(region->reclaim_mode) == SHPT_RECLAIM_NEVER)
		return -EPERM;
	args->freed_bytes = 0;
	if (!empty_bytes(region, args->offset >> CHUNK_SHIFT,
			 (end - 1) >> CHUNK_SHIFT))
		return 0;
	err = shpt_hosts_renew(region, &args->freed_bytes);
	if (!err)
		atomic64_add(args->freed_bytes, &region->reclaimed);
	return err;
}

/* What all hosts' tables weigh, and how far they reach. */
static u64 measure(struct shpt_region *region, unsigned long *chunks)
{
	struct shpt_host *host = NULL;
	u64 bytes = 0;

	*chunks = 0;
	while ((host = shpt_hosts_next(region, host))) {
		bytes += mm_pgtables_bytes(host->mm);
		*chunks = max(*chunks, READ_ONCE(host->touched));
	}
	return bytes;
}

/* Paid for by who set the mode. */
static int renew_as_paid(struct shpt_region *region)
{
	struct mem_cgroup *memcg = NULL;
	u64 freed;
	int err;

	mutex_lock(&region->hosts_lock);
	if (mem_cgroup_tryget(region->memcg))
		memcg = region->memcg;
	mutex_unlock(&region->hosts_lock);
	err = shpt_hosts_renew_here(region, memcg, &freed);
	mem_cgroup_put(memcg);
	if (!err)
		atomic64_add(freed, &region->reclaimed);
	return err;
}

/* One pass of mode "always". Only this work uses next_chunk and found_bytes. */
static int scan(struct shpt_region *region)
{
	unsigned long pass = max_t(u64, READ_ONCE(region->scan_bytes) >>
				   CHUNK_SHIFT, 1);
	unsigned long chunks;
	u64 bytes = measure(region, &chunks);
	int err = 0;

	region->found_bytes += empty_bytes(region, region->next_chunk,
					   region->next_chunk + pass - 1);
	region->next_chunk += pass;
	if (region->next_chunk < chunks)
		return 0;
	if (region->found_bytes && region->found_bytes >= bytes / WORTHWHILE)
		err = renew_as_paid(region);
	region->next_chunk = 0;
	region->found_bytes = 0;
	return err;
}

/* A pending pass is put off or brought forward, and keeps its reference. */
static void scan_after(struct shpt_region *region, u64 ms)
{
	ms = min_t(u64, ms, SHPT_RECLAIM_MAX_INTERVAL_MS);
	kobject_get(&region->kobj);
	if (mod_delayed_work(shpt_renew_wq, &region->scan_work,
			     msecs_to_jiffies(ms)))
		kobject_put(&region->kobj);
}

/*
 * Holds the region's struct while it is queued, the region itself only while
 * it runs: a region ends with its last file, whatever its mode.
 */
static void scan_work(struct work_struct *work)
{
	struct shpt_region *region = container_of(to_delayed_work(work),
						  struct shpt_region,
						  scan_work);
	u64 pause;

	if (shpt_region_pin_live(region)) {
		if (READ_ONCE(region->reclaim_mode) == SHPT_RECLAIM_ALWAYS) {
			pause = READ_ONCE(region->scan_interval_ms);
			/* What failed now will not succeed in a moment. */
			if (scan(region))
				pause *= AFTER_ERROR;
			scan_after(region, pause);
		}
		shpt_region_unpin(region);
	}
	kobject_put(&region->kobj);
}

/**
 * shpt_set_reclaim - SHPT_IOC_SET_RECLAIM
 * @region: the region; the caller has a file of it open
 * @args: the mode and its parameters
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_set_reclaim(struct shpt_region *region,
		     const struct shpt_set_reclaim *args)
{
	u64 interval = args->interval_ms ?: SHPT_RECLAIM_INTERVAL_MS;
	struct mem_cgroup *memcg;

	if (args->flags || args->reserved ||
	    args->mode > SHPT_RECLAIM_ALWAYS)
		return -EINVAL;
	if (interval < SHPT_RECLAIM_MIN_INTERVAL_MS ||
	    interval > SHPT_RECLAIM_MAX_INTERVAL_MS)
		return -EINVAL;
	memcg = get_mem_cgroup_from_mm(current->mm);
	mutex_lock(&region->hosts_lock);
	swap(region->memcg, memcg);
	mutex_unlock(&region->hosts_lock);
	mem_cgroup_put(memcg);
	WRITE_ONCE(region->scan_interval_ms, interval);
	WRITE_ONCE(region->scan_bytes, args->scan_bytes ?:
		   SHPT_RECLAIM_SCAN_BYTES);
	WRITE_ONCE(region->reclaim_mode, args->mode);
	if (args->mode == SHPT_RECLAIM_ALWAYS)
		scan_after(region, interval);
	return 0;
}

void shpt_reclaim_init(struct shpt_region *region)
{
	INIT_DELAYED_WORK(&region->scan_work, scan_work);
	region->reclaim_mode = SHPT_RECLAIM_ADVISE;
	region->scan_interval_ms = SHPT_RECLAIM_INTERVAL_MS;
	region->scan_bytes = SHPT_RECLAIM_SCAN_BYTES;
}

/* The region ends: what is queued need not wait for its time. */
void shpt_reclaim_stop(struct shpt_region *region)
{
	if (cancel_delayed_work(&region->scan_work))
		kobject_put(&region->kobj);
	mem_cgroup_put(region->memcg);
	region->memcg = NULL;
}
