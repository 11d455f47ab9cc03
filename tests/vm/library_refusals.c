/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libshpt cannot share for reasons other than the file: each with its
 * errno and a sentence that says what to do, nothing left behind, and an
 * ordinary mapping for who did not require sharing.
 */
#include "refusal.h"

#include <sched.h>
#include <sys/mount.h>

#define MAX_MAPPINGS "/proc/sys/vm/max_map_count"

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
	become_nobody();
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

/* Whole chunks are needed around a fixed mapping. */
static void addresses_in_use(void)
{
	char *chunks = require_shared(NULL, 3 * CHUNK, RW, MAP_SHARED, fd, 0);
	char *at = chunks + CHUNK, *used = at + 5 * PAGE;

	CHECK(chunks != MAP_FAILED, "%s", libshpt_errormsg());
	refused_at(at, MIB, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, EEXIST,
		   "1 GiB");
	MUST(libshpt_unmap(at, CHUNK));
	MUST(mmap(used, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0));
	store(used, 5);
	refused_at(at, MIB, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, EEXIST,
		   "1 GiB");
	refused_at(at, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, EEXIST, "1 GiB");
	refused_at(at + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, EINVAL,
		   "modulo 1 GiB");
	CHECK_EQ(load(used), 5);
	CHECK_EQ(load(chunks), 7);
	MUST(munmap(used, PAGE));
	MUST(libshpt_unmap(chunks, 3 * CHUNK));
}

/* The kernel's limit of mappings: what needs more of them is refused, what needs
 * fewer works. */
static void no_more_mappings(void *arg)
{
	static struct state before, after;
	char *p = require_shared(NULL, 2 * CHUNK, RW, MAP_SHARED, fd, 0);

	(void)arg;
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	store(p, 7);
	refused_by_library(RW, MAP_SHARED | MAP_LOCKED, fd, EOPNOTSUPP, "");
	while (mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED)
		;
	refused_by_library(RW, MAP_SHARED, fd, ENOMEM, "");
	state_now(&before);
	MUST_FAIL(libshpt_unmap(p + PAGE, PAGE), ENOMEM);
	check_sentence(libshpt_errormsg(), "vm.max_map_count");
	MUST_FAIL(libshpt_protect(p + PAGE, PAGE, PROT_READ), ENOMEM);
	check_sentence(libshpt_errormsg(), "vm.max_map_count");
	CHECK(!state_difference(&before, state_now(&after)),
	      "refused with ENOMEM, yet something has changed");
	CHECK_EQ(load(p), 7);
	CHECK_EQ(linked_chunks(p), 1);
	MUST(libshpt_unmap(p, 2 * CHUNK));
	p = require_shared(NULL, MIB, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	CHECK_EQ(load(p), 7);
}

static void test(int kind)
{
	uint64_t seven = 7;
	long long limit = read_number(MAX_MAPPINGS);
	char text[32];

	fd = backing(kind, MIB);
	CHECK_EQ(pwrite(fd, &seven, 8, 0), 8);
	requests(kind);
	join(spawn(unprivileged, NULL));
	join(spawn(no_module, NULL));
	join(spawn(no_room, NULL));
	addresses_in_use();
	write_text(MAX_MAPPINGS, "400");
	join(spawn(no_more_mappings, NULL));
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(MAX_MAPPINGS, text);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
