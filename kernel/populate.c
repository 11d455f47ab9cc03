// SPDX-License-Identifier: GPL-2.0-only
/*
 * populate.c - fill the host's tables ahead of the first guest
 *
 * Runs in the caller's context and takes no guest's lock, so it may wait as
 * long as it likes, and leaves at any signal. What it has done stays done.
 */
#include <linux/sched/signal.h>

#include "internal.h"

static int check_range(const struct shpt_populate *args)
{
	if (args->flags & ~SHPT_POPULATE_WRITE)
		return -EINVAL;
	if (!args->length || !PAGE_ALIGNED(args->offset | args->length))
		return -EINVAL;
	if (args->offset + args->length < args->offset)
		return -EINVAL;
	return 0;
}

static unsigned long chunks_before(u64 end)
{
	return ((end - 1) >> CHUNK_SHIFT) + 1;
}

/*
 * One page, in all hosts that guests of the access may link to. Returns how
 * many pages from there on are mapped now, 0 to try again, or an error.
 */
static long populate_page(struct shpt_region *region, enum shpt_access access,
			  pgoff_t pgoff, bool write)
{
	bool for_writers = access != ACCESS_READ;
	unsigned long pages = ULONG_MAX;
	struct shpt_host *host = NULL;
	vm_fault_t ret = 0;

	while ((host = shpt_hosts_next(region, host))) {
		bool writable = host->access != ACCESS_READ;

		if (ret & VM_FAULT_ERROR || writable != for_writers)
			continue;
		ret = shpt_charge(host, current->mm, 0, pgoff);
		if (ret)
			continue;
		ret = shpt_host_fault(host, pgoff,
				      write ? FAULT_FLAG_WRITE : 0);
		/* Replaced meanwhile: try again with its successor. */
		pages = READ_ONCE(host->retired) ? 0 :
			min(pages, shpt_host_mapped(host, pgoff, write));
	}
	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	if (ret & VM_FAULT_ERROR)
		return -EIO;
	/* All hosts were exchanged while we went through them. */
	return pages == ULONG_MAX ? 0 : pages;
}

/**
 * shpt_populate - SHPT_IOC_POPULATE
 * @region: the region; the caller has a file of it open
 * @access: of that file
 * @args: the range; gets how far it came
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_populate(struct shpt_region *region, enum shpt_access access,
		  struct shpt_populate *args)
{
	bool write = args->flags & SHPT_POPULATE_WRITE;
	u64 at, end;
	long done;
	int err;

	err = check_range(args);
	if (err)
		return err;
	if (write && access == ACCESS_READ)
		return -EACCES;
	args->populated = 0;
	end = args->offset + args->length;
	if (chunks_before(end) > shpt_max_chunks(region))
		return -EOVERFLOW;
	/* Hosts that map more than there is are looked through for nothing. */
	end = min(end, round_up(shpt_backing_bytes(region), PAGE_SIZE));
	if (args->offset >= end)
		return 0;
	err = shpt_hosts_cover(region, chunks_before(end), access == ACCESS_READ ?
			       ACCESS_READ : ACCESS_SYNC);
	if (err)
		return err;

	for (at = args->offset; at < end; ) {
		pgoff_t pgoff = at >> PAGE_SHIFT;

		if (at >= shpt_backing_bytes(region))
			return 0;
		if (signal_pending(current))
			return -EINTR;
		done = populate_page(region, access, pgoff, write);
		/* Shortened meanwhile: that is the end, not an error. */
		if (done == -EIO && at >= shpt_backing_bytes(region))
			return 0;
		if (done < 0)
			return done;
		at += (u64)done << PAGE_SHIFT;
		args->populated = min(at, end) - args->offset;
		cond_resched();
	}
	return 0;
}
