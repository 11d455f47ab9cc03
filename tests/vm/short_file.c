/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file shorter than a chunk: its bytes are there, the rest of its last page
 * reads as zeroes, everything beyond faults with SIGBUS, in every guest, and
 * touching it neither grows the file nor harms what is there.
 */
#include "vmtest.h"

#define SIZE	(3 * PAGE + 100)

static char *p;

static void check(void *arg)
{
	size_t off;

	(void)arg;
	CHECK_STAMP(p, 3 * PAGE, 1);
	for (off = 0; off < 100; off++)
		CHECK_EQ(p[3 * PAGE + off], 'x');
	for (off = SIZE; off < 4 * PAGE; off++)
		CHECK_EQ(p[off], 0);
	for (int write = 0; write < 2; write++) {
		CHECK_EQ(probe(p + 4 * PAGE, write), SIGBUS);
		CHECK_EQ(probe(p + 5 * PAGE, write), SIGBUS);
		CHECK_EQ(probe(p + 2 * MIB, write), SIGBUS);
		CHECK_EQ(probe(p + CHUNK - 1, write), SIGBUS);
		CHECK_EQ(probe(p + CHUNK, write), SIGBUS);
		CHECK_EQ(probe(p + 2 * CHUNK - 1, write), SIGBUS);
		CHECK_EQ(probe(p + 3 * PAGE + 50, write), 0);
	}
	CHECK_STAMP(p, 3 * PAGE, 1);
}

static void test(int kind)
{
	int fd = backing(kind, SIZE);
	struct stat st;
	char text[100];

	memset(text, 'x', sizeof(text));
	CHECK_EQ(pwrite(fd, text, 100, 3 * PAGE), 100);
	p = map_guest(fd, 2);
	stamp(p, 3 * PAGE, 1);
	check(NULL);
	join(spawn(check, NULL));
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, SIZE);

	/* A system call that meets the end gets an error, not a signal. */
	MUST_FAIL(write(MUST(memfd_create("out", 0)), p + 4 * PAGE, PAGE),
		  EFAULT);
	/* An empty file can be mapped, too. */
	p = map_guest(backing(kind, 0), 1);
	CHECK_EQ(probe(p, false), SIGBUS);
	CHECK_EQ(probe(p, true), SIGBUS);
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
