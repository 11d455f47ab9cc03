/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between kernel versions; the only version tests
 *
 * The other files are written for Linux 6.12. For 6.1 this one supplies what
 * they use under the names of 6.12 where it can, else under names of our own.
 */
#ifndef SHPT_COMPAT_H
#define SHPT_COMPAT_H

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

/* The notifier op that says: a CPU or device may hold stale translations. */
#define SHPT_FLUSH_OP		arch_invalidate_secondary_tlbs

/* The huge_fault op, whose second argument changed. */
#define SHPT_HUGE_FAULT		shpt_huge_fault

/* In file_operations: MAP_SYNC can be asked for. */
#define SHPT_FOPS_MMAP_SYNC	.fop_flags = FOP_MMAP_SYNC

/* May a host's mappings be changed while it has guests? */
#define SHPT_HOST_GROWS		true

/*
 * Until shpt_release_tables() the core frees no table of mm that a guest may be
 * walking. Nothing to do here: it frees PTE tables of its own accord only after
 * a grace period of RCU, and who walks them looks at the PMD entry again.
 */
static inline void shpt_hold_tables(struct mm_struct *mm)
{
}

static inline void shpt_release_tables(struct mm_struct *mm)
{
}

/* The kernel's own is gone. */
static inline bool mmap_write_trylock(struct mm_struct *mm)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
	mm_lock_seqcount_begin(mm);
	return true;
}

#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && \
	LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

#define SHPT_FLUSH_OP		invalidate_range

vm_fault_t shpt_huge_fault(struct vm_fault *vmf, unsigned int order);

static inline vm_fault_t shpt_huge_fault_of(struct vm_fault *vmf,
					    enum page_entry_size size)
{
	return shpt_huge_fault(vmf, (size == PE_SIZE_PUD ? PUD_SHIFT :
							   PMD_SHIFT) -
				    PAGE_SHIFT);
}

#define SHPT_HUGE_FAULT		shpt_huge_fault_of

#define SHPT_FOPS_MMAP_SYNC	.mmap_supported_flags = MAP_SYNC

#define PUD_ORDER		(PUD_SHIFT - PAGE_SHIFT)

/*
 * khugepaged takes PTE tables out of an mm and frees them at once, with no
 * grace period (collapse_and_free_pmd()). It trusts that who walks them holds
 * the mmap_lock of that mm, which it has for write. Faults and
 * get_user_pages() in a guest walk a host's tables under the guest's mmap_lock
 * alone. So from before the first guest until after the last one the host's
 * mmap_lock is held for read, by nobody in particular. That keeps khugepaged
 * out, since all its ways to that function on a file's mappings try for the
 * lock, not wait for it, and leave the mm alone when they fail:
 *
 *   retract_page_tables()		  after a collapse of the backing's
 *					  pages through whatever mapping
 *   khugepaged_collapse_pte_mapped_thps() later, for what the first left
 *
 * The third caller of collapse_pte_mapped_thp(), MADV_COLLAPSE, works on the
 * caller's own mm; the fourth, uprobes, on mappings that are not shared.
 *
 * Anyone who waited for the lock for write would wait for as long as the
 * region lives, and make every reader wait behind him. Nobody does. Only this
 * module changes mappings of the host, and it does so before: it maps all that
 * the backing may grow to (SHPT_HOST_GROWS). The core waits for the lock for
 * write in or on behalf of an mm's tasks, of which a host has none; when its
 * last user goes, which is later; in registering notifiers, which is earlier;
 * in uprobes, which pass by shared mappings; and in collapsing anonymous
 * memory. Of that the host has none, and the donor, which it was before, had no
 * mapping with room for a huge page. Who got the mm while the donor's task was
 * there (a change of its cpuset, say) and has yet to take the lock counts as a
 * user of the mm, and is waited for.
 *
 * VM_DONTEXPAND has khugepaged pass by the host's mapping in one step: it
 * looks at one huge page after the other, and would be at it for years.
 */
#define SHPT_HOST_GROWS		false

static inline void shpt_hold_tables(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	while (atomic_read(&mm->mm_users) > 1)
		schedule_timeout_uninterruptible(1);
	mmap_write_lock(mm);
	for_each_vma(vmi, vma)
		vma->vm_flags |= VM_DONTEXPAND;
	mmap_write_unlock(mm);
	down_read_non_owner(&mm->mmap_lock);
}

/* Not before the last one who looks at the tables from outside has gone. */
static inline void shpt_release_tables(struct mm_struct *mm)
{
	while (atomic_read(&mm->mm_users) > 1)
		schedule_timeout_uninterruptible(1);
	up_read_non_owner(&mm->mmap_lock);
}

static inline bool mem_cgroup_tryget(struct mem_cgroup *memcg)
{
	return !memcg || css_tryget(&memcg->css);
}

/* There are no locks of single VMAs. */
#define FAULT_FLAG_VMA_LOCK	0

static inline void vma_end_read(struct vm_area_struct *vma)
{
}

static inline void vma_start_write(struct vm_area_struct *vma)
{
}

static inline void vm_flags_clear(struct vm_area_struct *vma,
				  unsigned long flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_set(struct vm_area_struct *vma,
				unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline unsigned long
mm_get_unmapped_area(struct mm_struct *mm, struct file *file,
		     unsigned long addr, unsigned long len,
		     unsigned long pgoff, unsigned long flags)
{
	return mm->get_unmapped_area(file, addr, len, pgoff, flags);
}

/* shmem_mapping() is not exported. */
static inline bool shpt_shmem_mapping(const struct address_space *mapping)
{
	return mapping->host->i_sb->s_magic == TMPFS_MAGIC;
}

#define shmem_mapping		shpt_shmem_mapping

/* What setattr is given first. */
#define mnt_idmap		user_namespace

static inline void simple_inode_init_ts(struct inode *inode)
{
	inode->i_ctime = current_time(inode);
	inode->i_atime = inode->i_ctime;
	inode->i_mtime = inode->i_ctime;
}

#if USE_SPLIT_PMD_PTLOCKS
#define CONFIG_SPLIT_PMD_PTLOCKS 1
#endif

#else
#error "shpt knows Linux 6.1, and 6.12 and later"
#endif

static inline unsigned long shpt_find_unmapped_area(unsigned long addr,
						    unsigned long len,
						    unsigned long flags)
{
	return mm_get_unmapped_area(current->mm, NULL, addr, len, 0, flags);
}

#endif /* SHPT_COMPAT_H */
