// SPDX-License-Identifier: GPL-2.0-only
/*
 * foreign.c - notice other MMUs on a guest's mm
 *
 * KVM, RDMA on-demand paging, HMM drivers and IOMMU SVA mirror the page tables
 * of a process. They listen to its mmu notifiers, which say nothing about the
 * host's tables: they would go on using pages that the host has given back. A
 * process that has such an MMU is refused as a guest (shpt_mm_register). One
 * that gets it later loses its links before the MMU can look: all registering
 * goes through __mmu_notifier_register(), and that is watched here. Of interval
 * notifiers only the first one of an mm does, with no subscription of its own,
 * to prepare the mm for them; who has become a guest before it is noticed there,
 * and who comes after it is refused, for the preparation stays.
 *
 * The watch is ftrace's, with FTRACE_OPS_FL_PERMANENT: as long as it is there
 * nobody can switch ftrace off (kernel.ftrace_enabled), and where that has been
 * done before, it is refused. A kprobe would not be refused, and catch nothing.
 * Without the watch there is no safe service, so the module does not load then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/mmu_notifier.h>

#include "internal.h"

#define WATCHED	"__mmu_notifier_register"

/* __mmu_notifier_register(subscription, mm) */
static void on_register(unsigned long ip, unsigned long parent_ip,
			struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (!shpt_mm_is_ours((struct mmu_notifier *)regs->di))
		shpt_mm_set_foreign((struct mm_struct *)regs->si);
}

static struct ftrace_ops watch = {
	.func = on_register,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_SAVE_REGS |
		 FTRACE_OPS_FL_RECURSION,
};

int shpt_foreign_init(void)
{
	unsigned char name[] = WATCHED;
	int err;

	err = ftrace_set_filter(&watch, name, strlen(WATCHED), 1);
	if (!err) {
		err = register_ftrace_function(&watch);
		if (!err)
			return 0;
		ftrace_free_filter(&watch);
	}
	pr_err("cannot watch " WATCHED " (%d): without it shpt does not serve\n",
	       err);
	if (err == -EBUSY)
		pr_err("set the sysctl kernel.ftrace_enabled to 1\n");
	return err;
}

void shpt_foreign_exit(void)
{
	unregister_ftrace_function(&watch);
	ftrace_free_filter(&watch);
}
