/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * munmap(2) of everything leaves nothing accessible and takes nothing from
 * the others; the same address can be mapped again, with this region, with
 * another, or with ordinary memory, and each shows its own bytes.
 */
#include "vmtest.h"

#define BYTES	(2 * MIB)
#define ROUNDS	30

static char *p;

static void other(void *arg)
{
	pthread_barrier_t *step = arg;

	CHECK_STAMP(p, BYTES, 1);
	meet(step);
	meet(step);
	CHECK_STAMP(p, BYTES, 1);
}

static void map_at(char *at, size_t chunks, int fd)
{
	int reg = open_region(fd);

	CHECK(try_map(at, chunks * CHUNK, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED_NOREPLACE, reg, 0) == at,
	      "mmap at %p again: %s", at, strerror(errno));
	close(reg);
}

static void test(int kind)
{
	int a = backing(kind, 3 * CHUNK), b = backing(kind, CHUNK), i;
	pthread_barrier_t *step = barrier(2);
	char *q;
	pid_t pid;

	p = map_guest(a, 1);
	stamp(p, BYTES, 1);
	q = map_guest(b, 1);
	stamp(q, BYTES, 2);
	pid = spawn(other, step);
	meet(step);

	for (i = 0; i < ROUNDS; i++) {
		MUST(munmap(p, CHUNK));
		CHECK_EQ(probe(p, false), SIGSEGV);
		CHECK_EQ(probe(p + CHUNK - 1, true), SIGSEGV);
		map_at(p, 1, a);
		CHECK_STAMP(p, BYTES, 1);
		CHECK_EQ(linked_chunks(p), 1);
		if (i % 2)
			continue;
		/* Another region at the same address, then plain memory. */
		MUST(munmap(p, CHUNK));
		map_at(p, 1, b);
		CHECK_STAMP(p, BYTES, 2);
		MUST(mmap(p, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			  MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0));
		CHECK_EQ(load(p), 0);
		stamp(p, BYTES, 3);
		MUST(munmap(p, CHUNK));
		map_at(p, 1, a);
	}
	CHECK_STAMP(p, BYTES, 1);
	CHECK_STAMP(q, BYTES, 2);
	meet(step);
	join(pid);

	/* One chunk out of the middle of three. */
	MUST(munmap(p, CHUNK));
	p = map_guest(a, 3);
	stamp(p + CHUNK, BYTES, 4);
	stamp(p + 2 * CHUNK, BYTES, 5);
	MUST(munmap(p + CHUNK, CHUNK));
	CHECK_EQ(probe(p + CHUNK, false), SIGSEGV);
	CHECK_STAMP(p, BYTES, 1);
	CHECK_STAMP(p + 2 * CHUNK, BYTES, 5);
	CHECK_EQ(linked_chunks(p), 1);
	CHECK_EQ(linked_chunks(p + 2 * CHUNK), 1);
	MUST(munmap(p, 3 * CHUNK));
	CHECK_EQ(probe(p + 2 * CHUNK, false), SIGSEGV);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
