/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpmem */
/*
 * A small database on persistent memory outlasts a crash: processes that share
 * a file's page tables append to logs of their own and update pages, by
 * libpmem and MAP_SYNC. A page's new version is announced in the log before it
 * is written. After the crash every record that was acknowledged is there, and
 * so is every page, whole; but for the one that a process was writing, which
 * its log says.
 *
 * The emulated memory keeps every store, also those that nobody has flushed
 * from the CPU's caches. So a pmem_persist() too few is not found out here; a
 * block that the file system forgets is, and a store to the wrong page.
 */
#include <libpmem.h>
#include <libshpt.h>

#include "crash.h"

/* Few: each page's first write waits for a commit, and others wait for those. */
#define WRITERS	 2
#define PAGES	 64UL		/* of each writer */
#define DB_PAGE	 (2 * PAGE)
#define RECORDS	 65536UL	/* more than there is time for */

struct record {
	uint64_t number;	/* from 1 on; 0: none */
	uint64_t page;
	uint64_t check;		/* written when the rest is persistent */
};

struct place {
	struct record log[RECORDS];
	char pages[PAGES][DB_PAGE];
};

#define BYTES (WRITERS * sizeof(struct place))

static uint64_t checksum(const struct record *r)
{
	return word(r->number, r->page);
}

static struct place *map_places(void)
{
	const struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	int fd = crash_file(test_env("SHPT_TEST_DAX"), "log_and_pages");
	void *p;

	/* Holes: what the file system would lose are their blocks. */
	MUST(ftruncate(fd, BYTES));
	p = libshpt_map_attr(NULL, BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0, &attr,
			     sizeof(attr));
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	return p;
}

static void append(struct record *r, uint64_t n)
{
	r->number = n;
	r->page = n * 7919 % PAGES;
	pmem_persist(r, sizeof(*r));
	r->check = checksum(r);
	pmem_persist(&r->check, sizeof(r->check));
}

static void fill(uint64_t *page, uint64_t number)
{
	for (size_t i = 0; i < DB_PAGE / 8; i++)
		page[i] = word(number, i);
}

static void writer(void *arg)
{
	struct place *mine = map_places() + (long)arg;
	static uint64_t image[DB_PAGE / 8];

	for (uint64_t n = 1; n <= RECORDS; n++) {
		append(&mine->log[n - 1], n);
		fill(image, n);
		pmem_memcpy_persist(mine->pages[n * 7919 % PAGES], image,
				    DB_PAGE);
		acknowledge("%ld %llu\n", (long)arg, (long long)n);
		usleep(500);
	}
	pause();
}

static void writers(void)
{
	for (long i = 0; i < WRITERS; i++)
		spawn(writer, (void *)i);
}

static bool is_whole(const char *page, uint64_t number)
{
	for (size_t i = 0; i < DB_PAGE; i += 8)
		if (load(page + i) != word(number, i / 8))
			return false;
	return true;
}

/* How many records a log has; they are whole, and there is no gap. */
static uint64_t read_log(const struct place *place, int who)
{
	uint64_t n = 0;

	while (n < RECORDS && place->log[n].check) {
		const struct record *r = &place->log[n++];

		CHECK(r->number == n && r->check == checksum(r),
		      "log %d: record %llu has number %llu", who,
		      (long long)n, (long long)r->number);
	}
	for (uint64_t i = n; i < RECORDS; i++)
		CHECK(!place->log[i].check, "log %d: a gap at record %llu", who,
		      (long long)n + 1);
	return n;
}

static void verify_place(const struct place *place, int who, uint64_t last)
{
	uint64_t written[PAGES] = { 0 }, n = read_log(place, who);

	CHECK(n == last || n == last + 1,
	      "log %d has %llu records, and %llu were acknowledged", who,
	      (long long)n, (long long)last);
	for (uint64_t i = 0; i < last; i++)
		written[place->log[i].page] = i + 1;
	for (uint64_t page = 0; page < PAGES; page++) {
		/* The log says that this one was being written. */
		if (n > last && place->log[last].page == page)
			continue;
		CHECK(!written[page] ||
		      is_whole(place->pages[page], written[page]),
		      "page %llu of writer %d is not of record %llu",
		      (long long)page, who, (long long)written[page]);
	}
}

static void verify(void)
{
	const struct place *places = map_places();
	uint64_t last[WRITERS] = { 0 };
	const char *line;
	int who;
	unsigned long long n;

	while ((line = acknowledged())) {
		CHECK_EQ(sscanf(line, "%d %llu", &who, &n), 2);
		CHECK(who >= 0 && who < WRITERS, "writer %d", who);
		last[who] = n;
	}
	for (who = 0; who < WRITERS; who++) {
		CHECK(last[who], "writer %d has nothing acknowledged", who);
		verify_place(&places[who], who, last[who]);
	}
}

int main(int argc, char **argv)
{
	return crash_test(argc, argv, writers, verify);
}
