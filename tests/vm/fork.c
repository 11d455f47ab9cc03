/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork(2): children and grandchildren inherit the mapping, see what their
 * elders wrote, write what their elders see, and run on the shared tables;
 * what a child does to its own mapping is its own affair.
 */
#include "vmtest.h"

#define BYTES	(4 * MIB)

static char *p;

/* The second chunk is touched by nobody before the grandchild. */
static void grandchild(void *arg)
{
	(void)arg;
	CHECK_STAMP(p, BYTES, 2);
	stamp(p, BYTES, 3);
	stamp(p + CHUNK, BYTES, 4);
	CHECK_EQ(linked_chunks(p), 2);
}

static void child(void *arg)
{
	long long pte = status_kb("VmPTE");

	(void)arg;
	CHECK_EQ(linked_chunks(p), 0);
	CHECK_STAMP(p, BYTES, 1);
	CHECK_EQ(linked_chunks(p), 1);
	stamp(p, BYTES, 2);
	join(spawn(grandchild, NULL));
	CHECK_STAMP(p, BYTES, 3);
	CHECK_STAMP(p + CHUNK, BYTES, 4);
	CHECK_LE(status_kb("VmPTE") - pte, 32);
	CHECK_EQ(linked_chunks(p), 2);
}

static void child_unmaps(void *arg)
{
	(void)arg;
	CHECK_STAMP(p, BYTES, 3);
	MUST(munmap(p, 2 * CHUNK));
	CHECK_EQ(probe(p, false), SIGSEGV);
}

/* Ends without having touched anything. */
static void child_rests(void *arg)
{
	(void)arg;
}

static void test(int kind)
{
	int reg = open_region(backing(kind, 2 * CHUNK));

	p = map_region(reg, 2, 0);
	stamp(p, BYTES, 1);
	join(spawn(child, NULL));
	CHECK_STAMP(p, BYTES, 3);
	CHECK_STAMP(p + CHUNK, BYTES, 4);
	join(spawn(child_unmaps, NULL));
	join(spawn(child_rests, NULL));
	CHECK_STAMP(p, BYTES, 3);
	CHECK_EQ(linked_chunks(p), 2);
	WAIT_FOR(region_info(reg).guests == 1, 5, "%llu guests, expected 1",
		 (long long)region_info(reg).guests);
	CHECK_EQ(region_info(reg).links, 2);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
