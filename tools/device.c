// SPDX-License-Identifier: GPL-2.0-or-later
/* device.c - reach regions through /dev/shpt */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shpt/uapi.h>

#include "shptctl.h"

/* Why a file has no region, where strerror(3) would mislead. */
static const struct {
	int err;
	const char *text;
} reasons[] = {
	{ ENODEV, "no file on tmpfs or on a file system mounted with dax" },
	{ EMEDIUMTYPE, "hugetlb files are shared by the kernel itself" },
	{ EPERM, "it is sealed against writing, append-only, or mapping it is "
		 "forbidden" },
	{ ENOPKG, "the helper of the module did not run; see shptctl explain" },
	{ ENFILE, "too many regions; raise "
		  "/sys/module/shpt/parameters/max_regions" },
	{ EDQUOT, "this user has too many regions; raise "
		  "/sys/module/shpt/parameters/max_regions_per_user" },
};

static const char *reason(int err)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].err == err)
			return reasons[i].text;
	return strerror(err);
}

static int device_ioctl(unsigned long request, void *arg)
{
	int device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);
	int fd, err;

	if (device < 0)
		die(EXIT_FAILURE,
		    "cannot open " SHPT_DEVICE ": %s; see shptctl explain",
		    strerror(errno));
	do
		fd = ioctl(device, request, arg);
	while (fd < 0 && errno == EINTR);
	err = errno;
	close(device);
	errno = err;
	return fd;
}

static int open_backing(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die(EXIT_FAILURE, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

_Noreturn static void refused(const char *path, int err)
{
	die(EXIT_FAILURE, "cannot share %s: %s", path, reason(err));
}

int region_open_file(const char *path, int flags)
{
	struct shpt_open_region args = { .size = sizeof(args) };
	int fd;

	args.backing_fd = open_backing(path, flags);
	fd = device_ioctl(SHPT_IOC_OPEN_REGION, &args);
	if (fd < 0)
		refused(path, errno);
	close(args.backing_fd);
	return fd;
}

void region_check_file(const char *path)
{
	int fd = open_backing(path, O_RDWR);
	enum file_kind kind = file_kind(fd);

	close(fd);
	if (kind == FILE_OTHER)
		refused(path, ENODEV);
	if (kind == FILE_HUGETLB)
		refused(path, EMEDIUMTYPE);
}

int region_open_name(const char *name)
{
	struct shpt_open_named args = { .size = sizeof(args) };

	snprintf(args.name, sizeof(args.name), "%s", name);
	return device_ioctl(SHPT_IOC_OPEN_NAMED, &args);
}

int region_try_id(uint64_t id)
{
	struct shpt_open_id args = { .size = sizeof(args), .id = id };
	int fd = device_ioctl(SHPT_IOC_OPEN_ID, &args);

	if (fd >= 0 || errno == ENOENT)
		return fd;
	if (errno == EPERM)
		die(EXIT_FAILURE,
		    "cannot open region %" PRIu64 ": only root and the owner "
		    "of a registered region may",
		    id);
	die(EXIT_FAILURE, "cannot open region %" PRIu64 ": %s", id,
	    strerror(errno));
}

int region_open_id(uint64_t id)
{
	int fd = region_try_id(id);

	if (fd < 0)
		die(EXIT_FAILURE, "there is no region %" PRIu64, id);
	return fd;
}
