// SPDX-License-Identifier: LGPL-2.1-or-later
/* memfd.c - files for shared anonymous memory */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "internal.h"

/* Not in every libc's <sys/mman.h>. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* With vm.memfd_noexec=2 there are no others; before Linux 6.3 there are none
 * of these. */
static int create(unsigned int flags)
{
	int fd = memfd_create("libshpt", MFD_CLOEXEC | MFD_NOEXEC_SEAL | flags);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("libshpt", MFD_CLOEXEC | flags);
	return fd;
}

/* A file of huge pages, of the size that the flags of mmap(2) ask for. */
int huge_memfd(int flags)
{
	return create(MFD_HUGETLB | (flags & HUGE_SIZE_FLAGS));
}

/* Growing a file beyond that raises a signal. Memory that mmap(2) makes is not
 * limited so. */
static bool is_beyond_limit(size_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur;
}

/* Closes @fd if it cannot have that size. */
static int give_size(int fd, size_t bytes, struct reason *why)
{
	if (is_beyond_limit(bytes))
		refuse(why, EFBIG,
		       "a memfd of %zu bytes is larger than this process may "
		       "make files: raise \"ulimit -f\"",
		       bytes);
	else if (ftruncate(fd, bytes))
		refuse(why, errno, "a memfd of %zu bytes: %m", bytes);
	else
		return fd;
	close(fd);
	return -1;
}

int anonymous_file(size_t bytes, struct reason *why)
{
	int fd = create(0);

	if (fd < 0)
		return refuse(why, errno, "memfd_create: %m");
	return give_size(fd, bytes, why);
}

/* With huge pages, as MAP_HUGETLB in @flags has it, and at least @bytes. */
int anonymous_huge_file(int flags, size_t bytes, struct reason *why)
{
	int fd = huge_memfd(flags);

	if (fd < 0)
		return refuse(
			why, errno,
			"a memfd of huge pages, flags %#x: %m: see "
			"/sys/kernel/mm/hugepages for the sizes there are",
			flags);
	return give_size(fd, round_up(bytes, huge_page_bytes(fd)), why);
}
