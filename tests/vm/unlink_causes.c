/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each unlink is counted under its cause: unmapping, discarding, another access,
 * soft-dirty tracking, the end of a process, a host that was replaced, another
 * MMU. The causes add up, in sysfs and in the region's info, also over regions
 * that are gone.
 */
#include "vmtest.h"

#include "modules/shpt_test.h"

#define RW	(PROT_READ | PROT_WRITE)

static const struct {
	enum shpt_unlink_cause cause;
	const char *file;
} causes[] = {
	{ SHPT_UNLINK_UNMAP, "unlinks_by/unmap" },
	{ SHPT_UNLINK_DISCARD, "unlinks_by/discard" },
	{ SHPT_UNLINK_ACCESS, "unlinks_by/access" },
	{ SHPT_UNLINK_SOFT_DIRTY, "unlinks_by/soft_dirty" },
	{ SHPT_UNLINK_EXIT, "unlinks_by/exit" },
	{ SHPT_UNLINK_RETIRED, "unlinks_by/retired" },
	{ SHPT_UNLINK_FOREIGN, "unlinks_by/foreign" },
	{ SHPT_UNLINK_OTHER, "unlinks_by/other" },
};
#define CAUSES	(sizeof(causes) / sizeof(*causes))

static struct {
	int reg;
	char *p;
	struct shpt_region_info last;
	long long before[CAUSES];	/* of the module as a whole */
} t;

static void touch(void)
{
	store(t.p, 1);
	store(t.p + CHUNK, 1);
	CHECK_EQ(linked_chunks(t.p), 2);
	t.last = region_info(t.reg);
}

/* So many unlinks more for this cause, and none for others. */
static void counted(enum shpt_unlink_cause cause, unsigned int more)
{
	struct shpt_region_info info = region_info(t.reg);
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < CAUSES; i++) {
		uint64_t n = info.unlinks_by[causes[i].cause];

		CHECK(n == t.last.unlinks_by[causes[i].cause] +
		      (causes[i].cause == cause ? more : 0),
		      "%s rose from %llu to %llu, %s should by %u",
		      causes[i].file,
		      (long long)t.last.unlinks_by[causes[i].cause],
		      (long long)n, causes[cause].file, more);
		CHECK_EQ(region_fact(info.id, causes[i].file), n);
		CHECK_EQ(fact(causes[i].file), t.before[i] + n);
		sum += n;
	}
	CHECK_EQ(info.unlinks, sum);
	t.last = info;
}

static void linked_at_exit(void *arg)
{
	(void)arg;
	touch();
}

static void meets_other_mmu(void *arg)
{
	struct shpt_test_range range = { 0x10000, 64 * KIB };
	int fd = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));

	(void)arg;
	touch();
	MUST(ioctl(fd, SHPT_TEST_NOTIFIER, &range));
	counted(SHPT_UNLINK_FOREIGN, 2);
}

static void in_child(void (*fn)(void *arg))
{
	join(spawn(fn, NULL));
	WAIT_FOR(region_info(t.reg).guests == 1, 5, "the child is a guest");
}

static void test(int kind)
{
	struct shpt_reclaim reclaim = {
		.size = sizeof(reclaim), .length = 2 * CHUNK,
	};
	int fd = backing(kind, 2 * CHUNK);
	size_t i;
	char *q;

	for (i = 0; i < CAUSES; i++)
		t.before[i] = fact(causes[i].file);
	t.reg = open_region(fd);
	t.p = map_region(t.reg, 2, 0);
	touch();
	counted(SHPT_UNLINK_OTHER, 0);

	MUST(madvise(t.p + 4 * PAGE, PAGE, MADV_DONTNEED));
	counted(SHPT_UNLINK_DISCARD, 1);
	touch();
	MUST(mprotect(t.p, 2 * CHUNK, PROT_READ));
	counted(SHPT_UNLINK_ACCESS, 2);
	MUST(mprotect(t.p, 2 * CHUNK, RW));
	touch();
	write_text("/proc/self/clear_refs", "4");
	counted(SHPT_UNLINK_SOFT_DIRTY, 2);

	touch();
	q = MUST(mmap(NULL, 4 * CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		      MAP_NORESERVE, -1, 0));
	q = (char *)(((uintptr_t)q + CHUNK - 1) & ~(CHUNK - 1));
	t.p = MUST(mremap(t.p, 2 * CHUNK, 2 * CHUNK,
			  MREMAP_MAYMOVE | MREMAP_FIXED, q));
	counted(SHPT_UNLINK_UNMAP, 2);
	touch();
	MUST(munmap(t.p + CHUNK, CHUNK));
	counted(SHPT_UNLINK_UNMAP, 1);
	MUST(munmap(t.p, CHUNK));
	counted(SHPT_UNLINK_UNMAP, 1);

	t.p = map_region(t.reg, 2, 0);
	touch();
	t.last = region_info(t.reg);
	in_child(linked_at_exit);
	counted(SHPT_UNLINK_EXIT, 2);
	in_child(meets_other_mmu);
	counted(SHPT_UNLINK_FOREIGN, 2);

	if (kind == MEMFD) {	/* DAX has no PTE tables to empty here */
		MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       0, CHUNK));
		MUST(ioctl(t.reg, SHPT_IOC_RECLAIM, &reclaim));
		CHECK_GE(reclaim.freed_bytes, PAGE);
		WAIT_FOR(region_info(t.reg).unlinks >= t.last.unlinks + 2, 5,
			 "links to retired hosts are left");
		counted(SHPT_UNLINK_RETIRED, 2);
	}
	MUST(munmap(t.p, 2 * CHUNK));
	t.last = region_info(t.reg);
	close(t.reg);
	WAIT_FOR(fact("hosts") == 0, 5, "the region is still there");
	for (i = 0; i < CAUSES; i++)
		CHECK_EQ(fact(causes[i].file), t.before[i] +
			 (long long)t.last.unlinks_by[causes[i].cause]);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
