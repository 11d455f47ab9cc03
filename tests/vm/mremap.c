/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mremap(2) moves whole chunks to an aligned address, data intact and shared
 * as before; to any other address it is refused and the mapping stays where
 * and as it was.
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)

static char *p;

static void child(void *arg)
{
	CHECK_STAMP(p, BYTES, 1);
	CHECK_STAMP(arg, BYTES, 1);
	store((char *)arg + BYTES, 42);
}

static void test(int kind)
{
	/* Two mappings: one stays, as the witness, one moves. */
	int reg = open_region(backing(kind, 2 * CHUNK)), i;
	char *free = (char *)0x200000000000UL, *q, *to;

	p = map_region(reg, 2, 0);
	q = map_region(reg, 2, 0);
	stamp(p, BYTES, 1);
	stamp(p + CHUNK, BYTES, 2);
	CHECK_STAMP(q, BYTES, 1);

	for (i = 0; i < 20; i++) {
		to = free + 3 * CHUNK * i;
		CHECK(mremap(q, 2 * CHUNK, 2 * CHUNK, MREMAP_MAYMOVE |
			     MREMAP_FIXED, to) == to, "mremap from %p to %p: %s",
		      (void *)q, (void *)to, strerror(errno));
		CHECK_EQ(probe(q, false), SIGSEGV);
		CHECK_EQ(probe(q + CHUNK, true), SIGSEGV);
		q = to;
		CHECK_STAMP(q, BYTES, 1);
		CHECK_STAMP(q + CHUNK, BYTES, 2);
		CHECK_EQ(linked_chunks(q), 2);

		MUST_FAIL(mremap(q, 2 * CHUNK, 2 * CHUNK, MREMAP_MAYMOVE |
				 MREMAP_FIXED, free + 100 * CHUNK + PAGE),
			  EINVAL);
		CHECK_EQ(probe(free + 100 * CHUNK + PAGE, false), SIGSEGV);
		CHECK_STAMP(q, BYTES, 1);
		CHECK_STAMP(q + CHUNK, BYTES, 2);
		CHECK_EQ(linked_chunks(q), 2);
	}
	store(q + 8, 77);
	CHECK_EQ(load(p + 8), 77);
	join(spawn(child, q));
	CHECK_EQ(load(p + BYTES), 42);

	/* One chunk of two. */
	to = free + 200 * CHUNK;
	CHECK(mremap(q + CHUNK, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED,
		     to) == to, "mremap of one chunk: %s", strerror(errno));
	CHECK_STAMP(to, BYTES, 2);
	CHECK_STAMP(q, BYTES, 1);
	CHECK_EQ(probe(q + CHUNK, false), SIGSEGV);

	/* Parts of chunks, growing, duplicating. */
	to = free + 210 * CHUNK;
	MUST_FAIL(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
		  EINVAL);
	MUST_FAIL(mremap(q, CHUNK, 2 * MIB, 0), EINVAL);
	CHECK(mremap(q, CHUNK, 2 * CHUNK, MREMAP_MAYMOVE) == MAP_FAILED,
	      "a guest grew");
	CHECK(mremap(q, 0, CHUNK, MREMAP_MAYMOVE) == MAP_FAILED,
	      "a guest was duplicated");
	CHECK(mremap(q, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_DONTUNMAP |
		     MREMAP_FIXED, to) == MAP_FAILED, "MREMAP_DONTUNMAP works");
	CHECK_EQ(probe(to, false), SIGSEGV);
	CHECK_STAMP(q, BYTES, 1);
	CHECK_STAMP(p, BYTES, 1);
	CHECK_STAMP(p + CHUNK, BYTES, 2);
	CHECK_EQ(linked_chunks(q), 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
