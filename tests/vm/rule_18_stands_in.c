/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 18: the region file stands in for the backing. msync(2), fsync(2) and
 * posix_fadvise(2) reach it. On a DAX file the first two make its pages clean,
 * so that the next write is noticed again: the file's time of modification
 * moves on, in whichever guest the write happens.
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)

static char *p;

static double mtime(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_mtim.tv_sec + st.st_mtim.tv_nsec / 1e9;
}

static void writer(void *arg)
{
	store(p + 3 * PAGE, (uintptr_t)arg);
}

/* Written, clean, written again: the time must move on each time. */
static void dirty_tracking(int fd)
{
	double last;
	long i;

	for (i = 0; i < 4; i++) {
		MUST(msync(p, CHUNK, MS_SYNC));
		last = mtime(fd);
		usleep(50000);
		CHECK(mtime(fd) == last, "time moved without a write");
		if (i % 2)
			join(spawn(writer, (void *)i));
		else
			writer((void *)i);
		CHECK(mtime(fd) > last,
		      "write %ld after msync left the time of modification: "
		      "it will not be written back", i);
	}
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK), reg = open_region(fd), i;
	static char copy[BYTES];

	p = map_region(reg, 1, 0);
	for (i = 0; i < 4; i++) {
		stamp(p, BYTES, i);
		if (i % 2)
			MUST(fsync(reg));
		else
			MUST(msync(p, BYTES, MS_SYNC));
		CHECK_EQ(pread(fd, copy, BYTES, 0), BYTES);
		CHECK_STAMP(copy, BYTES, i);
	}
	MUST(msync(p, CHUNK, MS_ASYNC));
	MUST(fdatasync(reg));
	CHECK_EQ(posix_fadvise(reg, 0, MIB, POSIX_FADV_WILLNEED), 0);
	CHECK_EQ(posix_fadvise(reg, 0, MIB, 99), EINVAL);
	CHECK_STAMP(p, BYTES, 3);

	/* What is punched out of the backing is zeroes in the mapping. */
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       64 * KIB, 64 * KIB));
	for (i = 64 * KIB; i < (int)(128 * KIB); i += 8)
		CHECK_EQ(load(p + i), 0);
	CHECK_STAMP(p, 64 * KIB, 3);
	CHECK_EQ(load(p + 128 * KIB), word(3, 128 * KIB));
	MUST(msync(p, CHUNK, MS_SYNC));

	if (kind & FSDAX)
		dirty_tracking(fd);
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
