// SPDX-License-Identifier: GPL-2.0-only
/*
 * backing.c - which files can be backings, and what is different about each kind
 *
 * A backing is told by the inode behind its address_space, which is what the
 * host's mapping is found by: the nodes of one device-dax may be many, each
 * with an inode of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/magic.h>
#include <linux/slab.h>

#include "internal.h"

static struct device_attribute *find_attribute(const struct device *dev,
					       const char *name)
{
	const struct attribute_group **group = dev->type->groups;
	struct attribute **attr;

	for (; group && *group; group++) {
		for (attr = (*group)->attrs; attr && *attr; attr++) {
			if (!strcmp((*attr)->name, name))
				return container_of(*attr,
						    struct device_attribute,
						    attr);
		}
	}
	return NULL;
}

/*
 * A number that a device-dax shows in sysfs. Its driver keeps its structs to
 * itself; this is the interface that it promises (sysfs-bus-dax in
 * Documentation/ABI). The open file keeps the device.
 */
static int devdax_number(const struct inode *inode, const char *name,
			 u64 *value)
{
	struct device *dev = kobj_to_dev(inode->i_cdev->kobj.parent);
	struct device_attribute *attr = find_attribute(dev, name);
	char *text;
	int err;

	if (!attr || !attr->show)
		return -ENODEV;
	text = (char *)get_zeroed_page(GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = attr->show(dev, attr, text);
	if (err >= 0)
		err = kstrtou64(text, 0, value);
	free_page((unsigned long)text);
	return err;
}

/*
 * A device-dax is mapped by entries of its alignment. With 1 GiB these are in
 * the PUD table, and below there is no table to share.
 */
static int check_devdax(const struct file *file, const struct inode *inode)
{
	u64 align;
	int err;

	err = devdax_number(inode, "align", &align);
	if (err)
		return err;
	if (align < CHUNK_SIZE)
		return 0;
	pr_notice_ratelimited("%pD is aligned to 1 GiB: it is mapped without page tables that could be shared\n",
			      file);
	return -EOPNOTSUPP;
}

/* The kind of backing that a file is (enum shpt_backing_kind), or an error. */
int shpt_backing_kind(const struct file *file)
{
	const struct inode *inode = file->f_mapping->host;
	int err;

	if (inode->i_sb->s_magic == HUGETLBFS_MAGIC)
		return -EMEDIUMTYPE;
	if (inode->i_sb->s_magic == DAXFS_MAGIC && S_ISCHR(inode->i_mode)) {
		err = check_devdax(file, inode);
		return err ? err : BACKING_DEVDAX;
	}
	if (!S_ISREG(inode->i_mode))
		return -ENODEV;
	if (shmem_mapping(file->f_mapping))
		return BACKING_SHMEM;
	return IS_DAX(inode) ? BACKING_FSDAX : -ENODEV;
}

/* The least of a backing that can be mapped. */
unsigned long shpt_backing_granule(enum shpt_backing_kind kind)
{
	return kind == BACKING_DEVDAX ? PMD_SIZE : PAGE_SIZE;
}

/*
 * A device's inode knows no size. The size can change only while the device is
 * unbound from its driver, so it is asked for once.
 */
int shpt_backing_init(struct shpt_region *region)
{
	if (region->kind != BACKING_DEVDAX)
		return 0;
	return devdax_number(region->key, "size", &region->device_bytes);
}

u64 shpt_backing_bytes(const struct shpt_region *region)
{
	return region->kind == BACKING_DEVDAX ? region->device_bytes :
						i_size_read(region->key);
}
