// SPDX-License-Identifier: GPL-2.0-only
/*
 * register.c - give a region a name, and keep it without guests
 *
 * A registration is a region file that the module itself holds: while it does,
 * the region lives on with its host, its tables and its backing, and pins the
 * module as any other. What a name adds is that others can ask for a region
 * file, as if its owner had passed them one over a socket; to whom he would
 * have passed one is what owner, group and mode say. So the right to register
 * is to have a file open for reading and writing, and the backing's own
 * permissions are not asked again; but all else that has a say in who opens and
 * maps it is. As the module's file is one for writing, the writable host stays,
 * and the backing cannot be sealed meanwhile.
 *
 * User namespaces. There is one space of names, as there is one module and one
 * device, whoever may open that. Owners and quotas go by kuid: user 1000 of one
 * container is not user 1000 of another. Capabilities are asked for in the
 * initial namespace (capable()): quotas protect kernel memory that is not a
 * container's, and names of other containers' users are nothing that its root
 * rules over. He is in here what his kuid is, the owner of his own.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

static unsigned int max_registered = 256;
module_param(max_registered, uint, 0644);
MODULE_PARM_DESC(max_registered, "regions that may be registered at a time");

static unsigned int max_registered_per_user = 32;
module_param(max_registered_per_user, uint, 0644);
MODULE_PARM_DESC(max_registered_per_user, "of these, owned by one user who lacks CAP_SYS_RESOURCE");

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry);		/* all below: registry_lock */
static unsigned int nr_registered;

/* For show; it may have changed when the caller looks at it. */
unsigned int shpt_registered(void)
{
	return READ_ONCE(nr_registered);
}

/* The name without the slash that it may begin with, or an ERR_PTR. */
static const char *plain_name(const char *name)
{
	const char *c;

	if (strnlen(name, SHPT_NAME_BYTES) == SHPT_NAME_BYTES)
		return ERR_PTR(-ENAMETOOLONG);
	if (*name == '/' && !*++name)
		return ERR_PTR(-EINVAL);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return ERR_PTR(-EINVAL);
	for (c = name; *c; c++) {
		if (*c == '/' || iscntrl(*c))
			return ERR_PTR(-EINVAL);
	}
	return name;
}

static struct shpt_registration *registration_find(const char *name)
{
	struct shpt_registration *reg;

	list_for_each_entry(reg, &registry, list) {
		if (!strcmp(reg->name, name))
			return reg;
	}
	return NULL;
}

static int check_quotas(const struct shpt_registration *new)
{
	struct shpt_registration *reg;
	unsigned int own = 0;

	if (nr_registered >= READ_ONCE(max_registered))
		return -ENFILE;
	list_for_each_entry(reg, &registry, list)
		own += uid_eq(reg->uid, new->uid);
	if (own < READ_ONCE(max_registered_per_user))
		return 0;
	return capable(CAP_SYS_RESOURCE) ? 0 : -EDQUOT;
}

/* Under registry_lock. */
static int registration_add(struct shpt_region *region,
			    struct shpt_registration *reg)
{
	int err;

	lockdep_assert_held(&registry_lock);
	if (region->registration)
		return -EALREADY;
	if (*reg->name && registration_find(reg->name))
		return -EEXIST;
	err = check_quotas(reg);
	if (err)
		return err;
	reg->file = shpt_region_reopen(region, O_RDWR);
	if (IS_ERR(reg->file))
		return PTR_ERR(reg->file);
	region->registration = reg;
	err = sysfs_create_group(&region->kobj, &shpt_registration_group);
	if (err) {
		region->registration = NULL;
		fput(reg->file);
		return err;
	}
	list_add_tail(&reg->list, &registry);
	WRITE_ONCE(nr_registered, nr_registered + 1);
	return 0;
}

/**
 * shpt_register - SHPT_IOC_REGISTER
 * @file: the caller's file of the region
 * @argp: struct shpt_register
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
long shpt_register(struct file *file, void __user *argp)
{
	struct shpt_registration *reg;
	struct shpt_register args;
	const char *name;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.flags || args.reserved || args.mode & ~0666)
		return -EINVAL;
	name = plain_name(args.name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EACCES;

	reg = kzalloc(sizeof(*reg), GFP_KERNEL_ACCOUNT);
	if (!reg)
		return -ENOMEM;
	reg->uid = current_fsuid();
	reg->gid = current_fsgid();
	reg->mode = args.mode & ~current_umask();
	strscpy(reg->name, name, sizeof(reg->name));
	mutex_lock(&registry_lock);
	err = registration_add(shpt_region_of(file), reg);
	mutex_unlock(&registry_lock);
	if (err)
		kfree(reg);
	return err;
}

static bool is_owner(const struct shpt_registration *reg)
{
	return uid_eq(reg->uid, current_fsuid());
}

/* Under registry_lock; gives the registration to the caller. */
static struct shpt_registration *registration_take(struct shpt_region *region)
{
	struct shpt_registration *reg = region->registration;

	lockdep_assert_held(&registry_lock);
	if (!reg)
		return ERR_PTR(-ENOENT);
	if (!is_owner(reg) && !capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	sysfs_remove_group(&region->kobj, &shpt_registration_group);
	region->registration = NULL;
	list_del(&reg->list);
	WRITE_ONCE(nr_registered, nr_registered - 1);
	return reg;
}

/* SHPT_IOC_UNREGISTER; the caller has a file of the region. */
long shpt_unregister(struct shpt_region *region, void __user *argp)
{
	struct shpt_registration *reg;
	struct shpt_unregister args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	mutex_lock(&registry_lock);
	reg = registration_take(region);
	mutex_unlock(&registry_lock);
	if (IS_ERR(reg))
		return PTR_ERR(reg);
	fput(reg->file);
	kfree(reg);
	return 0;
}

/* May the caller read (04) or read and write (06) it, as if it were a file? */
static bool may_open(const struct shpt_registration *reg, umode_t want)
{
	umode_t mode = reg->mode;

	if (is_owner(reg))
		mode >>= 6;
	else if (in_group_p(reg->gid))
		mode >>= 3;
	return (mode & want) == want || capable(CAP_DAC_OVERRIDE);
}

/* The module's own file of a named region, with a reference for the caller. */
static struct file *named_file(const char *name, umode_t want)
{
	struct shpt_registration *reg;
	struct file *file;

	mutex_lock(&registry_lock);
	reg = registration_find(name);
	if (!reg)
		file = ERR_PTR(-ENOENT);
	else if (!may_open(reg, want))
		file = ERR_PTR(-EACCES);
	else
		file = get_file(reg->file);
	mutex_unlock(&registry_lock);
	return file;
}

/* A new fd for a file, which is the caller's no more, or an error. */
static int install(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

/* SHPT_IOC_OPEN_NAMED: a new fd or an error of <shpt/uapi.h>. */
long shpt_open_named(void __user *argp)
{
	struct shpt_open_named args;
	struct shpt_region *region;
	struct file *file;
	const char *name;
	bool write;
	u32 size;
	int ret;

	ret = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (ret)
		return ret;
	name = plain_name(args.name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	if (args.flags & ~SHPT_OPEN_READ_ONLY || !*name)
		return -EINVAL;
	write = !(args.flags & SHPT_OPEN_READ_ONLY);
	file = named_file(name, write ? 06 : 04);
	if (IS_ERR(file))
		return PTR_ERR(file);
	region = shpt_region_of(file);
	ret = shpt_region_ask_mmap(region, write ? ACCESS_WRITE : ACCESS_READ);
	if (!ret)
		ret = install(shpt_region_reopen(region, write ? O_RDWR :
							 O_RDONLY));
	fput(file);
	return ret;
}

/* May the caller steer a region that he has no file of? */
static bool may_steer(struct shpt_region *region)
{
	bool owner;

	mutex_lock(&registry_lock);
	owner = region->registration && is_owner(region->registration);
	mutex_unlock(&registry_lock);
	return owner || capable(CAP_SYS_ADMIN);
}

/* SHPT_IOC_OPEN_ID: a new fd or an error of <shpt/uapi.h>. */
long shpt_open_id(void __user *argp)
{
	struct shpt_open_id args;
	struct file *file;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.flags)
		return -EINVAL;
	file = shpt_region_open_id(args.id);
	if (!IS_ERR(file) && !may_steer(shpt_region_of(file))) {
		fput(file);
		return -EPERM;
	}
	return install(file);
}
