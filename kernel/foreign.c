// SPDX-License-Identifier: GPL-2.0-only
/*
 * foreign.c - notice other MMUs on a guest's mm
 *
 * KVM, RDMA on-demand paging, HMM drivers and IOMMU SVA mirror the page tables
 * of a process. They listen to its mmu notifiers, which say nothing about the
 * host's tables: they would go on using pages that the host has given back. A
 * process that has such an MMU is refused as a guest (shpt_mm_register). One
 * that gets it later loses its links before the MMU can look: there are three
 * doors to registering, all exported functions, and each has a probe here.
 *
 * Without these probes there is no safe service, so the module does not load
 * if they cannot be armed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/mmu_notifier.h>

#include "internal.h"

/* __mmu_notifier_register(subscription, mm); NULL prepares for intervals. */
static int on_notifier_register(struct kprobe *probe, struct pt_regs *regs)
{
	if (!shpt_mm_is_ours((struct mmu_notifier *)regs->di))
		shpt_mm_set_foreign((struct mm_struct *)regs->si);
	return 0;
}

/* mmu_interval_notifier_insert*(interval_sub, mm, ...) */
static int on_interval_insert(struct kprobe *probe, struct pt_regs *regs)
{
	shpt_mm_set_foreign((struct mm_struct *)regs->si);
	return 0;
}

static struct kprobe doors[] = {
	{
		.symbol_name = "__mmu_notifier_register",
		.pre_handler = on_notifier_register,
	}, {
		.symbol_name = "mmu_interval_notifier_insert",
		.pre_handler = on_interval_insert,
	}, {
		.symbol_name = "mmu_interval_notifier_insert_locked",
		.pre_handler = on_interval_insert,
	},
};

int shpt_foreign_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(doors); i++) {
		err = register_kprobe(&doors[i]);
		if (!err)
			continue;
		pr_err("cannot watch %s (%d): other MMUs would go unnoticed, so shpt does not serve\n",
		       doors[i].symbol_name, err);
		while (i--)
			unregister_kprobe(&doors[i]);
		return err;
	}
	return 0;
}

void shpt_foreign_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(doors); i++)
		unregister_kprobe(&doors[i]);
}
