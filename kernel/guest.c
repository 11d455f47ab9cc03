// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - a process's mappings of a region, as the core sees them
 *
 * What the VMA is: whole chunks at chunk-aligned addresses, VM_MAYSHARE (the
 * core takes VM_SHARED from those of a read-only file), VM_DONTEXPAND and
 * VM_DONTDUMP. VM_DONTEXPAND is among VM_SPECIAL, so it is never merged and
 * never registered with userfaultfd. It is not VM_PFNMAP nor VM_MIXEDMAP: fork
 * would copy tables. The pseudo file system is noexec, so VM_MAYEXEC is gone.
 *
 * vma->vm_private_data is the shpt_guest, or NULL in a child of fork that has
 * not faulted yet, or ERR_PTR(-EBUSY) in one that found another MMU when it
 * did. It changes under mmap_lock held for write only.
 *
 * open, close and mmap of a guest's VMAs are serialised by its mmap_lock: held
 * for write, or downgraded by munmap(2), which lets in faults but no other
 * change of mappings.
 */
#include <linux/mman.h>
#include <linux/pkeys.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <uapi/linux/fcntl.h>

#include "internal.h"

static struct shpt_guest *guest_find(struct shpt_mm *smm,
				     const struct shpt_region *region)
{
	struct shpt_guest *guest;

	list_for_each_entry(guest, &smm->guests, in_mm) {
		if (guest->region == region)
			return guest;
	}
	return NULL;
}

static struct shpt_guest *guest_create(struct shpt_mm *smm,
				       struct shpt_region *region)
{
	struct shpt_guest *guest = kzalloc(sizeof(*guest), GFP_KERNEL_ACCOUNT);

	if (!guest)
		return NULL;
	kref_get(&smm->ref);
	guest->smm = smm;
	guest->region = region;
	guest->node = NUMA_NO_NODE;
	list_add(&guest->in_mm, &smm->guests);
	spin_lock(&region->guests_lock);
	list_add_rcu(&guest->in_region, &region->guests);
	spin_unlock(&region->guests_lock);
	atomic_inc(&region->nr_guests);
	return guest;
}

/* One VMA less. The last one's links are gone, and flushed. */
static void guest_put(struct shpt_guest *guest)
{
	struct shpt_region *region = guest->region;

	if (--guest->vmas)
		return;
	WARN_ON_ONCE(guest->links);
	list_del(&guest->in_mm);
	spin_lock(&region->guests_lock);
	list_del_rcu(&guest->in_region);
	spin_unlock(&region->guests_lock);
	atomic_dec(&region->nr_guests);
	shpt_mm_put(guest->smm);
	kfree_rcu(guest, rcu);
}

/* The guest of this mm and VMA, with the VMA's links; NULL without memory. */
static struct shpt_guest *guest_get(struct shpt_mm *smm,
				    const struct vm_area_struct *vma)
{
	struct shpt_region *region = shpt_region_of(vma->vm_file);
	struct shpt_guest *guest = guest_find(smm, region);

	if (!guest)
		guest = guest_create(smm, region);
	if (!guest)
		return NULL;
	guest->vmas++;
	if (!shpt_links_make(guest, vma->vm_start, vma->vm_end,
			     GFP_KERNEL_ACCOUNT))
		return guest;
	guest_put(guest);
	return NULL;
}

/*
 * A second VMA of the same mm (split, mremap), or a child's while fork is
 * still building its mm: nothing can be registered there, and nothing is
 * linked; the child's first fault sees to it.
 */
static void guest_vma_open(struct vm_area_struct *vma)
{
	struct shpt_guest *guest = vma->vm_private_data;

	if (IS_ERR_OR_NULL(guest) || guest->smm->mm != vma->vm_mm) {
		vma->vm_private_data = NULL;
		return;
	}
	guest->vmas++;
	/* Nothing to make after a split; after mremap a few bytes a chunk. */
	shpt_links_make(guest, vma->vm_start, vma->vm_end,
			GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
}

static void guest_vma_close(struct vm_area_struct *vma)
{
	struct shpt_guest *guest = vma->vm_private_data;

	if (IS_ERR_OR_NULL(guest))
		return;
	shpt_links_leave(guest->smm, vma->vm_start, vma->vm_end);
	guest_put(guest);
}

static int guest_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return IS_ALIGNED(addr, CHUNK_SIZE) ? 0 : -EINVAL;
}

/* Called after the tables were moved; on error the core moves them back. */
static int guest_vma_mremap(struct vm_area_struct *vma)
{
	return IS_ALIGNED(vma->vm_start | vma->vm_end, CHUNK_SIZE) ? 0 :
								     -EINVAL;
}

/* Sealed against writing since the region was opened? */
static bool is_sealed(struct shpt_region *region)
{
	return region->kind == BACKING_SHMEM &&
	       SHMEM_I(region->key)->seals &
	       (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

/* Chunks of the backing, from its beginning, that reach to addr of the VMA. */
static unsigned long chunks_to(const struct vm_area_struct *vma,
			       unsigned long addr)
{
	return (vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT)) >>
	       (CHUNK_SHIFT - PAGE_SHIFT);
}

/*
 * Under mmap_lock held for write, before the core changes the VMA and walks
 * the range. All that is to do is to unlink: the next fault links to the host
 * of the new access.
 */
static int guest_vma_mprotect(struct vm_area_struct *vma, unsigned long start,
			      unsigned long end, unsigned long newflags)
{
	struct shpt_guest *guest = vma->vm_private_data;
	unsigned long changed = newflags ^ vma->vm_flags;
	int err;

	if (!IS_ALIGNED(start | end, CHUNK_SIZE))
		return -EINVAL;
	/* The keys are in the shared entries: everybody's would change. */
	if (newflags & VM_EXEC || changed & ARCH_VM_PKEY_FLAGS)
		return -EINVAL;
	if (changed & newflags & VM_WRITE &&
	    is_sealed(shpt_region_of(vma->vm_file)))
		return -EPERM;
	if (changed & newflags & VM_WRITE) {
		/* May have been mapped when nobody could have written there. */
		err = shpt_hosts_cover(shpt_region_of(vma->vm_file),
				       chunks_to(vma, end), shpt_access_of(newflags));
		if (err)
			return err;
	}
	if (!IS_ERR_OR_NULL(guest))
		shpt_unlink(guest->smm, start, end);
	return 0;
}

/*
 * For shmem and device-dax. No page_mkwrite and pfn_mkwrite here: with them the
 * core would refuse long-term pins, and neither tracks dirty pages.
 */
const struct vm_operations_struct shpt_vm_ops = {
	.open = guest_vma_open,
	.close = guest_vma_close,
	.may_split = guest_vma_may_split,
	.mremap = guest_vma_mremap,
	.mprotect = guest_vma_mprotect,
	.fault = shpt_fault,
	.huge_fault = SHPT_HUGE_FAULT,
};

/*
 * Both mkwrite handlers: without them the core would make a write-protected
 * entry writable in the guest's name, and the file system would not learn that
 * the page is dirty.
 */
const struct vm_operations_struct shpt_fsdax_vm_ops = {
	.open = guest_vma_open,
	.close = guest_vma_close,
	.may_split = guest_vma_may_split,
	.mremap = guest_vma_mremap,
	.mprotect = guest_vma_mprotect,
	.fault = shpt_fault,
	.huge_fault = SHPT_HUGE_FAULT,
	.page_mkwrite = shpt_mkwrite,
	.pfn_mkwrite = shpt_mkwrite,
};

static int check_mapping(struct shpt_region *region,
			 struct vm_area_struct *vma)
{
	unsigned long offset = vma->vm_pgoff << PAGE_SHIFT;

	/* VM_MAYSHARE is what MAP_SHARED says; the core may clear VM_SHARED. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!IS_ALIGNED(vma->vm_start | vma->vm_end | offset, CHUNK_SIZE))
		return -EINVAL;
	if (vma->vm_flags & VM_SYNC && !READ_ONCE(region->sync))
		return -EOPNOTSUPP;
	if (is_sealed(region)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	return 0;
}

/* mmap(2) of a region file; under mmap_lock held for write. */
int shpt_guest_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shpt_region *region = shpt_region_of(file);
	struct shpt_guest *guest;
	struct shpt_mm *smm;
	int err;

	err = check_mapping(region, vma);
	if (err)
		return err;
	err = shpt_hosts_cover(region, chunks_to(vma, vma->vm_end),
			       shpt_access_of(vma->vm_flags));
	if (err)
		return err;
	smm = shpt_mm_register(vma->vm_mm);
	if (IS_ERR(smm))
		return PTR_ERR(smm);
	guest = guest_get(smm, vma);
	if (!guest)
		return -ENOMEM;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = region->kind == BACKING_FSDAX ? &shpt_fsdax_vm_ops :
						      &shpt_vm_ops;
	vma->vm_private_data = guest;
	return 0;
}

/* Chunk-aligned addresses, without the caller having to ask for them. */
unsigned long shpt_guest_get_unmapped_area(struct file *file,
					   unsigned long addr,
					   unsigned long len,
					   unsigned long pgoff,
					   unsigned long flags)
{
	unsigned long padded = len + CHUNK_SIZE;

	if (flags & MAP_FIXED)
		return addr;
	if (addr) {
		unsigned long hint = round_down(addr, CHUNK_SIZE);

		if (hint && shpt_find_unmapped_area(hint, len, flags) == hint)
			return hint;
	}
	if (padded < len)
		return -ENOMEM;
	addr = shpt_find_unmapped_area(0, padded, flags);
	return IS_ERR_VALUE(addr) ? addr : round_up(addr, CHUNK_SIZE);
}

/*
 * Make all VMAs of regions in mm guests, after fork; under mmap_lock held for
 * write. If another MMU is there, they are marked for ever. Returns 0, -EINTR
 * (a signal is pending for the caller) or -ENOMEM.
 */
int shpt_guest_adopt_all(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	struct shpt_mm *smm;
	int err = 0;

	smm = shpt_mm_register(mm);
	if (IS_ERR(smm) && PTR_ERR(smm) != -EBUSY)
		return PTR_ERR(smm);

	for_each_vma(vmi, vma) {
		if (!shpt_vma_is_guest(vma) || vma->vm_private_data)
			continue;
		if (IS_ERR(smm))
			vma->vm_private_data = smm;
		else
			vma->vm_private_data = guest_get(smm, vma);
		if (!vma->vm_private_data)
			err = -ENOMEM;
	}
	return err;
}

/* SHPT_IOC_MAPPING_INFO */
int shpt_mapping_info(struct shpt_mapping_info *info)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct shpt_guest *guest;
	int err = -ENOENT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, info->addr);
	if (vma && shpt_vma_is_guest(vma)) {
		guest = vma->vm_private_data;
		info->start = vma->vm_start;
		info->end = vma->vm_end;
		info->region_id = shpt_region_of(vma->vm_file)->id;
		info->linked_chunks = IS_ERR_OR_NULL(guest) ? 0 :
			shpt_links_count(guest->smm, vma->vm_start,
					 vma->vm_end);
		err = 0;
	}
	mmap_read_unlock(mm);
	return err;
}
