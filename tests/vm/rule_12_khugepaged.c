/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 12: khugepaged puts huge pages in the place of a memfd's small ones, and
 * takes PTE tables out of every address space that maps them: the host's too, where
 * the kernel frees them only when nobody can be walking them. Guests walk them
 * meanwhile in all ways that there are: as the CPU does, with and without the
 * lock of the table, with interrupts off, and slowly.
 */
#include "vmtest.h"

#include <sys/uio.h>

#include "modules/shpt_test.h"

#define THP	"/sys/kernel/mm/transparent_hugepage/"
#define BYTES	(16 * MIB)
#define HUGE	(2 * MIB)
#define ROUNDS	6

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

/* get_user_pages(), as for another process. */
static uint64_t by_process_vm(char *p)
{
	uint64_t seen;
	struct iovec local = { &seen, sizeof(seen) };
	struct iovec remote = { p, sizeof(seen) };

	CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0),
		 sizeof(seen));
	return seen;
}

/* get_user_pages_fast(), with interrupts off. */
static uint64_t by_vmsplice(char *p)
{
	struct iovec iov = { p, sizeof(uint64_t) };
	static int fds[2];
	uint64_t seen;

	if (!fds[1])
		MUST(pipe(fds));
	CHECK_EQ(vmsplice(fds[1], &iov, 1, 0), sizeof(seen));
	CHECK_EQ(read(fds[0], &seen, sizeof(seen)), sizeof(seen));
	return seen;
}

/* Walkers of whole tables, page by page under their locks. */
static uint64_t by_pagemap(char *p)
{
	char *start = (char *)((uintptr_t)p & ~(HUGE - 1));
	static uint64_t entries[HUGE / PAGE];
	unsigned char resident[HUGE / PAGE];
	static int fd;

	if (!fd)
		fd = MUST(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	/* At every page it would take long. */
	if ((uintptr_t)p % (16 * PAGE) == PAGE) {
		CHECK_EQ(pread(fd, entries, sizeof(entries),
			       (uintptr_t)start / PAGE * 8), sizeof(entries));
		MUST(mincore(start, HUGE, resident));
	}
	return load(p);
}

static uint64_t (*const reads[])(char *p) = {
	by_process_vm, by_vmsplice, by_pagemap,
};
#define WORKERS	(int)(sizeof(reads) / sizeof(*reads))

/* The first page of every huge page comes and goes, the others stay. */
static void worker(void *arg)
{
	char *p = map_guest(t.fd, 1);
	uint64_t turn;
	size_t off;

	/* As khugepaged is, or it would starve. */
	MUST(setpriority(PRIO_PROCESS, 0, 19));
	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < BYTES; off += PAGE) {
			char *mine = p + off + 64 + (long)arg * 8;

			if (off % HUGE == 0) {
				(void)load(p + off);
				continue;
			}
			CHECK_EQ(reads[(long)arg](p + off), word(1, off));
			CHECK_EQ(load(mine), turn);
			store(mine, turn + 1);
		}
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

/* One who takes his time, at one table after the other. */
static void watcher(void *arg)
{
	int dev = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));
	char *p = map_guest(t.fd, 1);
	long ret;

	(void)arg;
	for (size_t off = 0; !*t.stop; off = (off + HUGE) % BYTES) {
		(void)load(p + off);
		ret = ioctl(dev, SHPT_TEST_WATCH_PTES, p + off);
		CHECK(ret == 1 || errno == EAGAIN,
		      "a table was freed under one who looks at it");
	}
}

static long long huge_kb(void)
{
	return number_in("/proc/meminfo", "ShmemHugePages");
}

static void test(int kind)
{
	pid_t pids[WORKERS + 1];
	uint64_t before;
	size_t off;
	char *p, *q;
	int i;

	t.fd = backing(kind, BYTES);
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	/* Aligned to huge pages. Small pages now, ... */
	q = MUST(mmap((char *)0x500000000000UL, BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED_NOREPLACE, t.fd, 0));
	stamp(q, BYTES, 1);
	CHECK_EQ(huge_kb(), 0);
	/* ... but the region is made when all may be huge, its host included. */
	write_text(THP "enabled", "always");
	write_text(THP "shmem_enabled", "always");
	write_text(THP "khugepaged/pages_to_scan", "65536");
	write_text(THP "khugepaged/scan_sleep_millisecs", "10");
	p = map_guest(t.fd, 1);
	for (i = 0; i < WORKERS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	pids[WORKERS] = spawn(watcher, NULL);
	MUST(madvise(q, BYTES, MADV_HUGEPAGE));
	for (i = 0; i < vmtest_rounds(ROUNDS); i++) {
		/* It wants page tables of ours there, too. */
		for (off = 0; off < BYTES; off += PAGE)
			(void)load(q + off);
		WAIT_FOR(huge_kb() >= (long long)(BYTES / KIB / 2), 30,
			 "khugepaged does nothing");
		before = *t.turns;
		WAIT_FOR(*t.turns >= before + 2UL * WORKERS, 20,
			 "the guests stand still");
		for (off = 0; off < BYTES; off += HUGE) {
			MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, off, PAGE));
			CHECK_EQ(load(p + off), 0);
		}
		for (off = 0; off < BYTES; off += PAGE)
			if (off % HUGE)
				CHECK_EQ(load(p + off), word(1, off));
	}
	*t.stop = true;
	for (i = 0; i <= WORKERS; i++)
		join(pids[i]);
}

/* What comes of the test, the next one finds no huge pages. */
int main(void)
{
	int ret = vmtest(test, MEMFD, 100);

	write_text(THP "khugepaged/scan_sleep_millisecs", "10000");
	write_text(THP "khugepaged/pages_to_scan", "4096");
	write_text(THP "shmem_enabled", "never");
	return ret;
}
