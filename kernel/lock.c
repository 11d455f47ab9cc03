// SPDX-License-Identifier: GPL-2.0-only
/*
 * lock.c - keep a region's pages in memory
 *
 * mlock(2) looks at the pages of a process's own mappings, and a guest's are
 * the host's. So the backing itself is marked, as shmctl(SHM_LOCK) does it:
 * reclaim passes by all of its pages, whoever maps them. The mark is the
 * region's, and ends with it.
 *
 * DAX has no pages that could be taken away.
 */
#include <linux/capability.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include "internal.h"

/*
 * No finite limit would hold: the backing may grow when it is locked, and a user
 * may have many.
 */
static bool may_lock(void)
{
	return rlimit(RLIMIT_MEMLOCK) == RLIM_INFINITY ||
	       capable(CAP_IPC_LOCK);
}

/*
 * Flag and mark are one: whoever looks at either has hosts_lock. Returns what
 * the flag was.
 */
bool shpt_set_locked(struct shpt_region *region, bool locked)
{
	struct address_space *mapping = region->backing->f_mapping;
	bool before;

	mutex_lock(&region->hosts_lock);
	before = region->locked;
	/* A tmpfs that never swaps has marked it itself, for good. */
	locked = locked && (before || !mapping_unevictable(mapping));
	WRITE_ONCE(region->locked, locked);
	if (locked)
		mapping_set_unevictable(mapping);
	else if (before)
		mapping_clear_unevictable(mapping);
	mutex_unlock(&region->hosts_lock);
	return before;
}

/* Bring in what has been swapped out; holes stay holes. */
static int bring_in(struct file *file, loff_t at)
{
	struct address_space *mapping = file->f_mapping;
	struct page *page;
	loff_t end;

	while ((at = vfs_llseek(file, at, SEEK_DATA)) >= 0) {
		end = vfs_llseek(file, at, SEEK_HOLE);
		for (; at < end; at += PAGE_SIZE) {
			if (signal_pending(current))
				return -EINTR;
			page = shmem_read_mapping_page_gfp(mapping,
							   at >> PAGE_SHIFT,
							   mapping_gfp_mask(mapping));
			/* Shortened meanwhile: that is the end, no error. */
			if (IS_ERR(page))
				return at < i_size_read(mapping->host) ?
				       PTR_ERR(page) : 0;
			put_page(page);
			cond_resched();
		}
	}
	return at == -ENXIO ? 0 : at;
}

/**
 * shpt_lock - SHPT_IOC_LOCK
 * @region: the region; the caller has a file of it open
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_lock(struct shpt_region *region)
{
	struct file *file;
	int err;

	if (region->kind != BACKING_SHMEM)
		return 0;
	if (!may_lock())
		return -EPERM;
	/* A file of its own, for its position. */
	file = shpt_open_backing(&region->backing->f_path, O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* First the mark: what is brought in then stays. */
	shpt_set_locked(region, true);
	err = bring_in(file, 0);
	fput(file);
	return err;
}

/* Reclaim finds the pages again. */
void shpt_make_evictable(struct shpt_region *region)
{
	struct folio_batch batch;
	pgoff_t index = 0;

	folio_batch_init(&batch);
	while (filemap_get_folios(region->backing->f_mapping, &index, ULONG_MAX,
				  &batch)) {
		check_move_unevictable_folios(&batch);
		folio_batch_release(&batch);
		cond_resched();
	}
}

/* SHPT_IOC_UNLOCK */
void shpt_unlock(struct shpt_region *region)
{
	if (shpt_set_locked(region, false))
		shpt_make_evictable(region);
}
