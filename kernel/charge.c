// SPDX-License-Identifier: GPL-2.0-only
/*
 * charge.c - pages are brought in the way the guest's own mapping would
 *
 * A host's mm has no owner and its mapping has nobody's advice: what its fault
 * allocates would be charged to the root memory cgroup, and be small where
 * huge pages are for those who ask for them. So before the host's fault the
 * shmem page is brought into the backing in the name of the guest, and the host
 * finds it there.
 *
 * What a shmem fault looks at in a mapping is whose it is (for the memory
 * cgroup, and whether THP is disabled for the process), its flags (advice about
 * huge pages), and whether a huge page would lie in it. So that is what it gets:
 * a mapping of the chunk that exists for the time of the fault. Nothing is
 * mapped there. The fault has no leave to drop locks, so none is touched.
 *
 * DAX pages are nobody's memory, and are allocated by the file system.
 */
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "internal.h"

#define CHUNK_PAGES	(CHUNK_SIZE >> PAGE_SHIFT)

/**
 * shpt_charge - have a page charged to a process before the host faults
 * @host: the host
 * @mm: the process
 * @vm_flags: of its mapping
 * @pgoff: the page
 *
 * A huge page that the host may map for writing is dirty from then on. A guest's
 * MADV_COLD makes huge entries old: up to 6.12.116, and in 6.1, it reads an entry
 * and writes it back, and a dirty bit that a CPU has set in between is lost. The
 * core's guard against that leaves alone what several processes map; but this
 * page is mapped once, by the host. What the page itself says is cleared only by
 * who has unmapped it, and then it comes here again.
 *
 * While a hole is being punched there, the fault waits for that, and wants to
 * be called again. Errors other than lack of memory are the host's fault to
 * tell, which meets them too.
 *
 * Returns 0 or VM_FAULT_OOM.
 */
vm_fault_t shpt_charge(struct shpt_host *host, struct mm_struct *mm,
		       vm_flags_t vm_flags, pgoff_t pgoff)
{
	struct vm_area_struct vma = {
		.vm_start = CHUNK_SIZE,
		.vm_end = 2 * CHUNK_SIZE,
		.vm_pgoff = round_down(pgoff, CHUNK_PAGES),
		.vm_mm = mm,
		.vm_flags = vm_flags,
		.vm_file = host->region->backing,
		.vm_ops = host->vm_ops,
	};
	struct vm_fault vmf = {
		.vma = &vma,
		.pgoff = pgoff,
		.address = vma.vm_start +
			   ((pgoff - vma.vm_pgoff) << PAGE_SHIFT),
	};
	vm_fault_t ret;

	if (host->region->kind != BACKING_SHMEM)
		return 0;
	do
		ret = vma.vm_ops->fault(&vmf);
	while (ret & VM_FAULT_NOPAGE && !fatal_signal_pending(current));
	if (ret & VM_FAULT_LOCKED) {
		if (host->access != ACCESS_READ && PageTransCompound(vmf.page))
			set_page_dirty(vmf.page);
		unlock_page(vmf.page);
		put_page(vmf.page);
	}
	return ret & VM_FAULT_OOM;
}
