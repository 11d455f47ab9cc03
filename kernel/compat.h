/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between kernel versions; the only version tests
 */
#ifndef SHPT_COMPAT_H
#define SHPT_COMPAT_H

#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "shpt needs Linux 6.12 or later"
#endif

/* The notifier op that says: a CPU or device may hold stale translations. */
#define SHPT_FLUSH_OP	arch_invalidate_secondary_tlbs

static inline unsigned long shpt_find_unmapped_area(unsigned long addr,
						    unsigned long len,
						    unsigned long flags)
{
	return mm_get_unmapped_area(current->mm, NULL, addr, len, 0, flags);
}

#endif /* SHPT_COMPAT_H */
