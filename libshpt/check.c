// SPDX-License-Identifier: LGPL-2.1-or-later
/* check.c - whether a file can be mapped by huge entries, and what to do */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What there is to say about a file; "" if nothing. */
struct advice {
	char text[LIBSHPT_ADVICE_BYTES];
};

static int advise(struct advice *advice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int advise(struct advice *advice, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(advice->text, sizeof(advice->text), format, args);
	va_end(args);
	return 0;
}

/* Where the file's partition begins on its device. */
static uint64_t partition_start(int fd)
{
	unsigned long long sectors = 0;
	char path[64], line[32];
	struct stat st;

	if (fstat(fd, &st))
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/start",
		 major(st.st_dev), minor(st.st_dev));
	if (read_line(AT_FDCWD, path, line, sizeof(line)))
		sectors = strtoull(line, NULL, 10);
	return sectors * 512;
}

/* How to make a file system whose allocations are aligned. */
static const char *how_to_format(const char *fs)
{
	if (strcmp(fs, "ext4") == 0)
		return "\"mkfs.ext4 -b 4096 -E stride=512,stripe_width=512\"";
	if (strcmp(fs, "xfs") == 0)
		return "\"mkfs.xfs -m reflink=0 -d su=2m,sw=1\"";
	return "an allocation unit of 2 MiB";
}

static int advise_extents(int fd, const char *name, struct pieces p,
			  struct advice *advice)
{
	char fs[FS_NAME_BYTES];

	return advise(
		advice,
		"%s: of %llu pieces of 2 MiB, %llu begin on the device at "
		"no multiple of 2 MiB, %llu are in fragments and %llu "
		"have holes only: make the file system with %s, and the "
		"file in one go with \"fallocate -l BYTES FILE\" while "
		"much is free",
		name, (unsigned long long)p.all,
		(unsigned long long)p.misaligned,
		(unsigned long long)p.fragmented, (unsigned long long)p.holes,
		how_to_format(file_system(fd, fs)));
}

static int check_extents(int fd, const char *name, struct advice *advice,
			 struct reason *why)
{
	uint64_t start = partition_start(fd);
	struct extent *extents;
	struct pieces p;
	struct stat st;
	size_t n;

	if (fstat(fd, &st) || read_extents(fd, &extents, &n))
		return refuse(why, errno, "the extents of %s: %m", name);
	for (size_t i = 0; i < n; i++)
		extents[i].physical += start;
	p = count_pieces(extents, n, st.st_size);
	free(extents);
	if (p.all == 0)
		return advise(
			advice,
			"%s has %lld bytes, and an entry maps 2 MiB: make "
			"it larger",
			name, (long long)st.st_size);
	if (start % HUGE_BYTES)
		return advise(
			advice,
			"%s is on a partition that begins at byte %llu of "
			"its device: make one that begins at a multiple "
			"of 2 MiB",
			name, (unsigned long long)start);
	if (p.misaligned || p.fragmented || p.holes)
		return advise_extents(fd, name, p, advice);
	return 0;
}

static int advise_system_ram(const char *device, struct advice *advice)
{
	return advise(advice,
		      "%s is in system-ram mode, its memory is the kernel's: "
		      "give it back with \"daxctl reconfigure-device "
		      "--mode=devdax --force %s\"",
		      device, device);
}

static int check_device(int fd, const char *name, struct advice *advice)
{
	struct device_dax device = { .align = HUGE_BYTES };
	struct stat st;

	if (fstat(fd, &st) == 0)
		find_device_dax(NULL, st.st_rdev, &device);
	if (device.system_ram)
		return advise_system_ram(base_name(name), advice);
	if (device.align < HUGE_BYTES)
		return advise(advice,
			      "%s, %llu bytes, is aligned to %zu: make it anew "
			      "with \"ndctl create-namespace -f -e NAMESPACE "
			      "-m devdax -a 2M\", which loses what is on it",
			      name, (unsigned long long)device.size,
			      device.align);
	return 0;
}

static int check_other(int fd, const char *name, struct advice *advice,
		       struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return refuse(why, errno, "%s: %m", name);
	if (S_ISDIR(st.st_mode))
		return refuse(why, EISDIR,
			      "%s is a directory: name a file in it", name);
	if (!S_ISREG(st.st_mode))
		return refuse(why, ENOTSUP,
			      "%s is neither a regular file nor a device-dax",
			      name);
	refuse_region(ENODEV, fd, why);
	return advise(advice, "%s", why->text);
}

static int check_open(int fd, struct advice *advice, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *name = file_name(fd, buffer);

	switch (file_kind(fd)) {
	case FILE_FSDAX:
		return check_extents(fd, name, advice, why);
	case FILE_DEVDAX:
		return check_device(fd, name, advice);
	case FILE_SHMEM:
		if (check_huge_shmem(fd, why))
			advise(advice, "%s", why->text);
		return 0;
	case FILE_HUGETLB:
		return 0;
	default:
		return check_other(fd, name, advice, why);
	}
}

/* In system-ram mode a device-dax has no node below /dev, or a dead one. */
static int check_closed(const char *path, int err, struct advice *advice,
			struct reason *why)
{
	const char *name = base_name(path);
	struct device_dax device = { 0 };

	if ((err == ENOENT || err == ENXIO || err == ENODEV) &&
	    find_device_dax(name, 0, &device) && device.system_ram)
		return advise_system_ram(name, advice);
	return refuse(why, err, "%.128s cannot be opened for reading: %m",
		      path);
}

static int check_path(const char *path, struct advice *advice,
		      struct reason *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0)
		return check_closed(path, errno, advice, why);
	err = check_open(fd, advice, why);
	close(fd);
	return err;
}

LIBSHPT_EXPORT int libshpt_check_file(const char *path, char *advice,
				      size_t size)
{
	struct advice found = { "" };
	struct reason why;

	if (!path || !advice || size == 0) {
		refuse(&why, EINVAL,
		       "advice of %zu bytes at %p: pass a path, a buffer and "
		       "its size",
		       size, (void *)advice);
		return fail_with(&why);
	}
	if (check_path(path, &found, &why))
		return fail_with(&why);
	snprintf(advice, size, "%s", found.text);
	return found.text[0] != '\0';
}
