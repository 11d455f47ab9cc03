/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that writes to holes of a DAX file gets as many blocks of the file
 * system as its own rights allow, and not those that are kept for root; also
 * where a worker takes the fault, as the region's tables have a node.
 */
#include <sys/statvfs.h>

#include "vmtest.h"

#define BYTES (64 * MIB)

static char *p;

static struct statvfs room(int fd)
{
	struct statvfs fs;

	MUST(fstatvfs(fd, &fs));
	return fs;
}

/* All that who is not root may have. */
static int fill(int fd)
{
	struct statvfs fs = room(fd);
	int filler = backing(DAX, 0);

	CHECK(fs.f_bfree > fs.f_bavail, "nothing is kept for root on %s",
	      test_env("SHPT_TEST_DAX"));
	MUST(fallocate(filler, 0, 0, fs.f_bavail * fs.f_frsize));
	return filler;
}

/* Far apart, so that each page needs a table of its own. */
static size_t pages_written(void)
{
	size_t pages = 0;

	for (size_t at = 0; at < BYTES; at += 2 * MIB)
		pages += !probe(p + at, true);
	return pages;
}

static void somebody(void *arg)
{
	size_t left;

	MUST(setresgid(1000, 1000, 1000));
	MUST(setresuid(1000, 1000, 1000));
	/* What others have removed before may come back late. */
	left = room(*(int *)arg).f_bavail + 4;
	CHECK_LE(pages_written(), left);
}

static void test(int kind)
{
	struct shpt_set_node node = { .size = sizeof(node) };
	int fd = backing(kind, BYTES), reg = open_region(fd), filler;

	p = map_region(reg, 1, 0);
	filler = fill(fd);
	join(spawn(somebody, &fd));
	MUST(ioctl(reg, SHPT_IOC_SET_NODE, &node));
	join(spawn(somebody, &fd));
	/* Root may. */
	CHECK_EQ(pages_written(), BYTES / (2 * MIB));
	close(filler);
	close(reg);
	MUST(munmap(p, CHUNK));
	close(fd);
}

int main(void)
{
	return vmtest(test, DAX, 60);
}
