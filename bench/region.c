// SPDX-License-Identifier: GPL-2.0-or-later
/* region.c - the module: a file's region, held and filled ahead of use */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <shpt/uapi.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

bool module_loaded(void)
{
	return !access("/dev/shpt", F_OK);
}

int region_open(const struct file *file)
{
	struct shpt_open_region open_region = {
		.size = sizeof(open_region),
		.backing_fd = file->fd,
	};
	int device = open("/dev/shpt", O_RDWR | O_CLOEXEC), region;

	if (device < 0)
		die("cannot open /dev/shpt: %s", strerror(errno));
	region = ioctl(device, SHPT_IOC_OPEN_REGION, &open_region);
	if (region < 0)
		die("%s: the module does not serve this file: %s",
		    backing_names[file->backing], strerror(errno));
	close(device);
	return region;
}

/* Only the pages that the file has. */
void region_populate(int region, const struct file *file)
{
	bool all = file->stride == PAGE;
	struct shpt_populate populate = {
		.size = sizeof(populate),
		.length = all ? file->bytes : PAGE,
	};

	do {
		if (ioctl(region, SHPT_IOC_POPULATE, &populate))
			die("%s: cannot fill the region's page tables: %s",
			    backing_names[file->backing], strerror(errno));
		populate.offset += all ? file->bytes : file->stride;
	} while (populate.offset < file->bytes);
}
