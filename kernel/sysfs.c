// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs.c - facts for people and scripts, one value per file
 *
 * /sys/class/misc/shpt/FACT sums up all regions, .../region/ID/FACT is one.
 * A fact is a member of struct shpt_region_info. The path of a backing is for
 * root only, as /proc/PID/maps is not for all.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "internal.h"

struct kobject *shpt_region_dir;

/* All members are 64 bits wide, and none reaches the sign but saved_bytes. */
static ssize_t emit_member(char *buf, const struct shpt_region_info *info,
			   size_t offset)
{
	return sysfs_emit(buf, "%lld\n", *(s64 *)((char *)info + offset));
}

/* Why chunks were unlinked: a folder of its own, with a file for each cause. */
static const char *const causes[SHPT_UNLINK_CAUSES] = {
	[SHPT_UNLINK_UNMAP] = "unmap",
	[SHPT_UNLINK_DISCARD] = "discard",
	[SHPT_UNLINK_ACCESS] = "access",
	[SHPT_UNLINK_SOFT_DIRTY] = "soft_dirty",
	[SHPT_UNLINK_EXIT] = "exit",
	[SHPT_UNLINK_RETIRED] = "retired",
	[SHPT_UNLINK_FOREIGN] = "foreign",
	[SHPT_UNLINK_OTHER] = "other",
};

/* Of the module as a whole */

struct device_fact {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t device_fact_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct device_fact *fact = container_of(attr, struct device_fact,
						attr);
	struct shpt_region_info sum;
	unsigned int count;

	shpt_regions_info(&sum, &count);
	if (fact->offset == offsetof(struct shpt_region_info, saved_bytes))
		sum.saved_bytes = shpt_regions_saved_bytes();
	return emit_member(buf, &sum, fact->offset);
}

static ssize_t regions_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct shpt_region_info sum;
	unsigned int count;

	shpt_regions_info(&sum, &count);
	return sysfs_emit(buf, "%u\n", count);
}
static DEVICE_ATTR_RO(regions);

static ssize_t registered_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", shpt_registered());
}
static DEVICE_ATTR_RO(registered);

#define DEVICE_FACT(_name)						\
	static struct device_fact device_##_name = {			\
		.attr.attr = { .name = #_name, .mode = 0444 },		\
		.attr.show = device_fact_show,				\
		.offset = offsetof(struct shpt_region_info, _name),	\
	}

DEVICE_FACT(hosts);
DEVICE_FACT(guests);
DEVICE_FACT(links);
DEVICE_FACT(table_bytes);
DEVICE_FACT(parked_bytes);
DEVICE_FACT(saved_bytes);
DEVICE_FACT(faults_served);
DEVICE_FACT(flushes);
DEVICE_FACT(unlinks);
DEVICE_FACT(misplaced);
DEVICE_FACT(reclaimed);

static struct attribute *device_attrs[] = {
	&dev_attr_regions.attr,
	&dev_attr_registered.attr,
	&device_hosts.attr.attr,
	&device_guests.attr.attr,
	&device_links.attr.attr,
	&device_table_bytes.attr.attr,
	&device_parked_bytes.attr.attr,
	&device_saved_bytes.attr.attr,
	&device_faults_served.attr.attr,
	&device_flushes.attr.attr,
	&device_unlinks.attr.attr,
	&device_misplaced.attr.attr,
	&device_reclaimed.attr.attr,
	NULL
};

static const struct attribute_group device_group = {
	.attrs = device_attrs,
};

/* Both made by shpt_sysfs_prepare(). */
static struct device_fact device_causes[SHPT_UNLINK_CAUSES];
static struct attribute *device_cause_attrs[SHPT_UNLINK_CAUSES + 1];

static const struct attribute_group device_cause_group = {
	.name = "unlinks_by",
	.attrs = device_cause_attrs,
};

const struct attribute_group *shpt_device_groups[] = {
	&device_group,
	&device_cause_group,
	NULL
};

/* Of one region */

struct region_fact {
	struct kobj_attribute attr;
	size_t offset;
};

static struct shpt_region *to_region(struct kobject *kobj)
{
	return container_of(kobj, struct shpt_region, kobj);
}

static ssize_t region_fact_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	struct region_fact *fact = container_of(attr, struct region_fact,
						attr);
	struct shpt_region_info info;

	shpt_region_info(to_region(kobj), &info, fact->offset ==
			 offsetof(struct shpt_region_info, saved_bytes));
	return emit_member(buf, &info, fact->offset);
}

static ssize_t backing_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
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
	__ATTR(backing, 0400, backing_show, NULL);

/* A line for each host: its access, its node (-1: none), bytes of its tables. */
static ssize_t nodes_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	static const char * const names[] = {
		[ACCESS_READ] = "read",
		[ACCESS_WRITE] = "write",
		[ACCESS_SYNC] = "sync",
	};
	struct shpt_host *host = NULL;
	int len = 0;

	while ((host = shpt_hosts_next(to_region(kobj), host)))
		len += sysfs_emit_at(buf, len, "%s %d %lu\n",
				     names[host->access], host->node,
				     mm_pgtables_bytes(host->mm));
	return len;
}

static struct kobj_attribute region_nodes = __ATTR_RO(nodes);

/* The policy. */
static ssize_t node_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	int node = READ_ONCE(to_region(kobj)->node);

	if (node == SHPT_NODE_ONE)
		return sysfs_emit(buf, "one\n");
	if (node == SHPT_NODE_LOCAL)
		return sysfs_emit(buf, "local\n");
	return sysfs_emit(buf, "%d\n", node);
}

static struct kobj_attribute region_node = __ATTR_RO(node);

static ssize_t reclaim_mode_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[SHPT_RECLAIM_NEVER] = "never",
		[SHPT_RECLAIM_ADVISE] = "advise",
		[SHPT_RECLAIM_ALWAYS] = "always",
	};

	return sysfs_emit(buf, "%s\n",
			  names[READ_ONCE(to_region(kobj)->reclaim_mode)]);
}

static struct kobj_attribute region_reclaim_mode = __ATTR_RO(reclaim_mode);

static ssize_t locked_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_region(kobj)->locked));
}

static struct kobj_attribute region_locked = __ATTR_RO(locked);

#define REGION_FACT(_name)						\
	static struct region_fact region_##_name = {			\
		.attr.attr = { .name = #_name, .mode = 0444 },		\
		.attr.show = region_fact_show,				\
		.offset = offsetof(struct shpt_region_info, _name),	\
	}

REGION_FACT(backing_bytes);
REGION_FACT(hosts);
REGION_FACT(guests);
REGION_FACT(links);
REGION_FACT(table_bytes);
REGION_FACT(parked_bytes);
REGION_FACT(saved_bytes);
REGION_FACT(faults_served);
REGION_FACT(flushes);
REGION_FACT(unlinks);
REGION_FACT(misplaced);
REGION_FACT(reclaimed);

static struct attribute *region_attrs[] = {
	&region_backing.attr,
	&region_backing_bytes.attr.attr,
	&region_hosts.attr.attr,
	&region_guests.attr.attr,
	&region_links.attr.attr,
	&region_table_bytes.attr.attr,
	&region_parked_bytes.attr.attr,
	&region_saved_bytes.attr.attr,
	&region_faults_served.attr.attr,
	&region_flushes.attr.attr,
	&region_unlinks.attr.attr,
	&region_misplaced.attr.attr,
	&region_reclaimed.attr.attr,
	&region_nodes.attr,
	&region_node.attr,
	&region_reclaim_mode.attr,
	&region_locked.attr,
	NULL
};

static const struct attribute_group region_group = {
	.attrs = region_attrs,
};

static struct region_fact region_causes[SHPT_UNLINK_CAUSES];
static struct attribute *region_cause_attrs[SHPT_UNLINK_CAUSES + 1];

static const struct attribute_group region_cause_group = {
	.name = "unlinks_by",
	.attrs = region_cause_attrs,
};

const struct attribute_group *shpt_region_groups[] = {
	&region_group,
	&region_cause_group,
	NULL
};

/*
 * Of one that is registered. The files are there as long as the registration
 * is: who takes them away waits for who reads them.
 */
static ssize_t name_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", to_region(kobj)->registration->name);
}

static ssize_t uid_show(struct kobject *kobj, struct kobj_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  from_kuid(&init_user_ns,
				    to_region(kobj)->registration->uid));
}

static ssize_t gid_show(struct kobject *kobj, struct kobj_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  from_kgid(&init_user_ns,
				    to_region(kobj)->registration->gid));
}

static ssize_t mode_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%04o\n", to_region(kobj)->registration->mode);
}

static struct kobj_attribute registration_name = __ATTR_RO(name);
static struct kobj_attribute registration_uid = __ATTR_RO(uid);
static struct kobj_attribute registration_gid = __ATTR_RO(gid);
static struct kobj_attribute registration_mode = __ATTR_RO(mode);

static struct attribute *registration_attrs[] = {
	&registration_name.attr,
	&registration_uid.attr,
	&registration_gid.attr,
	&registration_mode.attr,
	NULL
};

const struct attribute_group shpt_registration_group = {
	.attrs = registration_attrs,
};

/* Before anything here is shown. */
void __init shpt_sysfs_prepare(void)
{
	unsigned int i;

	for (i = 0; i < SHPT_UNLINK_CAUSES && causes[i]; i++) {
		size_t offset = offsetof(struct shpt_region_info,
					 unlinks_by[i]);

		device_causes[i] = (struct device_fact) {
			.attr.attr = { .name = causes[i], .mode = 0444 },
			.attr.show = device_fact_show,
			.offset = offset,
		};
		device_cause_attrs[i] = &device_causes[i].attr.attr;
		region_causes[i] = (struct region_fact) {
			.attr.attr = { .name = causes[i], .mode = 0444 },
			.attr.show = region_fact_show,
			.offset = offset,
		};
		region_cause_attrs[i] = &region_causes[i].attr.attr;
	}
}

/* Without memory there will be no regions: see region_create(). */
void shpt_sysfs_init(struct kobject *device)
{
	shpt_region_dir = kobject_create_and_add("region", device);
}

void shpt_sysfs_exit(void)
{
	kobject_put(shpt_region_dir);
}
