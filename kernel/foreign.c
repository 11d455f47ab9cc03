// SPDX-License-Identifier: GPL-2.0-only
/*
 * foreign.c - notice other MMUs on a guest's mm
 *
 * KVM, RDMA on-demand paging, HMM drivers and IOMMU SVA mirror the page tables
 * of a process. They listen to its mmu notifiers, which say nothing about the
 * host's tables: they would go on using pages that the host has given back. A
 * process that has such an MMU is refused as a guest (shpt_mm_register). One
 * that gets it later loses its links before the MMU can look, which is noticed
 * at the functions watched here:
 *
 * - __mmu_notifier_register(): every list notifier comes by here, and guests
 *   have none of ours. Without one it prepares an mm for intervals, which is what
 *   shpt_mm_register() has it do. All that is under mmap_lock held for write.
 * - mmu_interval_notifier_insert(), mmu_interval_notifier_insert_locked(): every
 *   interval. They prepare the mm if it is not; that of a guest is.
 * - mmu_interval_read_begin(): what a user of intervals has to call each time
 *   before he reads page tables into his own.
 *
 * The last is for one who had begun mmu_interval_notifier_insert() when there
 * was no guest yet, and then found the mm prepared, by us; only this function
 * goes on without the mmap_lock. He came unnoticed, but has not read anything.
 * The mm was in the table of guests before it was prepared, so it is found
 * there when he begins to read. Who never does, but pins pages and only wants to
 * be told, is as safe from their reuse as anybody who has pinned them.
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

/* __mmu_notifier_register(subscription, mm) */
static void on_register(unsigned long ip, unsigned long parent_ip,
			struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	struct mm_struct *mm = (struct mm_struct *)regs->si;

	if (regs->di || !shpt_mm_registers(mm))
		shpt_mm_set_foreign(mm);
}

/* mmu_interval_notifier_insert(interval, mm, start, length, ops) */
static void on_insert(unsigned long ip, unsigned long parent_ip,
		      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (!shpt_is_our_interval((void *)regs->r8))
		shpt_mm_set_foreign((struct mm_struct *)regs->si);
}

/* mmu_interval_read_begin(interval) */
static void on_look(unsigned long ip, unsigned long parent_ip,
		    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	struct mmu_interval_notifier *interval = (void *)regs->di;

	if (!shpt_is_our_interval(interval->ops))
		shpt_mm_set_foreign(interval->mm);
}

#define WATCH(callback) {						\
	.func = callback,						\
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_SAVE_REGS |	\
		 FTRACE_OPS_FL_RECURSION,				\
}

static struct {
	unsigned char function[40];
	struct ftrace_ops ops;
} watches[] = {
	{ "__mmu_notifier_register", WATCH(on_register) },
	{ "mmu_interval_notifier_insert", WATCH(on_insert) },
	{ "mmu_interval_notifier_insert_locked", WATCH(on_insert) },
	{ "mmu_interval_read_begin", WATCH(on_look) },
};

static int begin(unsigned char *function, struct ftrace_ops *ops)
{
	int err = ftrace_set_filter(ops, function, strlen(function), 1);

	if (err)
		return err;
	err = register_ftrace_function(ops);
	if (err)
		ftrace_free_filter(ops);
	return err;
}

static void end(unsigned int n)
{
	while (n--) {
		unregister_ftrace_function(&watches[n].ops);
		ftrace_free_filter(&watches[n].ops);
	}
}

int shpt_foreign_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(watches); i++) {
		err = begin(watches[i].function, &watches[i].ops);
		if (err)
			goto err_end;
	}
	return 0;

err_end:
	pr_err("cannot watch %s (%d): without it shpt does not serve\n",
	       watches[i].function, err);
	if (err == -EBUSY)
		pr_err("set the sysctl kernel.ftrace_enabled to 1\n");
	end(i);
	return err;
}

void shpt_foreign_exit(void)
{
	end(ARRAY_SIZE(watches));
}
