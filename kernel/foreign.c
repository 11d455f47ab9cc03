// SPDX-License-Identifier: GPL-2.0-only
/*
 * foreign.c - notice other MMUs on a guest's mm
 *
 * KVM, RDMA on-demand paging, HMM drivers and IOMMU SVA mirror the page tables
 * of a process. They listen to its mmu notifiers, which say nothing about the
 * host's tables: they would go on using pages that the host has given back. A
 * process that has such an MMU is refused as a guest (shpt_mm_register). One
 * that gets it later loses its links before the MMU can look: there are three
 * doors to registering, all exported functions, and each is watched here.
 *
 * The watch is ftrace's, with FTRACE_OPS_FL_PERMANENT: as long as it is there
 * nobody can switch ftrace off (kernel.ftrace_enabled), and where that has been
 * done before it is refused. Kprobes on these functions would be refused
 * neither, and catch nothing. Without the watch there is no safe service, so
 * the module does not load then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/mmu_notifier.h>

#include "internal.h"

/* __mmu_notifier_register(subscription, mm); NULL prepares for intervals. */
static void on_notifier_register(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	if (!shpt_mm_is_ours((struct mmu_notifier *)regs->di))
		shpt_mm_set_foreign((struct mm_struct *)regs->si);
}

/* mmu_interval_notifier_insert*(interval_sub, mm, ...) */
static void on_interval_insert(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);

	shpt_mm_set_foreign((struct mm_struct *)regs->si);
}

#define WATCH_FLAGS							\
	(FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_SAVE_REGS |		\
	 FTRACE_OPS_FL_RECURSION)

static struct door {
	const char *function;
	struct ftrace_ops watch;
} doors[] = {
	{
		.function = "__mmu_notifier_register",
		.watch = { .func = on_notifier_register, .flags = WATCH_FLAGS },
	}, {
		.function = "mmu_interval_notifier_insert",
		.watch = { .func = on_interval_insert, .flags = WATCH_FLAGS },
	}, {
		.function = "mmu_interval_notifier_insert_locked",
		.watch = { .func = on_interval_insert, .flags = WATCH_FLAGS },
	},
};

static int watch_door(struct door *door)
{
	char name[64];
	int err;

	strscpy(name, door->function, sizeof(name));
	err = ftrace_set_filter(&door->watch, name, strlen(name), 1);
	if (err)
		return err;
	err = register_ftrace_function(&door->watch);
	if (err)
		ftrace_free_filter(&door->watch);
	return err;
}

static void unwatch_doors(int n)
{
	while (n--) {
		unregister_ftrace_function(&doors[n].watch);
		ftrace_free_filter(&doors[n].watch);
	}
}

int shpt_foreign_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(doors); i++) {
		err = watch_door(&doors[i]);
		if (!err)
			continue;
		pr_err("cannot watch %s (%d): other MMUs would go unnoticed, so shpt does not serve%s\n",
		       doors[i].function, err,
		       err == -EBUSY ? "; set the sysctl kernel.ftrace_enabled to 1" :
				       "");
		unwatch_doors(i);
		return err;
	}
	return 0;
}

void shpt_foreign_exit(void)
{
	unwatch_doors(ARRAY_SIZE(doors));
}
