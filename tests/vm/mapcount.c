/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With 64 guests that all use a page, the kernel counts one mapping of it: the
 * writable host's. An ordinary mapping makes it two, which proves the measure. (The
 * kernel tells no count for DAX pages.)
 */
#include "vmtest.h"

#define GUESTS	64
#define PAGES	16

static struct {
	char *p;
	pthread_barrier_t *step;
	volatile uint64_t *frames;	/* as each guest sees the first page */
} t;

static void guest(void *arg)
{
	CHECK_STAMP(t.p, PAGES * PAGE, 1);
	t.frames[(long)arg] = frame_of(t.p);
	meet(t.step);
	meet(t.step);
}

static void test(int kind)
{
	int fd = backing(kind, MIB), reg = open_region(fd), i;
	pid_t pids[GUESTS];
	uint64_t frame;
	char *q;

	t.step = barrier(GUESTS + 1);
	t.frames = shared(PAGE);
	t.p = map_region(reg, 1, 0);
	stamp(t.p, PAGES * PAGE, 1);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	meet(t.step);
	CHECK_EQ(region_info(reg).guests, GUESTS + 1);
	CHECK_EQ(region_info(reg).links, GUESTS + 1);
	for (i = 0; i < PAGES; i++) {
		frame = frame_of(t.p + i * PAGE);
		CHECK(frame, "page %d is not mapped", i);
		CHECK_EQ(mapcount(frame), 1);
	}
	for (i = 0; i < GUESTS; i++)
		CHECK_EQ(t.frames[i], frame_of(t.p));
	q = MUST(mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, 0));
	CHECK_STAMP(q, PAGES * PAGE, 1);
	CHECK_EQ(mapcount(frame_of(q)), 2);
	MUST(munmap(q, MIB));
	CHECK_EQ(mapcount(frame_of(t.p)), 1);
	meet(t.step);
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
	CHECK_EQ(mapcount(frame_of(t.p)), 1);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
