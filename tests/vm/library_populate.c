/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt_populate() fills shared page tables, by several threads, and stops at
 * signals and at the end of the file; the attributes populate and lock; and a
 * program that closes the library's descriptors takes nothing from it.
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

/* From the middle of a chunk into the next one, and no fault but two links. */
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
	uint64_t id = id_of(p);
	long before;

	populate_ok(p, BYTES, &how);
	CHECK_EQ(done, BYTES);
	CHECK_EQ(region_fact(id, "faults_served"), 0);
	before = faults();
	for (size_t at = 0; at < BYTES; at += PAGE)
		store(p + at, word(1, at));
	/* Two link, and the core may have come twice for each. */
	CHECK_LE(faults() - before, 8);
	CHECK_EQ(region_fact(id, "faults_served"), 0);
	CHECK_EQ(pread(fd, &done, 8, offset + 5 * PAGE), 8);
	CHECK_EQ(done, word(1, 5 * PAGE));
	MUST(libshpt_unmap(p, BYTES));
}

static void ends_with_the_file(int fd)
{
	char *p;

	MUST(ftruncate(fd, BYTES));
	p = map_ok(0, fd, BYTES + MIB, 0);
	MUST_FAIL(libshpt_populate(p, BYTES + MIB, NULL, 0), EFAULT);
	check_sentence(libshpt_errormsg(), "file ends");
	CHECK_EQ(region_fact(id_of(p), "faults_served"), 0);
	MUST(libshpt_unmap(p, BYTES + MIB));
	CHECK_EQ(fact("guests"), 0);
	MUST_FAIL(map_with(LIBSHPT_POPULATE, fd, BYTES + MIB, 0), EFAULT);
	check_sentence(libshpt_errormsg(), "file ends");
	CHECK_EQ(fact("guests"), 0);
}

static void on_signal(int sig)
{
	(void)sig;
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

/* Another thread of the library's has no signals. */
static void stops_at_signals(void)
{
	int fd = backing(MEMFD, 512 * MIB);
	uint64_t done = 0;
	struct libshpt_populate how = {
		.threads = 2,
		.progress = sum,
		.arg = &done,
	};
	char *p = map_ok(0, fd, 512 * MIB, 0);

	interrupt(50);
	MUST_FAIL(libshpt_populate(p, 512 * MIB, &how, sizeof(how)), EINTR);
	interrupt(0);
	check_sentence(libshpt_errormsg(), "call again");
	CHECK(done < 512 * MIB, "all was done");
	MUST(libshpt_unmap(p, 512 * MIB));
	close(fd);

	/* A map call is not interrupted. */
	fd = backing(MEMFD, BYTES);
	interrupt(20);
	p = map_ok(LIBSHPT_POPULATE, fd, BYTES, 0);
	interrupt(0);
	CHECK_EQ(region_fact(id_of(p), "faults_served"), 0);
	CHECK_GE(region_fact(id_of(p), "table_bytes"), BYTES / (2 * MIB) * PAGE);
	MUST(libshpt_unmap(p, BYTES));
	close(fd);
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

static void locks(int kind)
{
	int fd = backing(kind, BYTES);
	uint64_t id;
	char *p;

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

static unsigned int open_files(void)
{
	unsigned int n = 0;

	for (int fd = 3; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Those of the library among them; then other files have the numbers. */
static void closes_all(void *arg)
{
	char *p = map_ok(0, *(int *)arg, BYTES, 0);
	unsigned int n;

	MUST(close_range(3, ~0U, 0));
	while (open("/dev/zero", O_RDONLY | O_CLOEXEC) < 20)
		;
	n = open_files();
	populate_ok(p, MIB, NULL);
	CHECK_EQ(linked_chunks(p), 1);
	MUST(libshpt_unmap(p, BYTES));
	CHECK_EQ(open_files(), n);
}

/* A mapping costs a descriptor, whatever becomes of its parts. */
static void closes_its_own(void *arg)
{
	unsigned int before = open_files();
	char *p = map_ok(0, *(int *)arg, 2 * CHUNK, 0);

	CHECK_EQ(open_files(), before + 1);
	MUST(libshpt_unmap(p, CHUNK));
	populate_ok(p + CHUNK, MIB, NULL);
	CHECK_EQ(open_files(), before + 1);
	MUST(libshpt_unmap(p + CHUNK, CHUNK));
	CHECK_EQ(open_files(), before);
}

static void test(int kind)
{
	int fd = backing(kind, 2 * CHUNK);

	fills_for_all(fd);
	join(spawn(closes_all, &fd));
	join(spawn(closes_its_own, &fd));
	ends_with_the_file(fd);
	if (kind == MEMFD)
		stops_at_signals();
	locks(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
