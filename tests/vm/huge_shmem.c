/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transparent huge pages in a memfd: small pages are collapsed into huge ones,
 * which frees the host's PTE tables under its guests, and huge ones are split
 * by punching holes, while the guests read and write.
 */
#include "vmtest.h"

#define BYTES	(8 * MIB)
#define HUGE	(2 * MIB)
#define WORKERS	2
#define ROUNDS	12

static struct {
	int fd;
	volatile bool *stop, *rest;
	volatile uint64_t *turns;
} t;

/* The first page of every huge page comes and goes, the others stay. */
static void worker(void *arg)
{
	char *p = map_guest(t.fd, 1);
	uint64_t turn;
	size_t off;

	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < BYTES; off += PAGE) {
			char *mine = p + off + 64 + (long)arg * 8;

			while (*t.rest)
				usleep(1000);
			if (off % HUGE == 0) {
				(void)load(p + off);
				continue;
			}
			CHECK_EQ(load(p + off), word(1, off));
			CHECK_EQ(load(mine), turn);
			store(mine, turn + 1);
		}
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

static long long huge_kb(void)
{
	return number_in("/proc/meminfo", "ShmemPmdMapped");
}

/*
 * It wants a page table of the caller's there, and pages not in use just now. A
 * guest that faults on one of them while it goes on makes it fail: after some
 * tries they rest for a moment.
 */
static bool collapse(char *q)
{
	bool done = false;

	for (int i = 0; i < 20 && !done; i++) {
		*t.rest = i >= 3;
		(void)load(q);
		done = !madvise(q, HUGE, MADV_COLLAPSE);
		usleep(1000);
	}
	*t.rest = false;
	return done;
}

static void test(int kind)
{
	int collapsed = 0, mapped_huge = 0, i;
	pid_t pids[WORKERS];
	uint64_t before;
	double start;
	size_t off;
	char *p, *q;

	t.fd = backing(kind, BYTES);
	t.stop = shared(PAGE);
	t.rest = shared(PAGE);
	t.turns = shared(PAGE);
	p = map_guest(t.fd, 1);
	/* Collapsed through an ordinary mapping, aligned to huge pages. */
	q = MUST(mmap((char *)0x500000000000UL, BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED_NOREPLACE, t.fd, 0));
	stamp(p, BYTES, 1);
	for (i = 0; i < WORKERS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	start = now();
	for (i = 0; i < ROUNDS ||
	     KEEP_GOING(start, 0, collapsed >= ROUNDS && mapped_huge); i++) {
		for (off = 0; off < BYTES; off += HUGE)
			collapsed += collapse(q + off);
		mapped_huge += huge_kb() > 0;
		for (off = 0; off < BYTES; off += PAGE)
			if (off % HUGE)
				CHECK_EQ(load(p + off), word(1, off));
		before = *t.turns;
		WAIT_FOR(*t.turns >= before + WORKERS, 20,
			 "the guests stand still");
		for (off = 0; off < BYTES; off += HUGE) {
			store(p + off, 5);
			MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, off, PAGE));
			CHECK_EQ(load(p + off), 0);
		}
		CHECK_EQ(load(p + PAGE), word(1, PAGE));
	}
	*t.stop = true;
	for (i = 0; i < WORKERS; i++)
		join(pids[i]);
	for (off = 0; off < BYTES; off += PAGE)
		if (off % HUGE)
			CHECK_EQ(load(p + off), word(1, off));
	CHECK_GE(collapsed, ROUNDS);
	CHECK_GE(mapped_huge, 1);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
