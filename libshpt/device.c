// SPDX-License-Identifier: LGPL-2.1-or-later
/* device.c - reach the kernel part: the device, and the region of an open file */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

/* What statfs(2) says of region fds: "shpt". */
#define REGION_FS_MAGIC 0x73687074

int ioctl_again(int fd, unsigned long request, void *arg)
{
	int n;

	do
		n = ioctl(fd, request, arg);
	while (n < 0 && errno == EINTR);
	return n;
}

int open_device(struct reason *why)
{
	int device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);

	return device < 0 ? refuse_device(errno, why) : device;
}

/* An ioctl could mean something else to a file that is no region's. */
bool is_region(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == REGION_FS_MAGIC;
}

/*
 * A region fd for the file @fd, which may also be a region fd itself. @flags
 * are SHPT_OPEN_*. Returns -1 with errno, and no reason yet, if it fails.
 */
int open_region(int device, int fd, uint32_t flags)
{
	struct shpt_open_region arg = {
		.size = sizeof(arg),
		.backing_fd = fd,
		.flags = flags,
	};
	int region = ioctl_again(device, SHPT_IOC_OPEN_REGION, &arg);

	if (region < 0 && errno == ENODEV) {
		if (is_region(fd))
			return fcntl(fd, F_DUPFD_CLOEXEC, 0);
		errno = ENODEV;
	}
	return region;
}

/* The number of a region by its fd, 0 if it is none. */
uint64_t region_id(int region)
{
	struct shpt_region_info info = {
		.size = offsetof(struct shpt_region_info, backing_bytes),
	};

	if (!is_region(region) ||
	    ioctl_again(region, SHPT_IOC_REGION_INFO, &info))
		return 0;
	return info.id;
}

/* The region of a file for one call: writable if the file is. */
int region_of(int fd, struct reason *why)
{
	int device, region, err;

	if (fcntl(fd, F_GETFD) < 0)
		return refuse(why, EBADF,
			      "file descriptor %d is not open: pass an open "
			      "file",
			      fd);
	if (is_region(fd)) {
		region = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return region < 0 ? refuse_region(errno, fd, why) : region;
	}
	device = open_device(why);
	if (device < 0)
		return -1;
	region = open_region(device, fd, 0);
	err = errno;
	close(device);
	return region < 0 ? refuse_region(err, fd, why) : region;
}
