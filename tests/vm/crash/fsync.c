/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests wrote and was synced through the region outlasts a crash: by
 * whichever call and whichever guest, in holes, in pages that an earlier sync
 * had made clean, and beyond the former end of the file. On persistent memory
 * without MAP_SYNC, where fsync(2) alone has the file system commit.
 */
#include "crash.h"

enum { FSYNC, FDATASYNC, MSYNC, OTHERS, WAYS };

static struct {
	int reg;
	volatile uint64_t *begun, *ended;	/* syncs of all, by way */
	volatile uint64_t *others;		/* who do something else */
} t;

static const char *folder(void)
{
	return test_env("SHPT_TEST_DAX_ASYNC");
}

/* Until somebody else has begun and ended a sync of the whole file. */
static void wait_for_others(void)
{
	uint64_t fsyncs, fdatasyncs;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	fsyncs = t.begun[FSYNC];
	fdatasyncs = t.begun[FDATASYNC];
	while (t.ended[FSYNC] <= fsyncs && t.ended[FDATASYNC] <= fdatasyncs)
		usleep(500);
}

static void sync_range(int way, char *p, size_t start, size_t end)
{
	t.begun[way]++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (way == FSYNC)
		MUST(fsync(t.reg));
	else if (way == FDATASYNC)
		MUST(fdatasync(t.reg));
	else if (way == MSYNC)
		MUST(msync(p + start, end - start, MS_SYNC));
	else
		wait_for_others();
	t.ended[way]++;
}

/* Fills every WAYS-th hole, one to four between syncs. */
static void filler(void *arg)
{
	char *p = map_region(t.reg, 1, 0);
	int way = (int)(long)arg;
	size_t hole, next, i;

	for (hole = way; hole + 4UL * WAYS < HOLES; hole = next) {
		next = hole + (1 + hole / WAYS % 4) * WAYS;
		for (i = hole; i < next; i += WAYS)
			fill_page(p, hole_offset(i));
		sync_range(way, p, hole_offset(hole), hole_offset(next));
		for (i = hole; i < next; i += WAYS)
			acknowledge("page %zu\n", hole_offset(i));
	}
	pause();
}

/*
 * Nobody knows when the VM is killed, but of everything there is to be something
 * by then, however slow it is: who does something else than fill holes does it
 * once before that begins, and goes on when that is under way.
 */
static void let_fillers_begin(void)
{
	__atomic_fetch_add(t.others, 1, __ATOMIC_SEQ_CST);
	for (int way = 0; way < WAYS; way++)
		while (!t.ended[way])
			usleep(500);
}

/*
 * Writes again and again to a page that the last sync made clean. The file
 * system has to hear of each: it moves the time of modification on.
 */
static void rewriter(void *arg)
{
	int fd = crash_file(folder(), "rewritten"), reg = open_region(fd);
	char *p = map_region(reg, 1, 0);
	struct stat before, after;
	uint64_t n;

	(void)arg;
	for (n = 1;; n++) {
		store(p, n);
		MUST(fsync(reg));
		MUST(fstat(fd, &after));
		CHECK(n == 1 || memcmp(&after.st_mtim, &before.st_mtim,
				       sizeof(struct timespec)) != 0,
		      "write %llu to a page that fsync should have made clean went unnoticed",
		      (long long)n);
		before = after;
		acknowledge("rewritten %llu %lld %ld\n", (long long)n,
			    (long long)after.st_mtim.tv_sec,
			    after.st_mtim.tv_nsec);
		if (n == 1)
			let_fillers_begin();
		usleep(20000);	/* the file system's clock is coarse */
	}
}

/* Has a file grow page by page, and writes to each. */
static void grower(void *arg)
{
	int fd = crash_file(folder(), "grown"), reg = open_region(fd);
	char *p = map_region(reg, 1, 0);
	size_t off;

	(void)arg;
	for (off = 0; off < 8 * MIB; off += PAGE) {
		MUST(ftruncate(fd, off + PAGE));
		fill_page(p, off);
		MUST(fsync(reg));
		acknowledge("grown %zu\n", off);
		if (off == 0)
			let_fillers_begin();
		usleep(10000);
	}
	pause();
}

static void writers(void)
{
	int fd;

	t.begun = shared(PAGE);
	t.ended = shared(PAGE);
	t.others = shared(PAGE);
	MUST(ftruncate(crash_file(folder(), "rewritten"), PAGE));
	crash_file(folder(), "grown");
	fd = crash_file(folder(), "fsync");
	make_holes(fd);
	t.reg = open_region(fd);
	spawn(rewriter, NULL);
	spawn(grower, NULL);
	while (*t.others < 2)
		usleep(500);
	for (long way = 0; way < WAYS; way++)
		spawn(filler, (void *)way);
}

static void verify_rewritten(int fd, uint64_t n, const struct timespec *acked)
{
	uint64_t value;
	struct stat st;

	MUST(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > acked->tv_sec ||
	      (st.st_mtim.tv_sec == acked->tv_sec &&
	       st.st_mtim.tv_nsec >= acked->tv_nsec),
	      "the time of modification that came with write %llu is lost",
	      (long long)n);
	CHECK_EQ(pread(fd, &value, 8, 0), 8);
	CHECK_GE(value, n);
}

static void verify(void)
{
	int rewritten = crash_file(folder(), "rewritten");
	int grown = crash_file(folder(), "grown");
	int fd = crash_file(folder(), "fsync");
	unsigned long long n, off, counts[3] = { 0 };
	struct timespec ts;
	const char *line;

	while ((line = acknowledged())) {
		if (sscanf(line, "page %llu", &off) == 1) {
			check_page(fd, off);
			counts[0]++;
		} else if (sscanf(line, "grown %llu", &off) == 1) {
			check_page(grown, off);
			counts[1]++;
		} else {
			CHECK_EQ(sscanf(line, "rewritten %llu %ld %ld", &n,
					&ts.tv_sec, &ts.tv_nsec), 3);
			verify_rewritten(rewritten, n, &ts);
			counts[2]++;
		}
	}
	for (int i = 0; i < 3; i++)
		CHECK(counts[i], "nothing was acknowledged: %llu pages, %llu grown, %llu rewritten",
		      counts[0], counts[1], counts[2]);
}

int main(int argc, char **argv)
{
	return crash_test(argc, argv, writers, verify);
}
