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
#include <linux/minmax.h>

#include "internal.h"

#define WORTHWHILE	8	/* one in so many tables is empty */

/* Of all hosts, in the chunks from first to before last. */
static u64 empty_bytes(struct shpt_region *region, unsigned long first,
		       unsigned long last)
{
	struct shpt_host *host = NULL;
	u64 bytes = 0;

	while ((host = shpt_hosts_next(region, host)))
		bytes += shpt_host_empty_bytes(host, first, last);
	return bytes;
}

static u64 table_bytes(struct shpt_region *region)
{
	struct shpt_host *host = NULL;
	u64 bytes = 0;

	while ((host = shpt_hosts_next(region, host)))
		bytes += mm_pgtables_bytes(host->mm);
	return bytes;
}

static int renew(struct shpt_region *region, u64 *freed_bytes)
{
	int err = shpt_hosts_renew(region, freed_bytes);

	if (!err)
		atomic64_add(*freed_bytes, &region->reclaimed);
	return err;
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
	u64 last;

	if (args->flags || !args->length)
		return -EINVAL;
	if (check_add_overflow(args->offset, args->length, &last))
		return -EINVAL;
	if (READ_ONCE(region->reclaim_mode) == SHPT_RECLAIM_NEVER)
		return -EPERM;
	args->freed_bytes = 0;
	if (!empty_bytes(region, args->offset >> CHUNK_SHIFT,
			 DIV_ROUND_UP_ULL(last, CHUNK_SIZE)))
		return 0;
	return renew(region, &args->freed_bytes);
}

/* One pass of mode "always". Only this work uses next_chunk and found_bytes. */
static void scan(struct shpt_region *region)
{
	unsigned long chunks = max_t(u64, READ_ONCE(region->scan_bytes) >>
				     CHUNK_SHIFT, 1);
	unsigned long end = DIV_ROUND_UP_ULL(i_size_read(region->key),
					     CHUNK_SIZE);
	u64 freed;

	end = max(end, READ_ONCE(region->chunks));
	region->found_bytes += empty_bytes(region, region->next_chunk,
					   region->next_chunk + chunks);
	region->next_chunk += chunks;
	if (region->next_chunk < end)
		return;
	if (region->found_bytes * WORTHWHILE >= table_bytes(region) &&
	    region->found_bytes)
		renew(region, &freed);
	region->next_chunk = 0;
	region->found_bytes = 0;
}

static void scan_again(struct shpt_region *region)
{
	u64 interval = READ_ONCE(region->scan_interval_ms);

	kobject_get(&region->kobj);
	if (!queue_delayed_work(shpt_wq, &region->scan_work,
				msecs_to_jiffies(interval)))
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

	if (shpt_region_pin_live(region)) {
		if (READ_ONCE(region->reclaim_mode) == SHPT_RECLAIM_ALWAYS) {
			scan(region);
			scan_again(region);
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
	if (args->flags || args->reserved ||
	    args->mode > SHPT_RECLAIM_ALWAYS)
		return -EINVAL;
	if (args->interval_ms > SHPT_RECLAIM_MAX_INTERVAL_MS)
		return -EINVAL;
	WRITE_ONCE(region->scan_interval_ms, args->interval_ms ?:
		   SHPT_RECLAIM_INTERVAL_MS);
	WRITE_ONCE(region->scan_bytes, args->scan_bytes ?:
		   SHPT_RECLAIM_SCAN_BYTES);
	WRITE_ONCE(region->reclaim_mode, args->mode);
	if (args->mode == SHPT_RECLAIM_ALWAYS)
		scan_again(region);
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
}
