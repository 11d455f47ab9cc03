/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Huge pages of a tmpfs file split and collapsed in every way at once, while
 * guests read, write, fork and check what they read. Split: by a hole of one
 * page, by advice to a part (of a guest's mapping and of an ordinary one), by
 * the administrator (split_huge_pages), by being swapped out. Collapsed: by
 * khugepaged without a pause, by MADV_COLLAPSE.
 */
#include "vmtest.h"

#include <sys/mount.h>

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define HUGE		(2 * MIB)
#define BYTES		(2 * HUGE)
#define WINDOW		(64 * KIB)
#define PASSES		2048
#define GUESTS		3
#define DISTURBERS	5
#define SECONDS		5.0
#define SEED		3

static struct {
	int fd;
	char *ordinary;		/* aligned, and advised to be huge */
	char *guest;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

/* What happens is counted by the kernel; the least of each makes it a test. */
static const struct {
	const char *name;
	uint64_t least;
} events[] = {
	{ "thp_file_mapped", 2 },
	{ "thp_split_page", 3 },
	{ "thp_split_pmd", 2 },
	{ "thp_collapse_alloc", 5 },
	{ "pswpout", 100 },
	{ "pswpin", 50 },
};
#define EVENTS	(sizeof(events) / sizeof(*events))
static long long before[EVENTS];

static unsigned int rnd;

static unsigned int dice(unsigned int sides)
{
	rnd = rnd * 1103515245 + 12345;
	return (rnd >> 8) % sides;
}

/* The first page of every 2 MiB is punched out and comes back. */
static bool constant(size_t off)
{
	return off % HUGE >= PAGE;
}

static void check_page(const char *p, size_t off)
{
	if (constant(off))
		CHECK_EQ(load(p + off), word(SEED, off));
	else
		CHECK_EQ(load(p + off), 0);
}

static void child(void *arg)
{
	for (int i = 0; i < 64; i++)
		check_page(arg, dice(BYTES / PAGE) * PAGE);
}

/*
 * Reads what is constant and counts up its own word of each page. A few pages,
 * many times, so that translations are in use while pages move.
 */
static void work(char *p, size_t window, long me, uint64_t turn)
{
	uint64_t count = turn * PASSES;
	size_t off;

	for (; count < (turn + 1) * PASSES; count++) {
		for (off = window; off < window + WINDOW; off += PAGE) {
			char *mine = p + off + 64 + me * 8;

			check_page(p, off);
			if (!constant(off))
				continue;
			CHECK_EQ(load(mine), count);
			store(mine, count + 1);
		}
	}
}

static void guest(void *arg)
{
	char *p = map_guest(t.fd, 1);
	uint64_t turn;
	size_t window;

	rnd = (long)arg;
	for (turn = 0; !*t.stop; turn++) {
		for (window = 0; window < BYTES; window += WINDOW)
			work(p, window, (long)arg, turn);
		if (turn % 4 == 0)
			join(spawn(child, p));
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
}

static size_t some_huge(void)
{
	return dice(BYTES / HUGE) * HUGE;
}

static void punch(void)
{
	MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       some_huge(), PAGE));
}

static void advise(void)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT };
	char *p = dice(2) ? t.guest : t.ordinary;
	size_t off = dice(BYTES / PAGE) * PAGE;

	/* What is not mapped here is not touched. */
	(void)load(p + off);
	MUST(madvise(p + off, PAGE, advice[dice(2)]));
	off = off / HUGE * HUGE;
	(void)load(p + off);
	MUST(madvise(p + off, HUGE, advice[dice(2)]));
}

static void split(void)
{
	unsigned long first = some_huge() / PAGE;
	char cmd[128];
	int fd = MUST(open("/sys/kernel/debug/split_huge_pages", O_WRONLY));

	snprintf(cmd, sizeof(cmd), "%s/huge/file,0x%lx,0x%lx",
		 get_current_dir_name(), first, first + HUGE / PAGE);
	CHECK(write(fd, cmd, strlen(cmd)) == (ssize_t)strlen(cmd),
	      "split_huge_pages: %s", strerror(errno));
	close(fd);
}

static void collapse(void)
{
	char *p = t.ordinary + some_huge();

	/* It wants a page table here, and pages not in use just now. */
	(void)load(p);
	(void)!madvise(p, HUGE, MADV_COLLAPSE);
}

static char cgroup[128];

/* Not too often: what is swapped out cannot be split. */
static void swap_out(void)
{
	reclaim(cgroup, MIB);
	usleep(20000);
}

/* khugepaged wants page tables with all pages in them. */
static void look(void)
{
	for (size_t off = 0; off < BYTES; off += PAGE)
		check_page(t.ordinary, off);
}

static void (*const disturbances[DISTURBERS])(void) = {
	punch, advise, split, collapse, swap_out,
};

static void disturber(void *arg)
{
	rnd = 1000 + (long)arg;
	while (!*t.stop) {
		disturbances[(long)arg]();
		usleep(dice(4) * 500);
	}
}

static bool enough(void)
{
	for (size_t i = 0; i < EVENTS; i++)
		if (vmstat(events[i].name) - before[i] <
		    (long long)events[i].least)
			return false;
	return true;
}

static void prepare(void)
{
	char dir[] = "huge";

	snprintf(cgroup, sizeof(cgroup), "%s", new_cgroup("huge"));
	enter_cgroup(cgroup);
	swap_on();
	MUST(mkdir(dir, 0700));
	MUST(mount("vmtest", dir, "tmpfs", 0, "huge=always"));
	t.fd = MUST(open("huge/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(ftruncate(t.fd, BYTES));
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	t.ordinary = MUST(mmap((char *)0x500000000000UL, BYTES, PROT_READ |
			       PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
			       t.fd, 0));
	MUST(madvise(t.ordinary, BYTES, MADV_HUGEPAGE));
	t.guest = map_guest(t.fd, 1);
	for (size_t off = 0; off < BYTES; off += PAGE)
		if (constant(off))
			store(t.guest + off, word(SEED, off));
	write_text(THP "khugepaged/max_ptes_swap", "511");
	write_text(THP "khugepaged/pages_to_scan", "65536");
	write_text(THP "khugepaged/scan_sleep_millisecs", "0");
}

static void clean_up(void)
{
	write_text(THP "khugepaged/scan_sleep_millisecs", "10000");
	write_text(THP "khugepaged/pages_to_scan", "4096");
	write_text(THP "khugepaged/max_ptes_swap", "64");
	swap_off();
	MUST(umount2("huge", MNT_DETACH));
	MUST(rmdir("huge"));
}

static void test(int kind)
{
	pid_t pids[GUESTS + DISTURBERS];
	double start;
	size_t i;

	(void)kind;
	prepare();
	for (i = 0; i < EVENTS; i++)
		before[i] = vmstat(events[i].name);
	/* As khugepaged is, or it would starve. */
	MUST(setpriority(PRIO_PROCESS, 0, 19));
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)i);
	for (i = 0; i < DISTURBERS; i++)
		pids[GUESTS + i] = spawn(disturber, (void *)i);
	start = now();
	while (KEEP_GOING(start, SECONDS, enough() && *t.turns >= 3UL * GUESTS))
		look();
	*t.stop = true;
	for (i = 0; i < GUESTS + DISTURBERS; i++)
		join(pids[i]);
	for (size_t off = 0; off < BYTES; off += PAGE)
		check_page(t.guest, off);
	for (i = 0; i < EVENTS; i++)
		CHECK(vmstat(events[i].name) - before[i] >=
		      (long long)events[i].least,
		      "%s grew by %lld, expected %llu", events[i].name,
		      vmstat(events[i].name) - before[i],
		      (long long)events[i].least);
	CHECK_GE(*t.turns, 3 * GUESTS);
	clean_up();
}

int main(void)
{
	return vmtest(test, MEMFD, 80);
}
