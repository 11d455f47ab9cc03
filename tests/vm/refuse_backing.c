/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that cannot be backings, each with its errno from the kernel part and
 * a sentence from the library, which maps what can be mapped in the ordinary
 * way: hugetlb, a disk file system, other things than files, descriptors
 * without the right to write, append-only files.
 */
#include "refusal.h"

#include <linux/fs.h>

static long regions;

/* Refused by the kernel part and by the library in the same way. */
static void refused(int fd, int want, const char *must_name)
{
	MUST_FAIL(try_open_region(fd), want);
	refused_by_library(RW, MAP_SHARED, fd, want, must_name);
	CHECK_EQ(fact("regions"), regions);
}

/* Not by the module, and without a whole chunk not by the kernel. */
static void hugetlb(void)
{
	int fd = MUST(memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB));
	struct libshpt_info info;
	char *p;

	MUST(ftruncate(fd, 2 * MIB));
	refused(fd, EMEDIUMTYPE, "hugetlb");
	write_text("/proc/sys/vm/nr_hugepages", "1");
	p = libshpt_map(NULL, 2 * MIB, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "libshpt_map: %s", libshpt_errormsg());
	MUST(libshpt_info(p, &info, sizeof(info)));
	CHECK_EQ(info.backend, LIBSHPT_BACKEND_HUGETLB);
	CHECK_EQ(info.why_errno, EMEDIUMTYPE);
	check_sentence(info.why, "1 GiB");
	stamp(p, 2 * MIB, 1);
	CHECK_STAMP(p, 2 * MIB, 1);
	MUST(libshpt_unmap(p, 2 * MIB));
	close(fd);
	write_text("/proc/sys/vm/nr_hugepages", "0");
}

static void disk_file(void)
{
	char path[256], *p;
	int fd;

	snprintf(path, sizeof(path), "%s/vmtest.%d", test_env("SHPT_TEST_DISK"),
		 getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(unlink(path));
	MUST(ftruncate(fd, MIB));
	refused(fd, ENODEV, "ext4");
	p = ordinary_instead(MIB, RW, MAP_SHARED, fd, ENODEV, "dax");
	stamp(p, MIB, 1);
	CHECK_STAMP(p, MIB, 1);
	MUST(libshpt_unmap(p, MIB));
	close(fd);
}

static void no_files(void)
{
	int fds[2];

	MUST(pipe(fds));
	refused(fds[0], ENODEV, "regular file");
	refused(MUST(open("/tmp", O_RDONLY)), ENODEV, "regular file");
	refused(MUST(open("/dev/zero", O_RDWR)), ENODEV, "regular file");
	refused(MUST(open("/proc/self/mem", O_RDWR)), ENODEV, "");
	refused(MUST(open("/proc/self/comm", O_RDWR)), ENODEV, "");
	refused(device(), ENODEV, "regular file");
	MUST_FAIL(try_open_region(-1), EBADF);
	MUST_FAIL(try_open_region(9999), EBADF);
	MUST_FAIL(try_open_region(MUST(open("/dev/shm", O_PATH))), EBADF);
	refused_by_library(RW, MAP_SHARED, 9999, EBADF, "9999");
}

static void rights(int kind)
{
	int fd = backing(kind, MIB), flags = FS_APPEND_FL, old, ro;

	ro = reopen(fd, O_RDONLY);
	refused_by_library(RW, MAP_SHARED, ro, EACCES, "O_RDWR");
	refused(reopen(fd, O_WRONLY), EACCES, "O_RDWR");
	/* What mmap(2) refuses, too, fails with or without the requirement. */
	MUST_FAIL(libshpt_map(NULL, MIB, RW, MAP_SHARED, ro, 0), EACCES);
	check_sentence(libshpt_errormsg(), "O_RDWR");

	if (ioctl(fd, FS_IOC_GETFLAGS, &old) ||
	    ioctl(fd, FS_IOC_SETFLAGS, &flags))
		return;		/* memfds have no such flag on every kernel */
	refused(fd, EPERM, "append-only");
	MUST(ioctl(fd, FS_IOC_SETFLAGS, &old));
	close(open_region(fd));
}

static void test(int kind)
{
	regions = fact("regions");
	rights(kind);
	if (kind != MEMFD)
		return;
	no_files();
	hugetlb();
	disk_file();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
