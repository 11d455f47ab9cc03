// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlb.c - make CPUs forget translations that went through shared tables
 *
 * Two events need it. A guest is linked or unlinked: its own CPUs may still
 * translate through the table that it had before (shpt_flush_mm). The host's
 * tables changed: every CPU that may run or have run a linked guest must forget
 * (shpt_flush_region).
 *
 * How a guest mm is flushed. tlb_gen of the mm is bumped, then its cpumask is
 * read, then the CPUs in it are interrupted. A CPU that is switching to the mm
 * meanwhile first sets its bit in the mask and then reads tlb_gen
 * (switch_mm_irqs_off): either we see its bit, or it sees the new generation
 * and flushes by itself. A CPU that left the mm earlier has cleared its bit
 * but keeps entries under the old ASID; it compares generations when it comes
 * back. CPUs in lazy mode keep their bit, and unlike the kernel's own
 * flush they are interrupted too: they may walk speculatively through tables
 * that are about to be freed. __flush_tlb_all() drops all ASIDs of a CPU, the
 * kernel's and the user's half under PTI alike, and leaves the recorded
 * generations old, which costs no more than one flush too many.
 *
 * How a host event meets a link in the making:
 *
 *	host event			shpt_link()
 *	change host's table		guest->links++
 *	smp_mb()			smp_mb()
 *	read guest->links		write the guest's PUD entry
 *
 * If the event misses the count, the PUD entry is written after the table was
 * changed, and no CPU can have walked to the old entry through it.
 * guest->links goes down only after the flush of the unlink.
 *
 * Contexts: host events arrive under page table spinlocks, with interrupts on:
 * nothing here sleeps, and no lock is held across the wait for the IPIs.
 */
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>
#include <asm/tlbflush.h>

#include "internal.h"
#include "trace.h"

/* Too large for the stack; used with preemption off, and never in interrupts. */
static DEFINE_PER_CPU(cpumask_var_t, flush_mask);

static void flush_this_cpu(void *unused)
{
	__flush_tlb_all();
}

static void bump_generation(struct mm_struct *mm)
{
	/* Returns a value, so it is a full barrier on both sides. */
	atomic64_inc_return(&mm->context.tlb_gen);
}

/* Flush all translations of one guest mm, everywhere. */
void shpt_flush_mm(struct mm_struct *mm)
{
	bump_generation(mm);
	on_each_cpu_mask(mm_cpumask(mm), flush_this_cpu, NULL, true);
}

/*
 * Collect the CPUs that may hold translations of linked guests. Returns false
 * when there are so many guests that all CPUs are cheaper; that needs no
 * generations, as every CPU drops every ASID.
 */
static bool collect_cpus(struct shpt_region *region, struct cpumask *mask,
			 bool *any)
{
	unsigned int limit = num_online_cpus() * 4;
	struct shpt_guest *guest;

	lockdep_assert_preemption_disabled();
	cpumask_clear(mask);
	list_for_each_entry_rcu(guest, &region->guests, in_region) {
		if (!READ_ONCE(guest->links))
			continue;
		*any = true;
		if (!limit--)
			return false;
		bump_generation(guest->smm->mm);
		cpumask_or(mask, mask, mm_cpumask(guest->smm->mm));
	}
	return true;
}

/* The tables of a region's host changed. */
void shpt_flush_region(struct shpt_region *region)
{
	struct cpumask *mask;
	bool any = false;

	/* Pairs with the barrier in shpt_link(), see the head of this file. */
	smp_mb();

	preempt_disable();
	mask = this_cpu_cpumask_var_ptr(flush_mask);
	rcu_read_lock();
	if (!collect_cpus(region, mask, &any))
		cpumask_copy(mask, cpu_online_mask);
	rcu_read_unlock();
	if (any) {
		atomic64_inc(&region->flushes);
		on_each_cpu_mask(mask, flush_this_cpu, NULL, true);
		trace_flush(region->id, cpumask_weight(mask));
	}
	preempt_enable();
}

void shpt_tlb_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(flush_mask, cpu));
}

int shpt_tlb_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(flush_mask, cpu),
					     GFP_KERNEL, cpu_to_node(cpu))) {
			shpt_tlb_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
