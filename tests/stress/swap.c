/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region larger than the memory that is there: for three minutes guests
 * scan it and write random pages, while the kernel swaps out and in what it
 * likes. Every page carries a checksum, and what its last writer said of it is
 * noted elsewhere: no page may be lost, old or torn.
 */
#include "../vm/vmtest.h"

#define SECONDS	180.0
#define GUESTS	16
#define BYTES	(768 * MIB)
#define PAGES	(BYTES / PAGE)
#define MEMORY	(448 * MIB)		/* what is left of the machine's */
#define EXTENT	256			/* pages that are scanned in a row */
#define WORDS	(PAGE / sizeof(uint64_t))

static struct {
	int fd;
	double end;
	/* By page: how often it was written; while it is used, plus BUSY. */
	volatile uint32_t *versions;
	volatile uint64_t *written, *verified;
} t;

#define BUSY	0x80000000u

/* The page's version, or BUSY if somebody else uses it. */
static uint32_t begin(size_t page)
{
	uint32_t version = t.versions[page];

	if (version & BUSY ||
	    !__atomic_compare_exchange_n(&t.versions[page], &version,
					 version | BUSY, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return BUSY;
	return version;
}

static void end(size_t page, uint32_t version)
{
	__atomic_store_n(&t.versions[page], version, __ATOMIC_RELEASE);
}

/* Number, version, content, sum. */
static void fill(uint64_t *p, size_t page, uint32_t version)
{
	uint64_t seed = word(page, version), sum = 0;

	p[0] = page;
	p[1] = version;
	for (size_t i = 2; i < WORDS - 1; i++) {
		p[i] = seed * i;
		sum += p[i];
	}
	p[WORDS - 1] = sum;
}

static void verify(const uint64_t *p, size_t page, uint32_t version)
{
	uint64_t seed = word(page, version), sum = 0;

	CHECK(p[0] == (version ? page : 0) && p[1] == version,
	      "page %zu says that it is page %llu, version %llu; written was version %u",
	      page, (long long)p[0], (long long)p[1], version);
	for (size_t i = 2; i < WORDS - 1; i++) {
		CHECK(p[i] == (version ? seed * i : 0),
		      "page %zu, version %u: word %zu is not this version's",
		      page, version, i);
		sum += p[i];
	}
	CHECK(p[WORDS - 1] == sum, "page %zu, version %u: wrong sum", page,
	      version);
}

static void visit(char *p, size_t page, bool write)
{
	uint64_t *words = (uint64_t *)(p + page * PAGE);
	uint32_t version = begin(page);

	if (version == BUSY)
		return;
	verify(words, page, version);
	__atomic_fetch_add(t.verified, 1, __ATOMIC_RELAXED);
	if (write) {
		fill(words, page, ++version);
		__atomic_fetch_add(t.written, 1, __ATOMIC_RELAXED);
	}
	end(page, version);
}

static void guest(void *arg)
{
	char *p = map_guest(t.fd, 1);
	uint64_t random = (long)arg;
	size_t first, i;

	while (now() < t.end) {
		random = word(random, 1);
		first = random % (PAGES - EXTENT);
		for (i = 0; i < EXTENT && now() < t.end; i++) {
			visit(p, first + i, false);
			random = word(random, 2);
			visit(p, random % PAGES, true);
		}
	}
}

/* Huge pages that nobody uses take memory away without a moment's work. */
static void take_memory(void)
{
	long long kb = number_in("/proc/meminfo", "MemAvailable");
	char text[32];

	CHECK(kb * KIB > MEMORY, "%lld MiB of memory are too few", kb / KIB);
	snprintf(text, sizeof(text), "%lld",
		 (long long)((kb * KIB - MEMORY) / (2 * MIB)));
	write_text("/proc/sys/vm/nr_hugepages", text);
	kb = number_in("/proc/meminfo", "MemAvailable");
	CHECK_LE(kb * KIB, MEMORY + MEMORY / 4);
}

static void test(int kind)
{
	long long out, in, flushes;
	struct shpt_region_info info;
	pid_t pids[GUESTS];
	char *p;
	int reg;

	t.fd = backing(kind, BYTES);
	t.versions = shared(PAGES * sizeof(*t.versions));
	t.written = shared(PAGE);
	t.verified = t.written + 16;
	reg = open_region(t.fd);
	p = map_region(reg, 1, 0);
	take_memory();
	swap_on();
	out = vmstat("pswpout");
	in = vmstat("pswpin");
	flushes = region_info(reg).flushes;
	t.end = now() + SECONDS;
	for (int i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	for (int i = 0; i < GUESTS; i++)
		join(pids[i]);
	out = vmstat("pswpout") - out;
	in = vmstat("pswpin") - in;
	info = region_info(reg);
	for (size_t page = 0; page < PAGES; page++)
		visit(p, page, false);
	dprintf(1, "%d guests, %.0f s, a region of %lu MiB in %lu MiB of memory\n",
		GUESTS, SECONDS, BYTES / MIB, MEMORY / MIB);
	dprintf(1, "%llu pages written, %llu verified, 0 lost or torn\n",
		(long long)*t.written, (long long)*t.verified);
	dprintf(1, "%lld pages swapped out, %lld in; %lld flushes, %lld faults served\n",
		out, in, (long long)info.flushes - flushes,
		(long long)info.faults_served);
	CHECK_GE(*t.written, PAGES / 4);
	CHECK_GE(out, PAGES / 4);
	CHECK_GE(in, PAGES / 8);
	write_text("/proc/sys/vm/nr_hugepages", "0");
}

int main(void)
{
	return vmtest(test, MEMFD, 550);
}
