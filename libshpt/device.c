// SPDX-License-Identifier: LGPL-2.1-or-later
/* device.c - reach the kernel part: the device, and the region of an open file */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
	struct shpt_region_info info = { .size = sizeof(info) };

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

/*
 * A mapping keeps the fd of its region, which is the region's only. One of the
 * file would be as the program's own: closing it would drop the program's locks
 * (fcntl(2)), keeping it keep others (flock(2)). Takes @fd; returns NULL with
 * errno and @fd closed if there is no room.
 */
struct held_region *hold_region(int fd, uint64_t id)
{
	struct held_region *region = calloc(1, sizeof(*region));

	int low = fd;

	/* Not where a program that closed it will open a standard stream. */
	if (fd <= STDERR_FILENO) {
		fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(low);
	}
	if (!region || fd < 0) {
		int err = fd < 0 ? EMFILE : ENOMEM;

		free(region);
		if (fd >= 0)
			close(fd);
		errno = err;
		return NULL;
	}
	*region = (struct held_region){ .fd = fd, .id = id, .entries = 1 };
	return region;
}

/* A program that closes all descriptors closes this one, too, and may use its
 * number again. */
static bool is_held(const struct held_region *region)
{
	return region->id && region_id(region->fd) == region->id;
}

/* By one of the table's entries. */
void release_region(struct held_region *region)
{
	if (!region || --region->entries)
		return;
	if (is_held(region))
		close(region->fd);
	free(region);
}

/* Another fd for the region of a mapping, or -1. */
int region_of_mapping(const struct mapping *m)
{
	if (!m->region || !is_held(m->region))
		return -1;
	return fcntl(m->region->fd, F_DUPFD_CLOEXEC, 0);
}
