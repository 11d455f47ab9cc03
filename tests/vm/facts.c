/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts below /sys/class/misc/shpt follow what happens, agree with what the
 * region's own descriptor tells, and come back to where they were.
 */
#include "vmtest.h"

#include <stddef.h>

#define BYTES	(8 * MIB)
#define GUESTS	8

static struct {
	char *p;
	pthread_barrier_t *step;
} t;

static void guest(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, BYTES, 1);
	meet(t.step);
	meet(t.step);
}

static const char *const present[] = {
	"regions", "hosts", "guests", "links", "table_bytes", "parked_bytes",
};

/* Who gives a shorter struct gets as much of it, and the rest stays. */
static void without_saved(int reg, const struct shpt_region_info *info)
{
	struct shpt_region_info part = {
		.size = offsetof(struct shpt_region_info, saved_bytes),
		.saved_bytes = 77,
	};

	MUST(ioctl(reg, SHPT_IOC_REGION_INFO, &part));
	CHECK_EQ(part.id, info->id);
	CHECK_EQ(part.parked_bytes, info->parked_bytes);
	CHECK_EQ(part.saved_bytes, 77);
}

/* At rest the three sources of a region's facts say the same. */
static struct shpt_region_info agree(int reg)
{
	struct shpt_region_info info = region_info(reg);

	without_saved(reg, &info);

#define AGREE(name) CHECK_EQ(region_fact(info.id, #name), info.name)
	AGREE(backing_bytes);
	AGREE(hosts);
	AGREE(guests);
	AGREE(links);
	AGREE(table_bytes);
	AGREE(parked_bytes);
	AGREE(saved_bytes);
	AGREE(faults_served);
	AGREE(flushes);
	AGREE(unlinks);
	return info;
}

/* GUESTS more than the one that there is; @guests are all of the machine's
 * before it. */
static void many_guests(int kind, int reg, long long guests)
{
	struct shpt_region_info info, last = agree(reg);
	pid_t pids[GUESTS];
	int i;

	t.step = barrier(GUESTS + 1);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, NULL);
	meet(t.step);
	info = agree(reg);
	CHECK_EQ(info.guests, GUESTS + 1);
	CHECK_EQ(info.links, GUESTS + 1);
	CHECK_EQ(info.parked_bytes, (GUESTS + 1) * PAGE);
	CHECK_EQ(info.table_bytes, last.table_bytes);
	CHECK_EQ(fact("guests"), guests + GUESTS + 1);
	if (kind == MEMFD) {
		/* Each would have had its PMD table and all PTE tables. */
		uint64_t own = PAGE * (1 + BYTES / (2 * MIB));

		CHECK_GE(info.saved_bytes, (GUESTS + 1) * own -
			 info.table_bytes - info.parked_bytes);
		CHECK_LE(info.saved_bytes, (GUESTS + 1) * info.table_bytes);
	}
	meet(t.step);
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
	WAIT_FOR(region_info(reg).guests == 1, 5, "%llu guests are left",
		 (long long)region_info(reg).guests);
	CHECK_EQ(agree(reg).links, 1);
}

static void hole_and_discard(int fd, int reg)
{
	struct shpt_region_info info, last = agree(reg);

	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       2 * MIB));
	CHECK_GE(agree(reg).flushes, last.flushes + 1);
	CHECK_EQ(load(t.p), 0);
	CHECK_GE(agree(reg).faults_served, last.faults_served + 1);
	MUST(madvise(t.p, CHUNK, MADV_DONTNEED));
	info = agree(reg);
	CHECK_EQ(info.unlinks, last.unlinks + 1);
	CHECK_EQ(info.links, 0);
	CHECK_EQ(info.parked_bytes, 0);
}

static void test(int kind)
{
	const int facts = sizeof(present) / sizeof(*present);
	struct shpt_region_info info;
	long long before[facts];
	char path[128];
	struct stat st;
	int fd, reg, i;

	for (i = 0; i < facts; i++)
		before[i] = fact(present[i]);
	fd = backing(kind, CHUNK);
	reg = open_region(fd);
	info = agree(reg);
	CHECK_EQ(fact("regions"), before[0] + 1);
	CHECK_EQ(info.guests, 0);
	CHECK_EQ(info.links, 0);
	CHECK_EQ(info.parked_bytes, 0);
	CHECK_EQ(info.faults_served, 0);
	CHECK_EQ(info.backing_bytes, CHUNK);
	snprintf(path, sizeof(path), "/sys/class/misc/shpt/region/%llu/links",
		 (unsigned long long)info.id);
	MUST(stat(path, &st));
	CHECK_EQ(st.st_mode & 0777, 0444);

	t.p = map_region(reg, 1, 0);
	CHECK_EQ(agree(reg).guests, 1);
	CHECK_EQ(agree(reg).links, 0);
	stamp(t.p, BYTES, 1);
	info = agree(reg);
	CHECK_EQ(info.hosts, 2);	/* to read, and to write */
	CHECK_EQ(info.links, 1);
	CHECK_EQ(info.parked_bytes, PAGE);
	CHECK_GE(info.faults_served, BYTES / (2 * MIB));
	/* A PMD table, and where entries are 4 KiB a table for each 2 MiB. */
	CHECK_GE(info.table_bytes,
		 PAGE * (kind == MEMFD ? 1 + BYTES / (2 * MIB) : 1));
	CHECK_LE(info.table_bytes, 64 * KIB);
	CHECK_LE(info.saved_bytes, 0);
	CHECK_EQ(fact("guests"), before[2] + 1);
	CHECK_EQ(fact("links"), before[3] + 1);
	CHECK_EQ(fact("table_bytes"), before[4] + info.table_bytes);
	CHECK_EQ(fact("parked_bytes"), before[5] + PAGE);

	many_guests(kind, reg, before[2]);
	hole_and_discard(fd, reg);
	MUST(ftruncate(fd, 2 * CHUNK));
	CHECK_EQ(agree(reg).backing_bytes, 2 * CHUNK);

	MUST(munmap(t.p, CHUNK));
	WAIT_FOR(region_info(reg).guests == 0, 5, "a guest without a mapping");
	close(reg);
	for (i = 0; i < facts; i++)
		WAIT_FOR(fact(present[i]) == before[i], 5,
			 "%s is %lld after all has gone, was %lld before",
			 present[i], fact(present[i]), before[i]);
	MUST_FAIL(stat(path, &st), ENOENT);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
