// SPDX-License-Identifier: GPL-2.0-or-later
/* populate.c - tests of populating and locking */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define MIB ((size_t)1 << 20)
/* Several steps, and a rest. */
#define BYTES (50 * MIB + PAGE)

static char *map_file(int fd, size_t bytes, int prot)
{
	char *p = libshpt_map(NULL, bytes, prot, PLAIN, fd, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* How many kB of the mapping at @p have page tables. */
static long mapped_kb(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool here = false;
	char line[512];
	long kb = -1;

	ck_assert_ptr_nonnull(f);
	while (kb < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)p && (uintptr_t)p < end;
		else if (here)
			sscanf(line, "Rss: %ld", &kb);
	}
	fclose(f);
	return kb;
}

struct calls {
	pthread_t thread;
	unsigned int n, stop_at;
	uint64_t done, length;
};

static int count(void *arg, uint64_t done, uint64_t length)
{
	struct calls *calls = arg;

	ck_assert(pthread_equal(calls->thread, pthread_self()));
	ck_assert_uint_ge(done, calls->done);
	calls->done = done;
	calls->length = length;
	return ++calls->n == calls->stop_at;
}

START_TEST(fills_all)
{
	struct calls calls = { .thread = pthread_self() };
	struct libshpt_populate how = {
		.threads = _i,
		.progress = count,
		.arg = &calls,
	};
	char *p = map_file(new_memfd(BYTES, 0), BYTES, READ_WRITE);

	ck_assert_int_eq(mapped_kb(p), 0);
	ck_assert_int_eq(libshpt_populate(p, BYTES, &how, sizeof(how)), 0);
	ck_assert_int_eq(mapped_kb(p), BYTES / 1024);
	ck_assert_uint_eq(calls.done, BYTES);
	ck_assert_uint_eq(calls.length, BYTES);
	ck_assert_uint_ge(calls.n, 1);
	if (_i < 2)
		ck_assert_uint_eq(calls.n, 4);
	ck_assert_int_eq(p[BYTES - 1], 0);
}
END_TEST

/* The signals that a thread blocks, as its status shows them; all if it has
 * ended, which its status shows by counting no threads in its process. */
static uint64_t blocked_by(const char *tid)
{
	char path[300], line[256];
	uint64_t blocked = UINT64_MAX;
	int threads = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Threads: %d", &threads);
		sscanf(line, "SigBlk: %" SCNx64, &blocked);
	}
	if (f)
		fclose(f);
	return threads ? blocked : UINT64_MAX;
}

struct helper {
	const char *p;
	uint64_t blocked; /* whenever it was looked at */
};

/* While the caller is in here, somebody else does the rest. */
static int watch_helper(void *arg, uint64_t done, uint64_t length)
{
	DIR *tasks = opendir("/proc/self/task");
	struct helper *helper = arg;
	struct dirent *entry;

	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks)))
		if (atoi(entry->d_name) > getpid())
			helper->blocked &= blocked_by(entry->d_name);
	closedir(tasks);
	for (int i = 0; i < 5000 && done < length; i++) {
		if (mapped_kb(helper->p) == (long)(length / 1024))
			return 0;
		usleep(1000);
	}
	return done < length;
}

START_TEST(others_help_and_take_no_signals)
{
	struct helper helper = { .blocked = UINT64_MAX };
	struct libshpt_populate how = {
		.threads = 2,
		.progress = watch_helper,
		.arg = &helper,
	};

	/* It may end before it can be looked at. */
	for (int i = 0; i < 9; i++) {
		char *p = map_file(new_memfd(BYTES, 0), BYTES, READ_WRITE);

		helper.p = p;
		ck_assert_int_eq(libshpt_populate(p, BYTES, &how, sizeof(how)),
				 0);
	}
	ck_assert_uint_ne(helper.blocked & UINT64_C(1) << (SIGALRM - 1), 0);
	ck_assert_uint_ne(helper.blocked & UINT64_C(1) << (SIGTERM - 1), 0);
}
END_TEST

START_TEST(fills_a_part)
{
	char *p = map_file(new_memfd(BYTES, 0), BYTES, READ_WRITE);

	/* Two bytes in two pages. */
	ck_assert_int_eq(libshpt_populate(p + 5 * PAGE - 1, 2, NULL, 0), 0);
	ck_assert_int_eq(mapped_kb(p), 2 * PAGE / 1024);
}
END_TEST

START_TEST(fills_for_writing)
{
	struct libshpt_populate how = { .flags = LIBSHPT_POPULATE_WRITE };
	struct rusage before, after;
	char *p = map_file(new_memfd(BYTES, 0), BYTES, READ_WRITE);

	ck_assert_int_eq(libshpt_populate(p, BYTES, &how, sizeof(how)), 0);
	getrusage(RUSAGE_SELF, &before);
	for (size_t at = 0; at < BYTES; at += PAGE)
		p[at] = 1;
	getrusage(RUSAGE_SELF, &after);
	/* Not one a page; a sanitizer takes some of its own. */
	ck_assert_int_le(after.ru_minflt - before.ru_minflt, BYTES / PAGE / 4);
}
END_TEST

START_TEST(fills_mappings_side_by_side)
{
	struct calls calls = { .thread = pthread_self() };
	struct libshpt_populate how = { .progress = count, .arg = &calls };
	uintptr_t chunk = free_chunks(1);
	int fd = new_memfd(2 * PAGE, 0);

	for (int i = 0; i < 2; i++)
		ck_assert_ptr_ne(libshpt_map((void *)(chunk + i * PAGE), PAGE,
					     READ_WRITE, PLAIN | MAP_FIXED, fd,
					     (1 - i) * PAGE),
				 MAP_FAILED);
	ck_assert_int_eq(libshpt_populate((void *)chunk, 2 * PAGE, &how,
					  sizeof(how)),
			 0);
	ck_assert_int_eq(mapped_kb((void *)chunk), PAGE / 1024);
	ck_assert_int_eq(mapped_kb((void *)(chunk + PAGE)), PAGE / 1024);
	ck_assert_uint_eq(calls.done, 2 * PAGE);
	/* A third one is not there. */
	fails(libshpt_populate((void *)chunk, 3 * PAGE, NULL, 0), ENOENT,
	      "no mapping of libshpt");
}
END_TEST

START_TEST(ends_when_told)
{
	struct calls calls = { .thread = pthread_self(), .stop_at = 2 };
	struct libshpt_populate how = { .progress = count, .arg = &calls };
	char *p = map_file(new_memfd(BYTES, 0), BYTES, READ_WRITE);

	fails(libshpt_populate(p, BYTES, &how, sizeof(how)), ECANCELED,
	      "call again");
	ck_assert_uint_eq(calls.n, 2);
	ck_assert_int_eq(mapped_kb(p), calls.done / 1024);
	calls.n = calls.done = 0;
	calls.stop_at = 0;
	ck_assert_int_eq(libshpt_populate(p, BYTES, &how, sizeof(how)), 0);
	ck_assert_int_eq(mapped_kb(p), BYTES / 1024);
}
END_TEST

START_TEST(what_cannot_be_filled)
{
	struct libshpt_populate how = { .flags = LIBSHPT_POPULATE_WRITE };
	char *p = map_file(new_memfd(PAGE, 0), 3 * PAGE, READ_WRITE);

	fails(libshpt_populate(p, 3 * PAGE, NULL, 0), EFAULT, "file ends");
	ck_assert_int_eq(libshpt_populate(p, PAGE, NULL, 0), 0);
	p = map_file(new_memfd(PAGE, 0), PAGE, PROT_READ);
	fails(libshpt_populate(p, PAGE, &how, sizeof(how)), EACCES, "writing");
	p = map_file(new_memfd(PAGE, 0), PAGE, PROT_NONE);
	fails(libshpt_populate(p, PAGE, NULL, 0), EACCES, "reading");
	fails(libshpt_populate(&how, sizeof(how), NULL, 0), ENOENT,
	      "no mapping of libshpt");
}
END_TEST

/* For writing, a private chunk that is shared is first broken. */
START_TEST(breaks_private_chunks)
{
	static const struct libshpt_attr private = { .flags = LIBSHPT_PRIVATE };
	struct libshpt_populate how = { 0 };
	uintptr_t chunk = free_chunks(2);
	struct mapping *m =
		add_guest(chunk, chunk, 2 * CHUNK_BYTES, -1, &private);
	char *p = (char *)chunk + CHUNK_BYTES;

	ck_assert_int_eq(libshpt_populate(p, PAGE, &how, sizeof(how)), 0);
	ck_assert(chunk_at(m->guest, (uintptr_t)p)->shared);
	how.flags = LIBSHPT_POPULATE_WRITE;
	ck_assert_int_eq(libshpt_populate(p, PAGE, &how, sizeof(how)), 0);
	ck_assert(!chunk_at(m->guest, (uintptr_t)p)->shared);
	ck_assert(chunk_at(m->guest, chunk)->shared);
	ck_assert_int_eq(mapped_kb(p), PAGE / 1024);
	*p = 1;
	ck_assert_int_eq(libshpt_unmap((void *)chunk, 2 * CHUNK_BYTES), 0);
}
END_TEST

START_TEST(bad_arguments_fail)
{
	struct {
		struct libshpt_populate how;
		char rest[8];
	} later = { 0 };
	char *p = map_file(new_memfd(PAGE, 0), PAGE, READ_WRITE);

	fails(libshpt_populate(p, 0, NULL, 0), EINVAL, "length is 0");
	fails(libshpt_populate(p, SIZE_MAX, NULL, 0), EINVAL, "exceed");
	fails(libshpt_populate((void *)-1, 1, NULL, 0), EINVAL, "exceed");
	fails(libshpt_populate(p, PAGE, NULL, 8), EINVAL, "NULL and 0");
	fails(libshpt_populate(p, PAGE, &later.how, 23), EINVAL, "23 bytes");
	ck_assert_int_eq(libshpt_populate(p, PAGE, &later.how, sizeof(later)),
			 0);
	later.rest[7] = 1;
	fails(libshpt_populate(p, PAGE, &later.how, sizeof(later)), E2BIG,
	      "update libshpt");
	later.how.flags = 2;
	fails(libshpt_populate(p, PAGE, &later.how, sizeof(later.how)), EINVAL,
	      "flags 0x2");
}
END_TEST

static void *map_with(uint64_t flags, int fd, size_t bytes)
{
	struct libshpt_attr attr = { .flags = flags };

	return libshpt_map_attr(NULL, bytes, READ_WRITE, PLAIN, fd, 0, &attr,
				sizeof(attr));
}

START_TEST(attribute_populate)
{
	char *p = map_with(LIBSHPT_POPULATE, new_memfd(BYTES, 0), BYTES);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mapped_kb(p), BYTES / 1024);
}
END_TEST

/* Mappings of the files that the tests make. */
static unsigned int count_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int n = 0;
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "/memfd:unit") != NULL;
	fclose(f);
	return n;
}

/* Of a file too short: nothing stays mapped. */
START_TEST(attribute_populate_fails)
{
	int fd = new_memfd(PAGE, 0);

	ck_assert_ptr_eq(map_with(LIBSHPT_POPULATE, fd, 2 * PAGE), MAP_FAILED);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "file ends"));
	ck_assert_uint_eq(count_mappings(), 0);
}
END_TEST

/* A sanitizer of addresses makes nothing of mlock(2). */
#ifdef __SANITIZE_ADDRESS__
#define CAN_LOCK false
#else
#define CAN_LOCK true
#endif

static long locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	ck_assert_ptr_nonnull(f);
	while (kb < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	return kb;
}

START_TEST(attribute_lock)
{
	long before = locked_kb();
	void *p = map_with(LIBSHPT_LOCK, new_memfd(2 * PAGE, 0), 2 * PAGE);

	ck_assert_ptr_ne(p, MAP_FAILED);
	if (CAN_LOCK)
		ck_assert_int_eq(locked_kb() - before, 2 * PAGE / 1024);
	ck_assert_int_eq(libshpt_unmap(p, 2 * PAGE), 0);
	ck_assert_int_eq(locked_kb(), before);
}
END_TEST

static int lock_too_much(void)
{
	struct rlimit limit = { PAGE, PAGE };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) ||
	    (geteuid() == 0 && setuid(65534)))
		return 1;
	if (map_with(LIBSHPT_LOCK, new_memfd(9 * PAGE, 0), 9 * PAGE) !=
	    MAP_FAILED)
		return 2;
	if (errno != ENOMEM || !strstr(libshpt_errormsg(), "ulimit -l"))
		return 3;
	return count_mappings() ? 4 : 0;
}

START_TEST(attribute_lock_fails)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(lock_too_much());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), CAN_LOCK ? 0 : 2);
}
END_TEST

TCase *populate_tests(void)
{
	TCase *t = tcase_create("populate");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, fills_all, 0, 4);
	tcase_add_test(t, others_help_and_take_no_signals);
	tcase_add_test(t, fills_a_part);
	tcase_add_test(t, fills_for_writing);
	tcase_add_test(t, fills_mappings_side_by_side);
	tcase_add_test(t, ends_when_told);
	tcase_add_test(t, what_cannot_be_filled);
	tcase_add_test(t, breaks_private_chunks);
	tcase_add_test(t, bad_arguments_fail);
	tcase_add_test(t, attribute_populate);
	tcase_add_test(t, attribute_populate_fails);
	tcase_add_test(t, attribute_lock);
	tcase_add_test(t, attribute_lock_fails);
	return t;
}
