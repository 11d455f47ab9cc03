// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * backing.c - a file for anonymous shared memory
 *
 * A memfd, or where LIBSHPT_BACKING says. It has no name, so nothing is left
 * of it when the last mapping goes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload.h"

/* Whether a mapping with these flags gets its file here. Huge pages are not of
 * any file, and the library has a backend for them. */
bool has_backing(int flags)
{
	return flags & MAP_ANONYMOUS && !(flags & MAP_HUGETLB) &&
	       (settings()->backing || !settings()->any_backend);
}

/* Growing a file beyond this limit raises a signal. */
static int check_limit(off_t size, struct reason *why)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur < (rlim_t)size)
		return refuse(why, EFBIG,
			      "it would be in a file larger than this process "
			      "may write: raise \"ulimit -f\"");
	return 0;
}

static int open_memfd(off_t size, struct reason *why)
{
	int fd = memfd_create("libshpt-preload", MFD_CLOEXEC);

	if (fd < 0)
		return refuse(why, errno, "memfd_create: %m");
	if (ftruncate(fd, size)) {
		refuse(why, errno, "a memfd of %lld bytes: %m",
		       (long long)size);
		close(fd);
		return -1;
	}
	return fd;
}

/* A full file system is noticed now and not at some access later, unless the
 * program wants it so. */
static int take_room(int fd, off_t first, off_t size, int flags)
{
	int err;

	if (ftruncate(fd, size))
		return -1;
	if (flags & MAP_NORESERVE)
		return 0;
	do
		err = fallocate(fd, 0, first, size - first);
	while (err && errno == EINTR);
	return err && errno != EOPNOTSUPP ? -1 : 0;
}

static int open_file(const char *folder, off_t first, off_t size, int flags,
		     struct reason *why)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return refuse(why, errno,
			      "LIBSHPT_BACKING=%s: no unnamed file can be made "
			      "there: %m: name a folder on a DAX file system, "
			      "ext4 or xfs",
			      folder);
	if (take_room(fd, first, size, flags)) {
		refuse(why, errno, "LIBSHPT_BACKING=%s has no room for it: %m",
		       folder);
		close(fd);
		return -1;
	}
	return fd;
}

/* The bytes of the mapping begin at @first. Returns a descriptor, or -1. */
int open_backing(off_t first, size_t length, int flags, struct reason *why)
{
	const char *folder = settings()->backing;
	off_t size;

	if (round_up(length, page_bytes()) == 0 ||
	    __builtin_add_overflow(first, round_up(length, page_bytes()),
				   &size))
		return refuse(why, ENOMEM, "no file can be that large");
	if (check_limit(size, why))
		return -1;
	return folder ? open_file(folder, first, size, flags, why) :
			open_memfd(size, why);
}
