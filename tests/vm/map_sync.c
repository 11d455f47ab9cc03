/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAP_SYNC can be had where the file system offers it and the region was opened
 * for it, and is refused everywhere else: who thinks he has it does not sync.
 */
#include "vmtest.h"

#include <glob.h>

#define RW	(PROT_READ | PROT_WRITE)

static char *map_sync(int reg, int prot)
{
	return try_map(NULL, CHUNK, prot, MAP_SHARED_VALIDATE | MAP_SYNC, reg,
		       0);
}

static bool has_vm_flag(const void *p, const char *flag)
{
	char line[512], start[32];
	FILE *f = fopen("/proc/self/smaps", "re");
	bool here = false, found = false;

	CHECK(f, "/proc/self/smaps: %s", strerror(errno));
	snprintf(start, sizeof(start), "%lx-", (long)p);
	while (fgets(line, sizeof(line), f)) {
		here |= !strncmp(line, start, strlen(start));
		if (here && !strncmp(line, "VmFlags:", 8)) {
			found = strstr(line, flag);
			break;
		}
	}
	fclose(f);
	CHECK(here, "%p is not in smaps", p);
	return found;
}

static void refused(int fd)
{
	int reg = open_region(fd);

	MUST_FAIL(open_with(fd, SHPT_OPEN_SYNC), EOPNOTSUPP);
	MUST_FAIL(map_sync(reg, RW), EOPNOTSUPP);
	MUST_FAIL(map_sync(reg, PROT_READ), EOPNOTSUPP);
	store(map_region(reg, 1, 0), 1);
	close(reg);
}

/* How often the journals of all ext4 file systems have been committed. */
static long long commits(void)
{
	long long n, sum = 0;
	glob_t infos;

	CHECK_EQ(glob("/proc/fs/jbd2/*/info", 0, NULL, &infos), 0);
	for (size_t i = 0; i < infos.gl_pathc; i++) {
		FILE *info = fopen(infos.gl_pathv[i], "re");

		CHECK(info && fscanf(info, "%lld transactions", &n) == 1,
		      "%s has no number of transactions", infos.gl_pathv[i]);
		fclose(info);
		sum += n;
	}
	globfree(&infos);
	return sum;
}

/* What the file system has to know of a block is safe when a store is done. */
static void is_kept(int kind)
{
	int reg = MUST(open_with(backing(kind, 2 * MIB), SHPT_OPEN_SYNC));
	char *p = MUST(map_sync(reg, RW));
	long long before = commits();

	store(p + MIB, 1);
	CHECK_GE(commits(), before + 1);
}

static void granted(int fd)
{
	int plain = open_region(fd), sync, readable = reopen(fd, O_RDONLY);
	char *p, *q, *unsynced;

	unsynced = map_region(plain, 1, 0);
	store(unsynced, 1);
	MUST_FAIL(map_sync(plain, RW), EOPNOTSUPP);
	MUST_FAIL(open_with(fd, SHPT_OPEN_SYNC | SHPT_OPEN_READ_ONLY), EINVAL);
	MUST_FAIL(open_with(readable, SHPT_OPEN_SYNC), EACCES);
	sync = MUST(open_with(fd, SHPT_OPEN_SYNC));
	p = MUST(map_sync(sync, RW));
	q = MUST(map_sync(plain, RW));
	CHECK(has_vm_flag(p, " sf"), "a MAP_SYNC mapping is not VM_SYNC");
	CHECK(!has_vm_flag(unsynced, " sf"), "an ordinary mapping is VM_SYNC");

	/* What is written by either way is there by the other. */
	CHECK_EQ(load(p), 1);
	stamp(p, MIB, 2);
	CHECK_STAMP(unsynced, MIB, 2);
	stamp(unsynced, 2 * MIB, 3);
	CHECK_STAMP(q, 2 * MIB, 3);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, MIB));
	CHECK_EQ(load(p), 0);
	CHECK_EQ(load(unsynced), 0);
	MUST(munmap(p, CHUNK));
	stamp(q, 2 * MIB, 4);
	MUST(munmap(q, CHUNK));
	CHECK_STAMP(unsynced, 2 * MIB, 4);
}

static void test(int kind)
{
	int fd = backing(kind, 2 * MIB);

	if (kind == MEMFD) {
		refused(fd);
		MUST(setenv("SHPT_TEST_DAX", test_env("SHPT_TEST_DAX_ASYNC"),
			    1));
		refused(backing(DAX, 2 * MIB));
	} else {
		granted(fd);
		is_kept(kind);
	}
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 20);
}
