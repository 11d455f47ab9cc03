/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ordinary tools show of a guest, next to a process that maps the same
 * pages in the ordinary way: VmRSS and oom_score leave the region out, VmPTE has
 * the guest's own tables only, smaps has all pages of the region as private, and
 * next to nothing where the pages are no memory (FS-DAX).
 */
#include "vmtest.h"

#define BYTES	(128 * MIB)

/* In kB: what reading these numbers costs, and their lagging behind. */
#define NOISE	1024

/* In kB, as /proc has them. */
struct numbers {
	long long size, rss, shmem, pte, score, pss;
	long long ps_size, ps_rss;
};

static struct {
	int kind;
	int fd;
} t;

static struct numbers numbers(void)
{
	struct numbers n = {
		.size = status_kb("VmSize"),
		.rss = status_kb("VmRSS"),
		.shmem = status_kb("RssShmem"),
		.pte = status_kb("VmPTE"),
		.score = read_number("/proc/self/oom_score"),
		.pss = number_in("/proc/self/smaps_rollup", "Pss"),
	};
	char cmd[64];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ps -o vsz=,rss= -p %d", getpid());
	f = popen(cmd, "re");
	CHECK(f && fscanf(f, "%lld %lld", &n.ps_size, &n.ps_rss) == 2,
	      "cannot read what ps prints");
	CHECK_EQ(pclose(f), 0);
	return n;
}

/* A number of the mapping at p, in kB. */
static long long smaps(const void *p, const char *key)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	long long value = -1;
	bool here = false;
	char line[512];

	CHECK(f, "/proc/self/smaps: %s", strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start == (uintptr_t)p;
		else if (here && !strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), ": %lld", &value);
	}
	fclose(f);
	CHECK(value >= 0, "smaps has no %s for %p", key, p);
	return value;
}

static void use(const char *p)
{
	size_t off;

	for (off = 0; off < BYTES; off += PAGE)
		(void)*(volatile const char *)(p + off);
}

/* What it costs without sharing, for comparison. */
static void ordinary(void *arg)
{
	struct numbers before = numbers(), after;
	char *p;

	(void)arg;
	p = MUST(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd,
		      0));
	use(p);
	after = numbers();
	CHECK_GE(after.size - before.size, CHUNK / KIB);
	if (t.kind == DAX)
		return;
	CHECK_GE(after.rss - before.rss, BYTES / KIB - NOISE);
	CHECK_GE(after.shmem - before.shmem, BYTES / KIB - NOISE);
	CHECK_GE(after.ps_rss - before.ps_rss, BYTES / KIB - NOISE);
	CHECK_GE(after.score, before.score + 4);
	CHECK_GE(after.pte - before.pte, BYTES / (2 * MIB) * 4);
	/* The host maps each page too. */
	CHECK_LE(after.pss - before.pss, BYTES / 2 / KIB + NOISE);
}

static void guest(void *arg)
{
	long long pages;
	struct numbers before, after;
	char *p;

	(void)arg;
	numbers();	/* the first time stdio is made ready */
	before = numbers();
	p = map_guest(t.fd, 1);
	CHECK_EQ(smaps(p, "Rss"), 0);
	/* One byte links all that others have touched. */
	(void)*(volatile char *)p;
	after = numbers();
	CHECK_GE(after.size - before.size, CHUNK / KIB);
	CHECK_LE(after.size - before.size, CHUNK / KIB + NOISE);
	CHECK_EQ(after.ps_size, after.size);
	CHECK_LE(after.rss - before.rss, NOISE);
	CHECK_LE(after.ps_rss - before.ps_rss, NOISE);
	CHECK_EQ(after.shmem, before.shmem);
	CHECK_LE(after.score, before.score + 1);
	/* A PUD table, the parked table, and what the C library took. */
	CHECK_GE(after.pte - before.pte, 4);
	CHECK_LE(after.pte - before.pte, 16);

	CHECK_EQ(smaps(p, "Size"), CHUNK / KIB);
	pages = smaps(p, "Rss");
	if (t.kind == MEMFD)
		CHECK_EQ(pages, BYTES / KIB);
	else	/* Linux 6.1 counts a page for each mapping of 2 MiB. */
		CHECK_LE(pages, BYTES / (2 * MIB) * 4);
	CHECK_EQ(smaps(p, "Pss"), pages);
	CHECK_EQ(smaps(p, "Private_Clean") + smaps(p, "Private_Dirty"), pages);
	CHECK_EQ(smaps(p, "Shared_Clean") + smaps(p, "Shared_Dirty"), 0);
	CHECK_EQ(smaps(p, "Swap"), 0);
	CHECK_GE(after.pss - before.pss, pages);

	MUST(madvise(p, CHUNK, MADV_DONTNEED));
	CHECK_EQ(smaps(p, "Rss"), 0);
	use(p);
	CHECK_EQ(smaps(p, "Rss"), pages);
	CHECK_LE(status_kb("VmRSS") - before.rss, NOISE);
}

static void test(int kind)
{
	struct shpt_populate req = {
		.size = sizeof(req),
		.flags = SHPT_POPULATE_WRITE,
		.length = BYTES,
	};
	int reg;

	t.kind = kind;
	t.fd = backing(kind, CHUNK);
	reg = open_region(t.fd);
	MUST(ioctl(reg, SHPT_IOC_POPULATE, &req));
	CHECK_EQ(req.populated, BYTES);
	/* Two at a time would make no difference: the host maps each page once. */
	join(spawn(guest, NULL));
	join(spawn(ordinary, NULL));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
