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

static int populate_page(struct shpt_host *host, pgoff_t pgoff, bool write)
{
	vm_fault_t ret;

	ret = shpt_charge(host, current->mm, 0, pgoff);
	if (!ret)
		ret = shpt_host_fault(host, pgoff,
				      write ? FAULT_FLAG_WRITE : 0);
	if (ret == VM_FAULT_NOPAGE)
		return 0;
	return ret == VM_FAULT_OOM ? -ENOMEM : -EIO;
}

/**
 * shpt_populate - SHPT_IOC_POPULATE
 * @region: the region; the caller has a file of it open
 * @args: the range; gets how far it came
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_populate(struct shpt_region *region, struct shpt_populate *args)
{
	bool write = args->flags & SHPT_POPULATE_WRITE;
	struct shpt_host *host = region->host;
	u64 at, end;
	int err;

	err = check_range(args);
	if (err)
		return err;
	end = args->offset + args->length;
	args->populated = 0;
	err = shpt_host_cover(host, DIV_ROUND_UP_ULL(end, CHUNK_SIZE));
	if (err)
		return err;

	for (at = args->offset; at < end; ) {
		pgoff_t pgoff = at >> PAGE_SHIFT;

		if (at >= shpt_backing_bytes(region))
			return 0;
		if (signal_pending(current))
			return -EINTR;
		err = populate_page(host, pgoff, write);
		/* Shortened meanwhile: that is the end, not an error. */
		if (err == -EIO && at >= shpt_backing_bytes(region))
			return 0;
		if (err)
			return err;
		at += (u64)shpt_host_mapped(host, pgoff, write) << PAGE_SHIFT;
		args->populated = min(at, end) - args->offset;
		cond_resched();
	}
	return 0;
}
