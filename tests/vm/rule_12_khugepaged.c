/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 12: khugepaged puts huge pages in the place of a memfd's small ones, and
 * takes PTE tables out of every address space that maps them: the host's too, where
 * the kernel frees them only when nobody can be walking them. Guests walk them
 * meanwhile, as the CPU does and as system calls do.
 */
#include "vmtest.h"

#include <sys/uio.h>

#define THP	"/sys/kernel/mm/transparent_hugepage/"
#define BYTES	(16 * MIB)
#define HUGE	(2 * MIB)
#define WORKERS	2
#define ROUNDS	6

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

/* The first page of every huge page comes and goes, the others stay. */
static void worker(void *arg)
{
	char *p = map_guest(t.fd, 1);
	struct iovec local, remote;
	uint64_t turn, seen;
	size_t off;

	for (turn = 0; !*t.stop; turn++) {
		for (off = 0; off < BYTES; off += PAGE) {
			char *mine = p + off + 64 + (long)arg * 8;

			if (off % HUGE == 0) {
				(void)load(p + off);
				continue;
			}
			local = (struct iovec){ &seen, sizeof(seen) };
			remote = (struct iovec){ p + off, sizeof(seen) };
			CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote,
						  1, 0), sizeof(seen));
			CHECK_EQ(seen, word(1, off));
			CHECK_EQ(load(mine), turn);
			store(mine, turn + 1);
		}
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

static long long huge_kb(void)
{
	return number_in("/proc/meminfo", "ShmemHugePages");
}

static void test(int kind)
{
	pid_t pids[WORKERS];
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
	MUST(madvise(q, BYTES, MADV_HUGEPAGE));
	for (i = 0; i < ROUNDS; i++) {
		/* It wants page tables of ours there, too. */
		for (off = 0; off < BYTES; off += PAGE)
			(void)load(q + off);
		WAIT_FOR(huge_kb() >= (long long)(BYTES / KIB / 2), 30,
			 "khugepaged does nothing");
		before = *t.turns;
		WAIT_FOR(*t.turns >= before + 2 * WORKERS, 20,
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
	for (i = 0; i < WORKERS; i++)
		join(pids[i]);
	write_text(THP "khugepaged/scan_sleep_millisecs", "10000");
	write_text(THP "khugepaged/pages_to_scan", "4096");
	write_text(THP "shmem_enabled", "never");
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
