// SPDX-License-Identifier: GPL-2.0-only
/*
 * shpt_test.c - a test-only module: stands in for the other MMUs that shpt has
 * to exclude, for rare users of get_user_pages() and for slow walkers, tells
 * where page tables lie, and misbehaves on purpose for the self-test of the
 * harness
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "shpt_test.h"

/* What one descriptor has registered. */
struct watch {
	struct mutex lock;
	struct mmu_notifier notifier;
	struct mmu_interval_notifier interval;
};

static const struct mmu_notifier_ops notifier_ops = { };

static bool invalidate(struct mmu_interval_notifier *interval,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	mmu_interval_set_seq(interval, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {
	.invalidate = invalidate,
};

static int watch_mm(struct watch *w)
{
	int err;

	if (w->notifier.ops)
		return -EBUSY;
	w->notifier.ops = &notifier_ops;
	err = mmu_notifier_register(&w->notifier, current->mm);
	if (err)
		w->notifier.ops = NULL;
	return err;
}

static int watch_range(struct watch *w, void __user *arg)
{
	struct shpt_test_range range;
	int err;

	if (w->interval.mm)
		return -EBUSY;
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	err = mmu_interval_notifier_insert(&w->interval, current->mm,
					   range.start, range.bytes,
					   &interval_ops);
	if (err)
		w->interval.mm = NULL;
	return err;
}

static long look(struct watch *w)
{
	struct mmu_interval_notifier unnoticed = {
		.mm = current->mm,
		.ops = &interval_ops,
		.invalidate_seq = 1,
	};

	if (!mm_has_notifiers(current->mm))
		return -EINVAL;
	mmu_interval_read_begin(w->interval.mm ? &w->interval : &unnoticed);
	return 0;
}

static void unwatch(struct watch *w)
{
	if (w->notifier.ops)
		mmu_notifier_unregister(&w->notifier, w->notifier.mm);
	w->notifier.ops = NULL;
	if (w->interval.mm)
		mmu_interval_notifier_remove(&w->interval);
	w->interval.mm = NULL;
}

/* The PUD entry for an address, or none; under mmap_lock. */
static pud_t find_pud(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;

	if (pgd_none(*pgd))
		return __pud(0);
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return __pud(0);
	return READ_ONCE(*pud_offset(p4d, addr));
}

/* The mmap_lock keeps PMD tables in place, RCU the PTE tables. */
static void find_tables(struct mm_struct *mm, struct shpt_test_tables *tables)
{
	pud_t pud = find_pud(mm, tables->addr);
	pmd_t pmd;

	tables->pmd_frame = 0;
	tables->pmd_node = NUMA_NO_NODE;
	tables->pte_node = NUMA_NO_NODE;
	if (!pud_present(pud) || pud_leaf(pud))
		return;
	tables->pmd_frame = page_to_pfn(pud_page(pud));
	tables->pmd_node = page_to_nid(pud_page(pud));
	pmd = READ_ONCE(pud_pgtable(pud)[pmd_index(tables->addr)]);
	if (pmd_present(pmd) && !pmd_leaf(pmd))
		tables->pte_node = page_to_nid(pmd_page(pmd));
}

static int tell_tables(void __user *arg)
{
	struct shpt_test_tables tables;
	struct mm_struct *mm = current->mm;

	if (copy_from_user(&tables, arg, sizeof(tables)))
		return -EFAULT;
	if (tables.addr >= TASK_SIZE)
		return -EINVAL;
	mmap_read_lock(mm);
	rcu_read_lock();
	find_tables(mm, &tables);
	rcu_read_unlock();
	mmap_read_unlock(mm);
	return copy_to_user(arg, &tables, sizeof(tables)) ? -EFAULT : 0;
}

/* Is this the table still, and its entry what it was? */
static bool is_in_place(pud_t pud, unsigned long addr, pmd_t pmd)
{
	return PageTable(pud_page(pud)) &&
		pmd_same(READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]), pmd);
}

/* The mmap_lock is all that a walker has who sleeps on its way. */
static long walk_slowly(unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	long ret = -EFAULT;
	pud_t pud;
	pmd_t pmd;

	if (addr >= TASK_SIZE)
		return -EINVAL;
	mmap_read_lock(mm);
	pud = find_pud(mm, addr);
	if (pud_present(pud) && !pud_leaf(pud)) {
		pmd = READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]);
		msleep(2 * MSEC_PER_SEC);
		ret = is_in_place(pud, addr, pmd);
	}
	mmap_read_unlock(mm);
	return ret;
}

/* May be called with the RCU read lock held, which PTE tables are freed by. */
static long watch_pte_table(pud_t pud, unsigned long addr)
{
	pmd_t pmd;

	if (!pud_present(pud) || pud_leaf(pud))
		return -EAGAIN;
	pmd = READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]);
	if (!pmd_present(pmd) || pmd_leaf(pmd))
		return -EAGAIN;
	mdelay(300);
	return PageTable(pmd_page(pmd));
}

static long watch_ptes(unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	long ret;

	if (addr >= TASK_SIZE)
		return -EINVAL;
	mmap_read_lock(mm);
	rcu_read_lock();
	ret = watch_pte_table(find_pud(mm, addr), addr);
	rcu_read_unlock();
	mmap_read_unlock(mm);
	return ret;
}

static long read_twice(void __user *arg)
{
	struct shpt_test_words words;
	u64 __user *word;
	u64 first, second, flag = 0;
	long ret;

	if (copy_from_user(&words, arg, sizeof(words)))
		return -EFAULT;
	word = u64_to_user_ptr(words.word);
	if (!access_ok(word, sizeof(u64)) ||
	    !access_ok(u64_to_user_ptr(words.flag), sizeof(u64)))
		return -EFAULT;
	pagefault_disable();
	local_irq_disable();
	ret = __get_user(first, word);
	if (!ret) {
		mdelay(50);
		ret = __get_user(flag, (u64 __user *)u64_to_user_ptr(words.flag));
	}
	if (!ret)
		ret = !__get_user(second, word) && second == first && flag;
	local_irq_enable();
	pagefault_enable();
	return ret < 0 ? -EAGAIN : ret;
}

static long touch_nowait(unsigned long addr)
{
	struct page *page;
	long ret;

	ret = get_user_pages_unlocked(addr, 1, &page, FOLL_WRITE | FOLL_NOWAIT);
	if (ret == 1)
		put_page(page);
	return ret;
}

static long touch_locked(unsigned long addr)
{
	long ret;

	mmap_read_lock(current->mm);
	ret = fixup_user_fault(current->mm, addr, FAULT_FLAG_WRITE, NULL);
	mmap_read_unlock(current->mm);
	return ret ?: 1;
}

static long shpt_test_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	struct watch *w = file->private_data;
	long ret = 0;

	mutex_lock(&w->lock);
	switch (cmd) {
	case SHPT_TEST_NOTIFIER:
		ret = watch_mm(w);
		break;
	case SHPT_TEST_INTERVAL:
		ret = watch_range(w, (void __user *)arg);
		break;
	case SHPT_TEST_LOOK:
		ret = look(w);
		break;
	case SHPT_TEST_RELEASE:
		unwatch(w);
		break;
	case SHPT_TEST_TABLES:
		ret = tell_tables((void __user *)arg);
		break;
	case SHPT_TEST_WALK_SLOWLY:
		ret = walk_slowly(arg);
		break;
	case SHPT_TEST_WATCH_PTES:
		ret = watch_ptes(arg);
		break;
	case SHPT_TEST_READ_TWICE:
		ret = read_twice((void __user *)arg);
		break;
	case SHPT_TEST_WARN:
		WARN(1, "shpt_test was asked to warn\n");
		break;
	case SHPT_TEST_LEAK:
		mod_node_page_state(NODE_DATA(numa_node_id()), NR_PAGETABLE,
				    SZ_1M / PAGE_SIZE);
		break;
	case SHPT_TEST_FORGET:
		if (!kmalloc(SZ_1K, GFP_KERNEL))
			ret = -ENOMEM;
		break;
	case SHPT_TEST_TOUCH_NOWAIT:
		ret = touch_nowait(arg);
		break;
	case SHPT_TEST_TOUCH_LOCKED:
		ret = touch_locked(arg);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&w->lock);
	return ret;
}

static int shpt_test_open(struct inode *inode, struct file *file)
{
	struct watch *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	mutex_init(&w->lock);
	file->private_data = w;
	return 0;
}

static int shpt_test_release(struct inode *inode, struct file *file)
{
	struct watch *w = file->private_data;

	unwatch(w);
	kfree(w);
	return 0;
}

static const struct file_operations shpt_test_fops = {
	.owner = THIS_MODULE,
	.open = shpt_test_open,
	.release = shpt_test_release,
	.unlocked_ioctl = shpt_test_ioctl,
};

static struct miscdevice shpt_test_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shpt_test",
	.fops = &shpt_test_fops,
};
module_misc_device(shpt_test_device);

MODULE_DESCRIPTION("Test-only companion of shpt: other MMUs, rare faults, slow walkers");
MODULE_LICENSE("GPL");
