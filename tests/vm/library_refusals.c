/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libshpt cannot share for reasons other than the file: each with its
 * errno and a sentence that says what to do, and an ordinary mapping for who
 * did not require sharing.
 */
#include "refusal.h"

#include <sched.h>
#include <sys/mount.h>

static int fd;

static void requests(int kind)
{
	struct libshpt_attr attr = { .flags = 1ULL << 63 };
	struct { struct libshpt_attr attr; char more[8]; } later = { 0 };
	char *p;

	refused_by_library(RW, MAP_PRIVATE, fd, EOPNOTSUPP, "MAP_SHARED");
	refused_by_library(RW | PROT_EXEC, MAP_SHARED, fd, EPERM, "PROT_EXEC");
	if (kind == MEMFD)
		refused_by_library(RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd,
				   EOPNOTSUPP, "MAP_SYNC");
	refused_by_library(RW, MAP_SHARED | MAP_LOCKED, fd, EOPNOTSUPP,
			   "MAP_LOCKED");
	p = ordinary_instead(MIB, RW, MAP_PRIVATE, fd, EOPNOTSUPP,
			     "MAP_SHARED");
	store(p, 99);	/* a page of its own */
	MUST(libshpt_unmap(p, MIB));

	MUST_FAIL(libshpt_map_attr(NULL, MIB, RW, MAP_SHARED, fd, 0, &attr,
				   sizeof(attr)), EINVAL);
	check_sentence(libshpt_errormsg(), "flags");
	later.more[3] = 1;
	MUST_FAIL(libshpt_map_attr(NULL, MIB, RW, MAP_SHARED, fd, 0,
				   &later.attr, sizeof(later)), E2BIG);
	check_sentence(libshpt_errormsg(), "libshpt");
	later.more[3] = 0;
	later.attr.flags = LIBSHPT_REQUIRE_SHARED;
	p = libshpt_map_attr(NULL, MIB, RW, MAP_SHARED, fd, 0, &later.attr,
			     sizeof(later));
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	CHECK_EQ(load(p), 7);
	MUST(libshpt_unmap(p, MIB));
}

/* Not in the group that may use the device. */
static void unprivileged(void *arg)
{
	(void)arg;
	MUST(setgid(65534));
	MUST(setuid(65534));
	refused_by_library(RW, MAP_SHARED, fd, EACCES, SHPT_DEVICE);
	check_sentence(libshpt_errormsg(), "group");
	CHECK_EQ(load(ordinary_instead(MIB, RW, MAP_SHARED, fd, EACCES,
				       SHPT_DEVICE)), 7);
}

/* As on a machine without the module: neither the device nor its facts. */
static void no_module(void *arg)
{
	(void)arg;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("vmtest", "/dev", "tmpfs", 0, NULL));
	MUST(mount("vmtest", "/sys", "tmpfs", 0, NULL));
	refused_by_library(RW, MAP_SHARED, fd, ENOENT, "modprobe shpt");
	CHECK_EQ(load(ordinary_instead(MIB, RW, MAP_SHARED, fd, ENOENT,
				       "modprobe shpt")), 7);
}

/* Too many open files, and no address space for a whole chunk. */
static void no_room(void *arg)
{
	struct rlimit limit;

	(void)arg;
	MUST(getrlimit(RLIMIT_AS, &limit));
	limit.rlim_cur = 512 * MIB;
	MUST(setrlimit(RLIMIT_AS, &limit));
	refused_by_library(RW, MAP_SHARED, fd, ENOMEM, "ulimit -v");
	CHECK_EQ(load(ordinary_instead(MIB, RW, MAP_SHARED, fd, ENOMEM,
				       "ulimit -v")), 7);
	while (dup(fd) >= 0)
		;
	refused_by_library(RW, MAP_SHARED, fd, EMFILE, "ulimit -n");
}

static void test(int kind)
{
	uint64_t seven = 7;

	fd = backing(kind, MIB);
	CHECK_EQ(pwrite(fd, &seven, 8, 0), 8);
	requests(kind);
	join(spawn(unprivileged, NULL));
	join(spawn(no_module, NULL));
	join(spawn(no_room, NULL));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
