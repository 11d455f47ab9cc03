/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * O_DIRECT from and into the mapping: a device reads and writes the very pages
 * of the backing, touched before or not, also as the first touch of a fresh
 * child.
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)
#define ROUNDS	8

static struct {
	char *p;
	int dev;
} t;

static void child(void *arg)
{
	CHECK_EQ(pread(t.dev, arg, BYTES, 4 * MIB), BYTES);
	CHECK_EQ(linked_chunks(arg), 1);
}

/* Another process's writes, read by a fresh child through the device. */
static void child_out(void *arg)
{
	CHECK_EQ(pwrite(t.dev, arg, BYTES, 8 * MIB), BYTES);
}

static void test(int kind)
{
	const char *path = test_env("SHPT_TEST_SWAP");
	int fd = backing(kind, 2 * CHUNK), i;
	static char copy[BYTES];
	char *from, *to;

	t.dev = open(path, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	CHECK(t.dev >= 0, "%s: %s; a test before left it in use", path,
	      strerror(errno));
	t.p = map_guest(fd, 2);
	for (i = 0; i < ROUNDS; i++) {
		from = t.p + 4 * MIB * i;
		to = t.p + CHUNK + 4 * MIB * i;
		stamp(from, BYTES, i);
		CHECK_EQ(pwrite(t.dev, from, BYTES, 4 * MIB), BYTES);
		if (i % 2)
			CHECK_EQ(pread(t.dev, to, BYTES, 4 * MIB), BYTES);
		else
			join(spawn(child, to));
		CHECK_EQ(linked_chunks(t.p), i ? 2 : 1);
		CHECK_STAMP(to, BYTES, i);
		/* A device-dax can only be mapped. */
		if (kind != DEVDAX) {
			CHECK_EQ(pread(fd, copy, BYTES, to - t.p), BYTES);
			CHECK_STAMP(copy, BYTES, i);
		}

		stamp(to, BYTES, i + 100);
		join(spawn(child_out, to));
		CHECK_EQ(pread(t.dev, from, BYTES, 8 * MIB), BYTES);
		CHECK_STAMP(from, BYTES, i + 100);
	}
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX | DEVDAX, 55);
}
