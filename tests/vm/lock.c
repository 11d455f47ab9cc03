/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A locked region's pages stay in memory under pressure, those that were
 * swapped out come back first, and unlocked they can go again. It takes an
 * unlimited RLIMIT_MEMLOCK or CAP_IPC_LOCK, and a region fd that can be written
 * to. On DAX there is nothing to lock.
 */
#include "vmtest.h"

#define BYTES	(16 * MIB)

static int reg;

static int try_lock(int on, unsigned long request)
{
	struct shpt_no_args args = { .size = sizeof(args) };

	return ioctl(on, request, &args);
}

/* How much of the file's first bytes is in memory, in pages. */
static size_t resident(int fd)
{
	unsigned char pages[BYTES / PAGE];
	size_t i, count = 0;
	void *p = MUST(mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0));

	MUST(mincore(p, BYTES, pages));
	for (i = 0; i < BYTES / PAGE; i++)
		count += pages[i] & 1;
	MUST(munmap(p, BYTES));
	return count;
}

static void ordinary_user(void *arg)
{
	/* Enough for what there is now; it could grow. */
	struct rlimit limit = { 4 * BYTES, 4 * BYTES };

	(void)arg;
	MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
	MUST(setuid(65534));
	MUST_FAIL(try_lock(reg, SHPT_IOC_LOCK), EPERM);
}

static void test(int kind)
{
	const char *cgroup = new_cgroup("lock");
	struct shpt_no_args bad = { .size = sizeof(bad), .flags = 1 };
	int fd, ro;
	char *p;

	enter_cgroup(cgroup);
	fd = backing(kind, 2 * BYTES);
	reg = open_region(fd);
	ro = open_region(reopen(fd, O_RDONLY));
	MUST_FAIL(try_lock(ro, SHPT_IOC_LOCK), EACCES);
	MUST_FAIL(ioctl(reg, SHPT_IOC_LOCK, &bad), EINVAL);
	MUST_FAIL(ioctl(reg, SHPT_IOC_UNLOCK, &bad), EINVAL);
	if (kind != MEMFD) {
		MUST(try_lock(reg, SHPT_IOC_LOCK));
		MUST(try_lock(reg, SHPT_IOC_UNLOCK));
		return;
	}
	join(spawn(ordinary_user, NULL));
	swap_on();
	p = map_region(reg, 1, 0);
	stamp(p, BYTES, 1);
	reclaim(cgroup, BYTES);
	CHECK_LE(resident(fd), BYTES / PAGE / 2);
	MUST(try_lock(reg, SHPT_IOC_LOCK));
	CHECK_EQ(resident(fd), BYTES / PAGE);
	CHECK_EQ(region_fact(region_info(reg).id, "locked"), 1);
	reclaim(cgroup, BYTES);
	CHECK_EQ(resident(fd), BYTES / PAGE);
	CHECK_STAMP(p, BYTES, 1);
	/* What comes later stays, too. */
	stamp(p + BYTES, MIB, 2);
	reclaim(cgroup, BYTES);
	CHECK_EQ(resident(fd), BYTES / PAGE);
	CHECK_EQ(vmstat("nr_unevictable") >= (long long)(BYTES / PAGE), 1);
	MUST(try_lock(reg, SHPT_IOC_UNLOCK));
	CHECK_EQ(region_fact(region_info(reg).id, "locked"), 0);
	reclaim(cgroup, BYTES);
	CHECK_LE(resident(fd), BYTES / PAGE / 2);
	CHECK_STAMP(p, BYTES, 1);
	CHECK_STAMP(p + BYTES, MIB, 2);
	swap_off();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
