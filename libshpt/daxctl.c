// SPDX-License-Identifier: LGPL-2.1-or-later
/* daxctl.c - what a device-dax is, by libdaxctl; else see alone.c */
#include <daxctl/libdaxctl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "internal.h"

static bool is_it(struct daxctl_dev *dev, const char *name, dev_t number)
{
	if (name)
		return strcmp(daxctl_dev_get_devname(dev), name) == 0;
	return (unsigned int)daxctl_dev_get_major(dev) == major(number) &&
	       (unsigned int)daxctl_dev_get_minor(dev) == minor(number);
}

static struct daxctl_dev *find(struct daxctl_ctx *ctx, const char *name,
			       dev_t number)
{
	struct daxctl_region *region = daxctl_region_get_first(ctx);
	struct daxctl_dev *dev;

	for (; region; region = daxctl_region_get_next(region)) {
		dev = daxctl_dev_get_first(region);
		for (; dev; dev = daxctl_dev_get_next(dev))
			if (is_it(dev, name, number))
				return dev;
	}
	return NULL;
}

/*
 * Finds the device by its name, such as "dax0.0", or where @name is NULL by its
 * number. Returns false, and leaves @facts alone, if there is none.
 */
bool find_device_dax(const char *name, dev_t number, struct device_dax *facts)
{
	struct daxctl_ctx *ctx;
	struct daxctl_dev *dev;

	if (daxctl_new(&ctx))
		return false;
	/* What goes wrong shows in what is found; stderr is not ours. */
	daxctl_set_log_priority(ctx, 0);
	dev = find(ctx, name, number);
	if (dev) {
		if (daxctl_dev_get_align(dev))
			facts->align = daxctl_dev_get_align(dev);
		facts->size = daxctl_dev_get_size(dev);
		facts->system_ram = daxctl_dev_get_memory(dev);
	}
	daxctl_unref(ctx);
	return dev;
}
