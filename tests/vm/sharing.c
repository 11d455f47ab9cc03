/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that have nothing to do with one another map one file at
 * different addresses and run on one set of page tables: whoever comes later
 * finds every page there, without faults and without tables of its own. An
 * ordinary mapping, measured in the same way, proves the measure.
 */
#include "vmtest.h"

#define WORKERS	4
#define DENSE	(16 * MIB)
#define STEP	(2 * MIB)

struct result {
	long faults;
	long long pte_kb;
	uint64_t id;
};

static struct {
	int fd;
	pthread_barrier_t *step;
	struct result *results;
} t;

/* Every page of the beginning, then one page of each 2 MiB. */
static void scan(char *p, bool write)
{
	size_t off;

	for (off = 0; off < CHUNK; off += off < DENSE ? PAGE : STEP) {
		if (write)
			store(p + off, word(1, off));
		CHECK(load(p + off) == word(1, off), "byte %#zx holds %#llx",
		      off, (long long)load(p + off));
	}
}

static void measure(char *p, bool write, struct result *r)
{
	long long pte;
	long before;

	/* What the measuring itself needs is there before it begins. */
	status_kb("VmPTE");
	faults();
	pte = status_kb("VmPTE");
	before = faults();
	scan(p, write);
	r->faults = faults() - before;
	r->pte_kb = status_kb("VmPTE") - pte;
}

static void worker(void *arg)
{
	long i = (long)arg;
	char *at = (char *)(0x100000000000UL + i * 5 * CHUNK), *p;
	int fd = reopen(t.fd, O_RDWR);
	int reg = open_region(fd);

	p = MUST(try_map(at, CHUNK, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, reg, 0));
	CHECK(p == at, "mapped at %p instead of %p", (void *)p, (void *)at);
	t.results[i].id = region_info(reg).id;
	close(reg);
	close(fd);
	meet(t.step);
	for (int turn = 0; turn < WORKERS; turn++) {
		if (turn == i)
			measure(p, i == 0, &t.results[i]);
		meet(t.step);
	}
	CHECK_EQ(linked_chunks(p), 1);
	meet(t.step);	/* the parent reads the facts while all are alive */
	meet(t.step);
	scan(p, false);
}

static void test(int kind)
{
	struct shpt_region_info info;
	struct result plain;
	pid_t pids[WORKERS];
	int reg, i;
	char *p;

	t.fd = backing(kind, CHUNK);
	t.step = barrier(WORKERS + 1);
	t.results = shared(sizeof(*t.results) * WORKERS);
	for (i = 0; i < WORKERS; i++)
		pids[i] = spawn(worker, (void *)(long)i);
	for (i = 0; i < WORKERS + 2; i++)
		meet(t.step);

	reg = open_region(t.fd);
	info = region_info(reg);
	CHECK_EQ(info.guests, WORKERS);
	CHECK_EQ(info.links, WORKERS);
	CHECK_EQ(info.hosts, 2);	/* to read, and to write */
	CHECK_EQ(info.backing_bytes, CHUNK);
	for (i = 0; i < WORKERS; i++) {
		CHECK_EQ(t.results[i].id, info.id);
		CHECK_LE(t.results[i].pte_kb, 32);
		if (i)
			CHECK_LE(t.results[i].faults, 8);
	}

	p = MUST(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd,
		      0));
	measure(p, false, &plain);
	CHECK_GE(plain.faults, CHUNK / STEP - 8);
	if (kind == MEMFD)
		CHECK_GE(plain.pte_kb, CHUNK / STEP * 4 - 32);

	meet(t.step);
	for (i = 0; i < WORKERS; i++)
		join(pids[i]);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
