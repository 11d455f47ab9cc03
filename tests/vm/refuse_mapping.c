/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mmap(2) and munmap(2) of a region refuse: everything but writable
 * shared mappings of whole chunks. Each refusal has its errno, and changes
 * nothing.
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)
#define RW	(PROT_READ | PROT_WRITE)

static void *map(size_t bytes, int prot, int flags, int reg, off_t offset)
{
	return try_map(NULL, bytes, prot, flags, reg, offset);
}

static void mmaps(int kind, int reg)
{
	char *at = (char *)0x300000000000UL;
	long guests = region_info(reg).guests;

	MUST_FAIL(map(CHUNK, RW, MAP_PRIVATE, reg, 0), EINVAL);
	MUST_FAIL(map(CHUNK, PROT_READ, MAP_PRIVATE, reg, 0), EINVAL);
	MUST_FAIL(map(CHUNK, RW | PROT_EXEC, MAP_SHARED, reg, 0), EPERM);
	MUST_FAIL(map(CHUNK, PROT_READ | PROT_EXEC, MAP_SHARED, reg, 0), EPERM);
	MUST_FAIL(map(CHUNK, RW, MAP_SHARED_VALIDATE | MAP_SYNC, reg, 0),
		  EOPNOTSUPP);
	MUST_FAIL(map(PAGE, RW, MAP_SHARED, reg, 0), EINVAL);
	MUST_FAIL(map(CHUNK - PAGE, RW, MAP_SHARED, reg, 0), EINVAL);
	MUST_FAIL(map(CHUNK + 2 * MIB, RW, MAP_SHARED, reg, 0), EINVAL);
	MUST_FAIL(map(CHUNK, RW, MAP_SHARED, reg, PAGE), EINVAL);
	MUST_FAIL(map(CHUNK, RW, MAP_SHARED, reg, CHUNK / 2), EINVAL);
	MUST_FAIL(try_map(at + PAGE, CHUNK, RW, MAP_SHARED |
			  MAP_FIXED_NOREPLACE, reg, 0), EINVAL);
	MUST_FAIL(try_map(at + 2 * MIB, CHUNK, RW, MAP_SHARED |
			  MAP_FIXED_NOREPLACE, reg, 0), EINVAL);
	/* The largest offset: of shmem 2^63 - 1, of ext4 16 TiB. */
	MUST_FAIL(map(CHUNK, RW, MAP_SHARED, reg,
		      kind == MEMFD ? INT64_MAX / CHUNK * CHUNK : 1L << 45),
		  EOVERFLOW);
	CHECK_EQ(probe(at + PAGE, false), SIGSEGV);
	CHECK_EQ(probe(at + 2 * MIB, false), SIGSEGV);
	CHECK_EQ(region_info(reg).guests, guests);
	/* A file as large as its file system allows is no refusal. */
	at = map_region(reg, 1, 1000 * CHUNK);
	CHECK_EQ(probe(at, false), SIGBUS);
	MUST(munmap(at, CHUNK));
}

static void munmaps(int reg)
{
	char *p = map_region(reg, 2, 0), *ordinary;

	for (int touched = 0; touched < 2; touched++) {
		MUST_FAIL(munmap(p, PAGE), EINVAL);
		MUST_FAIL(munmap(p + PAGE, CHUNK - PAGE), EINVAL);
		MUST_FAIL(munmap(p, CHUNK - PAGE), EINVAL);
		MUST_FAIL(munmap(p, CHUNK + PAGE), EINVAL);
		MUST_FAIL(munmap(p + 2 * MIB, 2 * MIB), EINVAL);
		MUST_FAIL(munmap(p + CHUNK - PAGE, 2 * PAGE), EINVAL);
		MUST_FAIL(munmap(p + CHUNK + PAGE, CHUNK - PAGE), EINVAL);
		/* Mapping something else over a part is unmapping the part. */
		ordinary = mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE |
				MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		CHECK(ordinary == MAP_FAILED, "a page was mapped over a guest");
		stamp(p, BYTES, touched);
		stamp(p + CHUNK, BYTES, touched);
		CHECK_STAMP(p, BYTES, touched);
		CHECK_EQ(linked_chunks(p), 2);
	}
	MUST(munmap(p, CHUNK));
	CHECK_STAMP(p + CHUNK, BYTES, 1);
	MUST(munmap(p + CHUNK, CHUNK));
}

static void test(int kind)
{
	int reg = open_region(backing(kind, 2 * CHUNK));

	mmaps(kind, reg);
	munmaps(reg);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
