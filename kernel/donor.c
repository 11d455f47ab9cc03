// SPDX-License-Identifier: GPL-2.0-only
/*
 * donor.c - where the hosts' address spaces come from
 *
 * A module cannot make an mm. So it starts a tiny program as root (module
 * parameter donor), which opens the device, gives its mm away with
 * SHPT_IOC_DONATE and exits. We keep the mm (mmget) and throw out what is
 * mapped in it.
 *
 * An mm from anybody else would be a trap: its former owner may have kept
 * /proc/PID/mem, a userfaultfd or a pidfd of it. So the ioctl is refused to
 * all but the process that call_usermodehelper() made for us: its init
 * callback runs in that very process, before the program, and notes its pid.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/umh.h>

#include "internal.h"

static char *donor = "/usr/libexec/shpt/shpt-donor";
module_param(donor, charp, 0444);
MODULE_PARM_DESC(donor, "program that donates an address space for each region");

struct donation {
	refcount_t users;		/* the one who asked, and the helper */
	struct list_head node;
	struct pid *pid;		/* of the helper, once it runs */
	struct mm_struct *mm;		/* what it gave */
	/* Here, as the helper may start after the one who asked was killed. */
	char *argv[2];
	char *envp[2];
};

static LIST_HEAD(donations);
static DEFINE_SPINLOCK(donations_lock);

static void donation_put(struct donation *d)
{
	if (!refcount_dec_and_test(&d->users))
		return;
	spin_lock(&donations_lock);
	list_del(&d->node);
	spin_unlock(&donations_lock);
	put_pid(d->pid);
	if (d->mm)
		mmput(d->mm);
	kfree(d);
}

/* Runs in the process that becomes the helper. */
static int helper_init(struct subprocess_info *info, struct cred *new)
{
	struct donation *d = info->data;
	struct pid *pid = get_task_pid(current, PIDTYPE_TGID);

	spin_lock(&donations_lock);
	d->pid = pid;
	spin_unlock(&donations_lock);
	return 0;
}

static void helper_cleanup(struct subprocess_info *info)
{
	donation_put(info->data);
	/* Taken in run_helper(): its caller may be gone, and the device closed. */
	module_put(THIS_MODULE);
}

/* SHPT_IOC_DONATE */
int shpt_donor_donate(void)
{
	struct pid *pid = task_tgid(current);
	struct donation *d;
	int err = -EPERM;

	spin_lock(&donations_lock);
	list_for_each_entry(d, &donations, node) {
		if (d->pid != pid || d->mm)
			continue;
		mmget(current->mm);
		d->mm = current->mm;
		err = 0;
		break;
	}
	spin_unlock(&donations_lock);
	return err;
}

static int run_helper(struct donation *d)
{
	struct subprocess_info *info;

	__module_get(THIS_MODULE);
	refcount_inc(&d->users);
	d->argv[0] = donor;
	d->envp[0] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	info = call_usermodehelper_setup(donor, d->argv, d->envp, GFP_KERNEL,
					 helper_init, helper_cleanup, d);
	if (!info) {
		donation_put(d);
		module_put(THIS_MODULE);
		return -ENOMEM;
	}
	/* Consumes info, whatever happens. */
	return call_usermodehelper_exec(info, UMH_WAIT_PROC | UMH_KILLABLE);
}

/**
 * shpt_donor_get_mm - an address space for a new host
 *
 * Sleeps while the helper runs; not under any mmap_lock. Returns the mm with a
 * reference to its users (mmput() ends it), -ENOPKG if the helper did not
 * deliver, -EINTR on a fatal signal, -ENOMEM.
 */
struct mm_struct *shpt_donor_get_mm(void)
{
	struct donation *d = kzalloc(sizeof(*d), GFP_KERNEL);
	struct mm_struct *mm;
	int ret;

	if (!d)
		return ERR_PTR(-ENOMEM);
	refcount_set(&d->users, 1);
	spin_lock(&donations_lock);
	list_add(&d->node, &donations);
	spin_unlock(&donations_lock);

	ret = run_helper(d);

	spin_lock(&donations_lock);
	mm = d->mm;
	d->mm = NULL;
	spin_unlock(&donations_lock);
	donation_put(d);

	if (mm && !ret)
		return mm;
	if (mm)
		mmput(mm);
	if (ret == -ERESTARTSYS)
		return ERR_PTR(-EINTR);
	if (ret == -ENOMEM)
		return ERR_PTR(-ENOMEM);
	pr_warn_ratelimited("helper %s gave no address space (%d); is it installed? See module parameter donor\n",
			    donor, ret);
	return ERR_PTR(-ENOPKG);
}
