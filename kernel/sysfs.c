// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs.c - facts for people and scripts, one value per file
 *
 * /sys/class/misc/shpt/FACT sums up all regions, .../region/ID/FACT is one.
 * The path of a backing is for root only, as /proc/PID/maps is not for all.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "internal.h"

struct kobject *shpt_region_dir;

/* The facts that both levels have: name, format, expression on the info. */
#define SHARED_FACTS(FACT)				\
	FACT(hosts, "%llu")				\
	FACT(guests, "%llu")				\
	FACT(links, "%llu")				\
	FACT(table_bytes, "%llu")			\
	FACT(parked_bytes, "%llu")			\
	FACT(saved_bytes, "%lld")			\
	FACT(faults_served, "%llu")			\
	FACT(flushes, "%llu")				\
	FACT(unlinks, "%llu")

#define DEVICE_FACT(name, format)					\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct shpt_region_info sum;					\
	unsigned int count;						\
									\
	shpt_regions_info(&sum, &count);				\
	return sysfs_emit(buf, format "\n", sum.name);			\
}									\
static DEVICE_ATTR_RO(name);

SHARED_FACTS(DEVICE_FACT)

static ssize_t regions_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct shpt_region_info sum;
	unsigned int count;

	shpt_regions_info(&sum, &count);
	return sysfs_emit(buf, "%u\n", count);
}
static DEVICE_ATTR_RO(regions);

#define DEVICE_ATTR_POINTER(name, format) &dev_attr_##name.attr,

static struct attribute *device_attrs[] = {
	&dev_attr_regions.attr,
	SHARED_FACTS(DEVICE_ATTR_POINTER)
	NULL
};

static const struct attribute_group device_group = {
	.attrs = device_attrs,
};

const struct attribute_group *shpt_device_groups[] = {
	&device_group,
	NULL
};

static struct shpt_region *to_region(struct kobject *kobj)
{
	return container_of(kobj, struct shpt_region, kobj);
}

#define REGION_FACT(name, format)					\
static ssize_t region_##name##_show(struct kobject *kobj,		\
				    struct kobj_attribute *attr,	\
				    char *buf)				\
{									\
	struct shpt_region_info info;					\
									\
	shpt_region_info(to_region(kobj), &info);			\
	return sysfs_emit(buf, format "\n", info.name);			\
}									\
static struct kobj_attribute region_##name =				\
	__ATTR(name, 0444, region_##name##_show, NULL);

SHARED_FACTS(REGION_FACT)
REGION_FACT(backing_bytes, "%llu")

static ssize_t region_backing_show(struct kobject *kobj,
				   struct kobj_attribute *attr, char *buf)
{
	char *path = d_path(&to_region(kobj)->backing->f_path, buf,
			    PAGE_SIZE - 1);
	size_t len;

	if (IS_ERR(path))
		return PTR_ERR(path);
	len = strlen(path);
	memmove(buf, path, len);
	buf[len] = '\n';
	return len + 1;
}
static struct kobj_attribute region_backing =
	__ATTR(backing, 0400, region_backing_show, NULL);

#define REGION_ATTR_POINTER(name, format) &region_##name.attr,

static struct attribute *region_attrs[] = {
	&region_backing.attr,
	&region_backing_bytes.attr,
	SHARED_FACTS(REGION_ATTR_POINTER)
	NULL
};

static const struct attribute_group region_group = {
	.attrs = region_attrs,
};

const struct attribute_group *shpt_region_groups[] = {
	&region_group,
	NULL
};

/* Without memory there will be no regions: see region_create(). */
void shpt_sysfs_init(struct kobject *device)
{
	shpt_region_dir = kobject_create_and_add("region", device);
}

void shpt_sysfs_exit(void)
{
	kobject_put(shpt_region_dir);
}
