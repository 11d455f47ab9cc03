/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where transparent huge pages are off for the process or for the mapping, the
 * kernel calls other fault handlers: chunks are linked all the same.
 */
#include "vmtest.h"

#define BYTES	(2 * MIB)

static int fd;

static void by_prctl(void *arg)
{
	char *p;

	(void)arg;
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	p = map_guest(fd, 2);
	CHECK_STAMP(p, BYTES, 1);
	stamp(p + CHUNK, BYTES, 2);
	CHECK_EQ(linked_chunks(p), 2);
}

static void by_madvise(void *arg)
{
	char *p = map_guest(fd, 2);
	long before;

	(void)arg;
	MUST(madvise(p, 2 * CHUNK, MADV_NOHUGEPAGE));
	before = faults();
	CHECK_STAMP(p, BYTES, 1);
	CHECK_LE(faults() - before, 4);
	CHECK_STAMP(p + CHUNK, BYTES, 2);
	CHECK_EQ(linked_chunks(p), 2);
	MUST(madvise(p, CHUNK, MADV_DONTNEED));
	CHECK_STAMP(p, BYTES, 1);
	CHECK_EQ(linked_chunks(p), 2);
}

static char *inherited;

static void by_fork(void *arg)
{
	by_prctl(arg);
	CHECK_STAMP(inherited, BYTES, 1);
	CHECK_EQ(linked_chunks(inherited), 1);
}

static void test(int kind)
{
	fd = backing(kind, 2 * CHUNK);
	inherited = map_guest(fd, 1);
	stamp(inherited, BYTES, 1);
	join(spawn(by_prctl, NULL));
	join(spawn(by_madvise, NULL));
	join(spawn(by_fork, NULL));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
