// SPDX-License-Identifier: LGPL-2.1-or-later
/* kind.c - what kind of memory is behind a file or a request */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

/* A device-dax belongs to the bus "dax", or on old kernels to that class. */
static bool is_device_dax(const struct stat *st)
{
	char link[64], subsystem[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/subsystem",
		 major(st->st_rdev), minor(st->st_rdev));
	n = readlink(link, subsystem, sizeof(subsystem) - 1);
	if (n < 0)
		return false;
	subsystem[n] = '\0';
	return n >= 4 && strcmp(subsystem + n - 4, "/dax") == 0;
}

static bool has_dax(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
	       st.stx_attributes & STATX_ATTR_DAX;
}

enum file_kind file_kind(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st))
		return FILE_OTHER;
	if (S_ISCHR(st.st_mode))
		return is_device_dax(&st) ? FILE_DEVDAX : FILE_OTHER;
	if (!S_ISREG(st.st_mode) || fstatfs(fd, &fs))
		return FILE_OTHER;
	if (fs.f_type == TMPFS_MAGIC)
		return FILE_SHMEM;
	if (fs.f_type == HUGETLBFS_MAGIC)
		return FILE_HUGETLB;
	return has_dax(fd) ? FILE_FSDAX : FILE_OTHER;
}

enum file_kind request_kind(const struct request *req)
{
	if (!(req->flags & MAP_ANONYMOUS))
		return file_kind(req->fd);
	return (req->flags & MAP_HUGETLB) ? FILE_HUGETLB : FILE_SHMEM;
}

/* The size of the huge pages of a file on hugetlbfs, 0 for any other. */
size_t huge_page_bytes(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return fs.f_bsize;
}

/* What mmap(2) maps, and munmap(2) unmaps, in multiples of. */
size_t request_unit(const struct request *req)
{
	bool anonymous = req->flags & MAP_ANONYMOUS;
	size_t bytes = 0;
	int fd = req->fd;

	if (request_kind(req) == FILE_HUGETLB) {
		if (anonymous)
			fd = huge_memfd(req->flags);
		bytes = huge_page_bytes(fd);
		if (anonymous && fd >= 0)
			close(fd);
	}
	return bytes ? bytes : page_bytes();
}

/* MAP_SHARED ignores MAP_SYNC, as it does in mmap(2). */
bool is_sync(const struct request *req)
{
	return (req->flags & MAP_TYPE) == MAP_SHARED_VALIDATE &&
	       req->flags & MAP_SYNC;
}

/* For a mapping that was made of it. */
void note_kind(const struct request *req, enum file_kind kind,
	       struct mapping *m)
{
	m->dax = kind == FILE_FSDAX || kind == FILE_DEVDAX;
	m->persistent = kind == FILE_DEVDAX ||
			(kind == FILE_FSDAX && is_sync(req));
}
