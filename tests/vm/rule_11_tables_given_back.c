/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 11: page tables that map nothing any more are given back: after holes
 * were punched into 90 % of a region of 4 GiB its tables weigh 85 % less, by
 * hand or in mode "always", and guests that read and write meanwhile notice nothing. In
 * mode "never" nothing happens.
 */
#include "vmtest.h"

#define CHUNKS	4UL
#define BYTES	(CHUNKS * CHUNK)
#define STEP	(2 * MIB)	/* what a PTE table maps */
#define KEPT	(BYTES / 10 & ~(STEP - 1))
#define GUESTS	4

static struct {
	char *p;
	volatile bool *stop;
	volatile uint64_t *rounds;
} t;

static int give_back(int reg, uint64_t *freed)
{
	struct shpt_reclaim args = { .size = sizeof(args), .length = BYTES };
	int ret = ioctl(reg, SHPT_IOC_RECLAIM, &args);

	*freed = args.freed_bytes;
	return ret;
}

static void set_mode(int reg, uint32_t mode)
{
	struct shpt_set_reclaim args = {
		.size = sizeof(args),
		.mode = mode,
		.interval_ms = 100,
		.scan_bytes = CHUNK,
	};

	MUST(ioctl(reg, SHPT_IOC_SET_RECLAIM, &args));
}

/* One page of each table, in [from, to). */
static void touch(char *p, size_t from, size_t to)
{
	for (; from < to; from += STEP)
		store(p + from, from + 1);
}

static void guest(void *arg)
{
	uint64_t nr = (long)arg;

	while (!*t.stop) {
		for (size_t at = 0; at < KEPT; at += STEP) {
			CHECK_EQ(load(t.p + at), at + 1);
			store(t.p + at + 8 * (nr + 1), nr);
			CHECK_EQ(load(t.p + at + 8 * (nr + 1)), nr);
		}
		t.rounds[nr]++;
	}
}

static void punch(int fd)
{
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KEPT,
		       BYTES - KEPT));
}

/* Every guest has come round once more. */
static void all_go_on(void)
{
	uint64_t before[GUESTS];
	int i;

	for (i = 0; i < GUESTS; i++)
		before[i] = t.rounds[i];
	for (i = 0; i < GUESTS; i++)
		WAIT_FOR(t.rounds[i] > before[i] + 1, PATIENCE,
			 "guest %d stands still", i);
}

static void test(int kind)
{
	int fd = backing(kind, BYTES), reg = open_region(fd), i;
	long long before, full;
	pid_t pids[GUESTS];
	uint64_t freed;

	t.stop = shared(PAGE);
	t.rounds = shared(PAGE);
	t.p = map_region(reg, CHUNKS, 0);
	before = number_in("/proc/meminfo", "PageTables");
	touch(t.p, 0, BYTES);
	full = region_info(reg).table_bytes;
	CHECK_GE(full, BYTES / STEP * PAGE);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	all_go_on();

	MUST(give_back(reg, &freed));
	CHECK_EQ(freed, 0);
	punch(fd);
	set_mode(reg, SHPT_RECLAIM_NEVER);
	MUST_FAIL(give_back(reg, &freed), EPERM);
	CHECK_EQ(region_info(reg).table_bytes, full);
	set_mode(reg, SHPT_RECLAIM_ADVISE);
	MUST(give_back(reg, &freed));
	CHECK_GE(freed, full * 85 / 100);
	CHECK_LE(region_info(reg).table_bytes, full * 15 / 100);
	CHECK_EQ(region_info(reg).reclaimed, freed);
	CHECK_LE(number_in("/proc/meminfo", "PageTables"),
		 before + full / KIB * 15 / 100 + 1024);
	all_go_on();

	touch(t.p, KEPT, BYTES);
	CHECK_GE(region_info(reg).table_bytes, full);
	punch(fd);
	set_mode(reg, SHPT_RECLAIM_ALWAYS);
	WAIT_FOR((long long)region_info(reg).table_bytes <= full * 15 / 100,
		 PATIENCE, "mode always leaves %lld bytes",
		 (long long)region_info(reg).table_bytes);
	all_go_on();
	*t.stop = true;
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
	for (size_t at = 0; at < BYTES; at += STEP)
		CHECK_EQ(load(t.p + at), at < KEPT ? at + 1 : 0);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
