/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt_populate() fills shared page tables, for all, by several threads; what
 * is no longer shared it fills as well. It goes on after signals and stops at
 * the end of the file. The attributes populate and lock. A mapping costs no
 * descriptor.
 */
#include "refusal.h"

#include <sys/time.h>

#define BYTES	(40 * MIB)

static char *map_with(uint64_t flags, int fd, size_t bytes, off_t offset)
{
	struct libshpt_attr attr = {
		.flags = LIBSHPT_REQUIRE_SHARED | flags,
	};

	return libshpt_map_attr(NULL, bytes, RW, MAP_SHARED, fd, offset, &attr,
				sizeof(attr));
}

static char *map_ok(uint64_t flags, int fd, size_t bytes, off_t offset)
{
	char *p = map_with(flags, fd, bytes, offset);

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	return p;
}

static uint64_t id_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info.region_id;
}

static void populate_ok(char *p, size_t bytes,
			const struct libshpt_populate *how)
{
	CHECK(libshpt_populate(p, bytes, how, how ? sizeof(*how) : 0) == 0,
	      "%s", libshpt_errormsg());
}

static int sum(void *arg, uint64_t done, uint64_t length)
{
	uint64_t *last = arg;

	CHECK(done >= *last && done <= length, "%llu after %llu of %llu",
	      (long long)done, (long long)*last, (long long)length);
	*last = done;
	return 0;
}

static void touch_all(char *p, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		(void)*(volatile char *)(p + at);
}

/* What another process finds; it only has to link two chunks, for each of which
 * the core may come twice. */
static void finds_all(void *arg)
{
	char *p = map_ok(0, *(int *)arg, BYTES, CHUNK - BYTES / 2);
	long long served = region_fact(id_of(p), "faults_served");
	long before = faults();

	touch_all(p, BYTES);
	CHECK_LE(faults() - before, 8);
	CHECK_EQ(region_fact(id_of(p), "faults_served"), served);
	MUST(libshpt_unmap(p, BYTES));
}

/* From the middle of a chunk into the next one. */
static void fills_for_all(int fd)
{
	size_t offset = CHUNK - BYTES / 2;
	uint64_t done = 0;
	struct libshpt_populate how = {
		.flags = LIBSHPT_POPULATE_WRITE,
		.threads = 2,
		.progress = sum,
		.arg = &done,
	};
	char *p = map_ok(0, fd, BYTES, offset);
	long before;

	populate_ok(p, BYTES, &how);
	CHECK_EQ(done, BYTES);
	CHECK_EQ(linked_chunks(p), 2);
	before = faults();
	for (size_t at = 0; at < BYTES; at += PAGE)
		store(p + at, word(1, at));
	CHECK_LE(faults() - before, 8);
	join(spawn(finds_all, &fd));
	CHECK_EQ(pread(fd, &done, 8, offset + 5 * PAGE), 8);
	CHECK_EQ(done, word(1, 5 * PAGE));
	MUST(libshpt_unmap(p, BYTES));
}

/* The second of two chunks is shared no longer. */
static void fills_what_is_replaced(int fd)
{
	char *p = map_ok(0, fd, 2 * CHUNK, 0), *around = p + CHUNK - MIB;
	long before;

	MUST(libshpt_unmap(p + 2 * CHUNK - PAGE, PAGE));
	populate_ok(around, 2 * MIB, NULL);
	CHECK_EQ(linked_chunks(p), 1);
	before = faults();
	touch_all(around, 2 * MIB);
	CHECK_LE(faults() - before, 8);
	MUST(libshpt_unmap(p, 2 * CHUNK - PAGE));
}

static unsigned int open_files(void)
{
	unsigned int n = 0;

	for (int fd = 3; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void ends_with_the_file(int fd)
{
	unsigned int n = open_files();
	char *p;

	MUST(ftruncate(fd, BYTES));
	p = map_ok(0, fd, BYTES + MIB, 0);
	MUST_FAIL(libshpt_populate(p, BYTES + MIB, NULL, 0), EFAULT);
	check_sentence(libshpt_errormsg(), "file ends");
	MUST(libshpt_unmap(p, BYTES + MIB));
	CHECK_EQ(fact("guests"), 0);
	MUST_FAIL(map_with(LIBSHPT_POPULATE, fd, BYTES + MIB, 0), EFAULT);
	check_sentence(libshpt_errormsg(), "file ends");
	CHECK_EQ(fact("guests"), 0);
	CHECK_EQ(open_files(), n);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Every so many milliseconds; 0: no more. */
static void interrupt(long ms)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval when = {
		.it_interval.tv_usec = ms * 1000,
		.it_value.tv_usec = ms * 1000,
	};

	MUST(sigaction(SIGALRM, &action, NULL));
	MUST(setitimer(ITIMER_REAL, &when, NULL));
}

/* By call and by attribute. */
static void goes_on_after_signals(void)
{
	struct libshpt_populate how = { .threads = 2 };

	for (int i = 0; i < 2; i++) {
		int fd = backing(MEMFD, BYTES);
		char *p;

		interrupt(5);
		p = map_ok(i ? LIBSHPT_POPULATE : 0, fd, BYTES, 0);
		if (i == 0)
			populate_ok(p, BYTES, &how);
		interrupt(0);
		CHECK_GE(region_fact(id_of(p), "table_bytes"),
			 BYTES / (2 * MIB) * PAGE);
		MUST(libshpt_unmap(p, BYTES));
		close(fd);
	}
	CHECK_GE(signals, 2);
}

static void ordinary_user(void *arg)
{
	struct rlimit limit = { 4 * BYTES, 4 * BYTES };

	MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
	MUST(setuid(65534));
	MUST_FAIL(map_with(LIBSHPT_LOCK, *(int *)arg, BYTES, 0), EPERM);
	check_sentence(libshpt_errormsg(), "ulimit -l");
	CHECK_EQ(fact("guests"), 0);
}

static void refuses_to_lock_private(int fd)
{
	struct libshpt_attr attr = {
		.flags = LIBSHPT_PRIVATE | LIBSHPT_LOCK,
	};

	MUST_FAIL(libshpt_map_attr(NULL, BYTES, RW, MAP_PRIVATE, fd, 0, &attr,
				   sizeof(attr)),
		  EACCES);
	check_sentence(libshpt_errormsg(), "LIBSHPT_PRIVATE");
}

static void locks(int kind)
{
	int fd = backing(kind, BYTES);
	uint64_t id;
	char *p;

	refuses_to_lock_private(fd);
	if (kind == MEMFD) {
		MUST(chmod("/dev/shpt", 0666));
		join(spawn(ordinary_user, &fd));
		MUST(chmod("/dev/shpt", 0660));
	}
	p = map_ok(LIBSHPT_LOCK, fd, BYTES, 0);
	id = id_of(p);
	CHECK_EQ(region_fact(id, "locked"), kind == MEMFD);
	MUST(libshpt_unlock(fd));
	CHECK_EQ(region_fact(id, "locked"), 0);
	MUST(libshpt_unmap(p, BYTES));
}

/* As daemons do; then other files have the numbers. */
static void closes_all(void *arg)
{
	unsigned int n = open_files();
	char *p = map_ok(0, *(int *)arg, 2 * CHUNK, 0);

	CHECK_EQ(open_files(), n);
	MUST(close_range(3, ~0U, 0));
	while (open("/dev/zero", O_RDONLY | O_CLOEXEC) < 20)
		;
	n = open_files();
	populate_ok(p, MIB, NULL);
	CHECK_EQ(linked_chunks(p), 1);
	MUST(libshpt_unmap(p, CHUNK));
	populate_ok(p + CHUNK, MIB, NULL);
	MUST(libshpt_unmap(p + CHUNK, CHUNK));
	CHECK_EQ(open_files(), n);
}

static void test(int kind)
{
	int fd = backing(kind, 2 * CHUNK);

	fills_for_all(fd);
	fills_what_is_replaced(fd);
	join(spawn(closes_all, &fd));
	ends_with_the_file(fd);
	if (kind == MEMFD)
		goes_on_after_signals();
	locks(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
