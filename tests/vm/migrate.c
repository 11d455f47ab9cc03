/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel moves pages of the region to other frames while guests read and
 * write them: nobody reads or writes an old frame. MADV_SOFT_OFFLINE migrates
 * just the pages that it is told to (and gives up the old frames for good).
 */
#include "vmtest.h"

#define BYTES	(8 * MIB)
#define WORKERS	2
#define MOVES	200

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

static void worker(void *arg)
{
	char *p = map_guest(t.fd, 1);
	uint64_t turn;
	size_t off;

	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < BYTES; off += PAGE) {
			char *mine = p + off + 64 + (long)arg * 8;

			CHECK_EQ(load(p + off), word(1, off));
			CHECK_EQ(load(mine), turn);
			store(mine, turn + 1);
		}
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

static void test(int kind)
{
	uint64_t before, after;
	pid_t pids[WORKERS];
	int i, moved = 0;
	size_t off;
	char *p;

	t.fd = backing(kind, BYTES);
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	p = map_guest(t.fd, 1);
	if (madvise(p, 0, MADV_SOFT_OFFLINE))
		SKIP("this kernel was configured without MADV_SOFT_OFFLINE");
	stamp(p, BYTES, 1);
	for (i = 0; i < WORKERS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	for (off = 0; moved < MOVES; off = (off + 5 * PAGE) % BYTES) {
		before = frame_of(p + off);
		/* May fail: others use the page at this very moment. */
		if (madvise(p + off, PAGE, MADV_SOFT_OFFLINE))
			CHECK(errno == EBUSY, "MADV_SOFT_OFFLINE: %s",
			      strerror(errno));
		CHECK_EQ(load(p + off), word(1, off));
		after = frame_of(p + off);
		moved += before && after && before != after;
	}
	before = *t.turns;
	WAIT_FOR(*t.turns >= before + 2UL * WORKERS, 5, "the guests stand still");
	*t.stop = true;
	for (i = 0; i < WORKERS; i++)
		join(pids[i]);
	for (off = 0; off < BYTES; off += PAGE)
		CHECK_EQ(load(p + off), word(1, off));
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
