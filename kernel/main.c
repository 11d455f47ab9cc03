// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the module and its device /dev/shpt
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Several, so that nothing waits for its own kind. Adoptions and renewals wait
 * for a guest's mmap_lock, and who holds that may wait for shpt_wq, which takes
 * no guest's lock. Renewals take long, and are not to hold up those who open
 * regions (shpt_hosts_wq). Both wait for faults done on the CPUs of a node.
 */
struct workqueue_struct *shpt_wq;
struct workqueue_struct *shpt_adoption_wq;
struct workqueue_struct *shpt_hosts_wq;
struct workqueue_struct *shpt_renew_wq;
struct workqueue_struct *shpt_node_wq;

/**
 * shpt_copy_args - take a struct of the uapi from a user
 * @args: gets it, with zeroes for what the user does not know
 * @known: its size as we know it
 * @from: where the user has it
 * @size: gets its size as the user knows it
 *
 * Returns 0, -EFAULT, -EINVAL (too short for size and flags) or -E2BIG (not
 * zero beyond what we know, or beyond all reason).
 */
int shpt_copy_args(void *args, size_t known, const void __user *from,
		   u32 *size)
{
	if (get_user(*size, (const u32 __user *)from))
		return -EFAULT;
	if (*size < 2 * sizeof(u32))
		return -EINVAL;
	if (*size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(args, known, from, *size);
}

/* Give it back, as much of it as the user knows. */
int shpt_return_args(void __user *to, u32 size, const void *args,
		     size_t known)
{
	return copy_to_user(to, args, min_t(size_t, size, known)) ? -EFAULT : 0;
}

static long open_region(void __user *argp)
{
	struct shpt_open_region args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.reserved)
		return -EINVAL;
	return shpt_region_open(&args);
}

static long mapping_info(void __user *argp)
{
	struct shpt_mapping_info args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	err = shpt_mapping_info(&args);
	return err ? err : shpt_return_args(argp, size, &args, sizeof(args));
}

static long device_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	switch (cmd) {
	case SHPT_IOC_OPEN_REGION:
		return open_region((void __user *)arg);
	case SHPT_IOC_MAPPING_INFO:
		return mapping_info((void __user *)arg);
	case SHPT_IOC_OPEN_NAMED:
		return shpt_open_named((void __user *)arg);
	case SHPT_IOC_OPEN_ID:
		return shpt_open_id((void __user *)arg);
	case SHPT_IOC_DONATE:
		return shpt_donor_donate();
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shpt",
	.fops = &device_fops,
	.mode = 0660,
	.groups = shpt_device_groups,
};

/* What the mechanism stands on. Says in one line what is missing. */
static int check_ground(void)
{
	const char *missing = NULL;

	if (!IS_ENABLED(CONFIG_FS_DAX))
		missing = "a kernel with CONFIG_FS_DAX";
	else if (!IS_ENABLED(CONFIG_SPLIT_PMD_PTLOCKS))
		missing = "a kernel with page table locks in the tables";
	else if (!IS_ENABLED(CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD))
		missing = "a kernel with PUD-sized faults";
	else if (IS_ENABLED(CONFIG_PREEMPT_RT))
		missing = "a kernel without PREEMPT_RT";
	else if (cpu_feature_enabled(X86_FEATURE_XENPV))
		missing = "hardware page tables (this is a Xen PV guest)";
	if (!missing)
		return 0;
	pr_err("cannot share page tables here: needs %s\n", missing);
	return -EOPNOTSUPP;
}

static void free_workqueues(void)
{
	if (shpt_renew_wq)
		destroy_workqueue(shpt_renew_wq);
	if (shpt_hosts_wq)
		destroy_workqueue(shpt_hosts_wq);
	if (shpt_node_wq)
		destroy_workqueue(shpt_node_wq);
	if (shpt_adoption_wq)
		destroy_workqueue(shpt_adoption_wq);
	if (shpt_wq)
		destroy_workqueue(shpt_wq);
}

static int alloc_workqueues(void)
{
	shpt_wq = alloc_workqueue("shpt", WQ_UNBOUND, 0);
	shpt_adoption_wq = alloc_workqueue("shpt_adoption", WQ_UNBOUND, 0);
	shpt_hosts_wq = alloc_workqueue("shpt_hosts", WQ_UNBOUND, 0);
	shpt_renew_wq = alloc_workqueue("shpt_renew", WQ_UNBOUND, 0);
	shpt_node_wq = alloc_workqueue("shpt_node", 0, 0);
	if (shpt_wq && shpt_adoption_wq && shpt_hosts_wq && shpt_renew_wq &&
	    shpt_node_wq)
		return 0;
	free_workqueues();
	return -ENOMEM;
}

static int __init shpt_init(void)
{
	int err;

	err = check_ground();
	if (err)
		return err;
	shpt_sysfs_prepare();
	err = alloc_workqueues();
	if (err)
		return err;
	err = shpt_tlb_init();
	if (err)
		goto err_workqueues;
	err = shpt_foreign_init();
	if (err)
		goto err_tlb;

	/*
	 * Locked, so that no region is made before it has a place in sysfs. From
	 * misc_register() on there may be users, so nothing may fail any more.
	 */
	mutex_lock(&shpt_open_lock);
	err = misc_register(&device);
	if (!err)
		shpt_sysfs_init(&device.this_device->kobj);
	mutex_unlock(&shpt_open_lock);
	if (err)
		goto err_foreign;
	return 0;

err_foreign:
	shpt_foreign_exit();
err_tlb:
	shpt_tlb_exit();
err_workqueues:
	free_workqueues();
	return err;
}

/* Not called while a region exists: its files and super block pin us. */
static void __exit shpt_exit(void)
{
	shpt_sysfs_exit();
	misc_deregister(&device);
	shpt_foreign_exit();
	/* No guests are left, but processes that once were still notify us. */
	shpt_mm_put_all();
	free_workqueues();
	shpt_tlb_exit();
}

module_init(shpt_init);
module_exit(shpt_exit);
MODULE_DESCRIPTION("Shared page tables for shmem and DAX files");
MODULE_AUTHOR("The shpt authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
