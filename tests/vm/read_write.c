/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read(2) and write(2) from and into the mapping, on pages that nobody has
 * touched, on linked ones, and as the first touch of a fresh child.
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)

static struct {
	char *p;
	int file;	/* BYTES of seed 1 */
	int out;
} t;

static void in(char *to)
{
	CHECK_EQ(pread(t.file, to, BYTES, 0), BYTES);
}

static void out(const char *from)
{
	static char copy[BYTES];

	CHECK_EQ(pwrite(t.out, from, BYTES, 0), BYTES);
	CHECK_EQ(pread(t.out, copy, BYTES, 0), BYTES);
	CHECK(!memcmp(copy, from, BYTES), "written bytes differ");
	CHECK_STAMP(copy, BYTES, 1);
}

static void child_reads(void *arg)
{
	in(arg);
	CHECK_STAMP(arg, BYTES, 1);
}

static void child_writes(void *arg)
{
	out(arg);
}

/* The kernel copies a path and a pipe's bytes, too. */
static void child_pipe(void *arg)
{
	char *p = arg, got[64] = "";
	int fds[2];

	MUST(pipe(fds));
	CHECK_EQ(write(fds[1], "/proc/self/comm", 16), 16);
	CHECK_EQ(read(fds[0], p, 64), 16);
	CHECK_EQ(read(MUST(open(p, O_RDONLY)), got, sizeof(got)) > 0, 1);
}

static void test(int kind)
{
	static char pattern[BYTES];
	int fd = backing(kind, 3 * CHUNK);

	stamp(pattern, BYTES, 1);
	t.file = MUST(memfd_create("in", 0));
	t.out = MUST(memfd_create("out", 0));
	CHECK_EQ(pwrite(t.file, pattern, BYTES, 0), BYTES);
	t.p = map_guest(fd, 3);

	in(t.p);			/* first touch, by the kernel */
	CHECK_STAMP(t.p, BYTES, 1);
	out(t.p);
	in(t.p);			/* over pages that are there */
	in(t.p + 8 * MIB);
	CHECK_STAMP(t.p + 8 * MIB, BYTES, 1);

	join(spawn(child_reads, t.p + CHUNK + 123 * PAGE));
	CHECK_STAMP(t.p + CHUNK + 123 * PAGE, BYTES, 1);
	join(spawn(child_writes, t.p + CHUNK + 123 * PAGE));
	join(spawn(child_pipe, t.p + 2 * CHUNK));
	CHECK(!strcmp(t.p + 2 * CHUNK, "/proc/self/comm"), "pipe read lost");

	/* The backing itself as the other end. */
	CHECK_EQ(pwrite(fd, t.p, BYTES, 32 * MIB), BYTES);
	CHECK_STAMP(t.p + 32 * MIB, BYTES, 1);
	stamp(t.p, BYTES, 2);
	CHECK_EQ(pread(fd, t.p + 64 * MIB, BYTES, 0), BYTES);
	CHECK_STAMP(t.p + 64 * MIB, BYTES, 2);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
