// SPDX-License-Identifier: GPL-2.0-or-later
/* replace.c - tests of what is done to parts of chunks */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define G CHUNK_BYTES

static const struct libshpt_attr none;

/* A page of its own for each of the first pages of a chunk. */
static int new_file(size_t chunks)
{
	int fd = new_memfd(chunks * G, 0);

	for (size_t i = 0; i < chunks; i++)
		for (uint64_t page = 0; page < 5; page++)
			ck_assert_int_eq(pwrite(fd, &page, sizeof(page),
						i * G + page * PAGE),
					 sizeof(page));
	return fd;
}

static void pages_are(uintptr_t chunk, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		ck_assert_uint_eq(*(uint64_t *)(chunk + first * PAGE), first);
}

static bool is_writable(uintptr_t page)
{
	return madvise((void *)page, PAGE, MADV_POPULATE_WRITE) == 0;
}

static bool is_readable(uintptr_t page)
{
	return madvise((void *)page, PAGE, MADV_POPULATE_READ) == 0;
}

static bool is_shared(const struct mapping *m, int chunk)
{
	return m->guest->chunks[chunk].shared;
}

START_TEST(part_of_a_chunk_unmaps)
{
	uintptr_t chunk = free_chunks(3);
	int fd = new_file(3);
	struct mapping *m =
		add_guest(chunk, chunk + PAGE, 3 * G - PAGE, fd, &none);
	struct libshpt_info info;

	close(fd);
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + G + 2 * PAGE), PAGE),
			 0);
	pages_are(chunk, 0, 5);
	pages_are(chunk + G, 0, 2);
	ck_assert(!is_mapped(chunk + G + 2 * PAGE));
	pages_are(chunk + G, 3, 5);
	pages_are(chunk + 2 * G, 0, 5);
	ck_assert(is_shared(m, 0));
	ck_assert(!is_shared(m, 1));
	ck_assert(is_shared(m, 2));

	ck_assert_int_eq(libshpt_info((void *)chunk, &info, sizeof(info)), -1);
	ck_assert_int_eq(libshpt_info((void *)(chunk + G), &info, sizeof(info)),
			 0);
	ck_assert_uint_eq((uintptr_t)info.addr, chunk + PAGE);
	ck_assert_uint_eq(info.length, G + PAGE);
	ck_assert_int_eq(libshpt_info((void *)(chunk + G + 3 * PAGE), &info,
				      sizeof(info)),
			 0);
	ck_assert_uint_eq((uintptr_t)info.addr, chunk + G + 3 * PAGE);

	/* Once more in the same chunk, then what is left, with the hole. */
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + G), PAGE), 0);
	ck_assert(!is_mapped(chunk + G));
	pages_are(chunk + G, 1, 2);
	ck_assert(is_shared(m, 2));
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + PAGE), 3 * G - PAGE),
			 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(!is_mapped(chunk + i * G));
		ck_assert(!is_mapped(chunk + i * G + G - PAGE));
	}
}
END_TEST

START_TEST(both_ends_of_a_range_cut)
{
	uintptr_t chunk = free_chunks(4);
	struct mapping *m = add_guest(chunk, chunk, 4 * G, new_file(4), &none);

	ck_assert_int_eq(
		libshpt_unmap((void *)(chunk + 2 * PAGE), 3 * G - PAGE), 0);
	pages_are(chunk, 0, 2);
	ck_assert(!is_mapped(chunk + 2 * PAGE));
	ck_assert(!is_mapped(chunk + G));
	ck_assert(!is_mapped(chunk + 3 * G));
	pages_are(chunk + 3 * G, 1, 5);
	for (int i = 0; i < 4; i++)
		ck_assert(!is_shared(m, i));
}
END_TEST

START_TEST(part_of_a_chunk_is_protected)
{
	uintptr_t chunk = free_chunks(2), page = chunk + 2 * PAGE;
	struct mapping *m = add_guest(chunk, chunk, 2 * G, new_file(2), &none);

	ck_assert_int_eq(libshpt_protect((void *)page, PAGE, PROT_READ), 0);
	ck_assert(!is_writable(page));
	ck_assert(is_writable(page - PAGE));
	ck_assert(is_writable(page + PAGE));
	pages_are(chunk, 0, 5);
	ck_assert(!is_shared(m, 0));
	ck_assert(is_shared(m, 1));

	ck_assert_int_eq(libshpt_protect((void *)page, PAGE, PROT_NONE), 0);
	ck_assert(!is_readable(page));
	ck_assert_int_eq(libshpt_protect((void *)chunk, 2 * G, READ_WRITE), 0);
	ck_assert(is_writable(page));
	ck_assert(is_shared(m, 1));
	pages_are(chunk, 0, 5);
}
END_TEST

/* The caller's own length is all of the chunks. */
START_TEST(whole_chunks_stay_shared)
{
	uintptr_t chunk = free_chunks(2), own = chunk + PAGE;
	struct mapping *m = add_guest(chunk, own, G + PAGE, new_file(2), &none);

	ck_assert_int_eq(libshpt_protect((void *)own, G + PAGE, PROT_READ), 0);
	ck_assert(is_shared(m, 0));
	ck_assert(is_shared(m, 1));
	ck_assert(!is_writable(chunk));
	ck_assert(!is_writable(chunk + 2 * G - PAGE));

	/* What replaces a chunk has the protection that it had. */
	ck_assert_int_eq(libshpt_protect((void *)own, PAGE, PROT_NONE), 0);
	ck_assert(!is_shared(m, 0));
	ck_assert(!is_readable(own));
	ck_assert(is_readable(own + PAGE));
	ck_assert(!is_writable(own + PAGE));
	ck_assert(is_shared(m, 1));
}
END_TEST

START_TEST(exec_is_not_shared)
{
	uintptr_t chunk = free_chunks(2);
	struct mapping *m = add_guest(chunk, chunk, 2 * G, new_file(2), &none);

	ck_assert_int_eq(
		libshpt_protect((void *)(chunk + G), G, PROT_READ | PROT_EXEC),
		0);
	ck_assert(is_shared(m, 0));
	ck_assert(!is_shared(m, 1));
	ck_assert(!is_writable(chunk + G));
	pages_are(chunk + G, 0, 5);
}
END_TEST

START_TEST(protect_fails_with_reasons)
{
	char *p = libshpt_map(NULL, 3 * PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS,
			      -1, 0);
	int rw = new_memfd(PAGE, 0), fd;
	char path[64];
	void *q;

	ck_assert_int_eq(libshpt_protect(p + 1, PAGE, PROT_READ), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_protect(p, 0, PROT_READ), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_protect(p, PAGE, 1 << 20), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "0x100000"));
	ck_assert_int_eq(libshpt_unmap(p + PAGE, PAGE), 0);
	ck_assert_int_eq(libshpt_protect(p, 3 * PAGE, PROT_READ), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "mapped"));
	ck_assert_int_eq(libshpt_protect((void *)-(2 * PAGE), PAGE, PROT_READ),
			 -1);
	ck_assert_int_eq(errno, ENOMEM);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	q = libshpt_map(NULL, PAGE, PROT_READ, PLAIN, fd, 0);
	ck_assert_int_eq(libshpt_protect(q, PAGE, READ_WRITE), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "O_RDWR"));
}
END_TEST

START_TEST(ordinary_mappings_are_protected)
{
	uintptr_t p = (uintptr_t)libshpt_map(NULL, 3 * PAGE, READ_WRITE,
					     PLAIN | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(libshpt_protect((void *)(p + PAGE), 1, PROT_READ), 0);
	ck_assert(is_writable(p));
	ck_assert(!is_writable(p + PAGE));
	ck_assert(is_writable(p + 2 * PAGE));
}
END_TEST

START_TEST(removing_punches_the_file)
{
	uintptr_t chunk = free_chunks(2);
	int fd = new_file(2);
	struct mapping *m = add_guest(chunk, chunk, 2 * G, fd, &none);
	uint64_t value;

	ck_assert_int_eq(
		libshpt_advise((void *)(chunk + G + PAGE), PAGE, MADV_REMOVE),
		0);
	ck_assert_int_eq(pread(fd, &value, 8, G + PAGE), 8);
	ck_assert_uint_eq(value, 0);
	ck_assert_int_eq(pread(fd, &value, 8, G + 2 * PAGE), 8);
	ck_assert_uint_eq(value, 2);
	pages_are(chunk, 0, 5);
	/* Over the end of a chunk, and of the file's. */
	ck_assert_int_eq(
		libshpt_advise((void *)(chunk + 2 * PAGE), G, MADV_REMOVE), 0);
	pages_are(chunk, 0, 2);
	ck_assert_uint_eq(*(uint64_t *)(chunk + 2 * PAGE), 0);
	pages_are(chunk + G, 2, 5);
	ck_assert(is_shared(m, 0));
	ck_assert(is_shared(m, 1));
}
END_TEST

START_TEST(advice_that_leaves_chunks_shared)
{
	static const int advices[] = {
		MADV_NORMAL,   MADV_RANDOM,	   MADV_SEQUENTIAL,
		MADV_WILLNEED, MADV_DONTNEED,	   MADV_HUGEPAGE,
		MADV_COLD,     MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	uintptr_t chunk = free_chunks(1);
	struct mapping *m = add_guest(chunk, chunk, G, new_file(1), &none);

	for (size_t i = 0; i < COUNT(advices); i++) {
		ck_assert_msg(libshpt_advise((void *)(chunk + PAGE), PAGE,
					     advices[i]) == 0,
			      "advice %d: %s", advices[i], libshpt_errormsg());
		ck_assert(is_shared(m, 0));
		pages_are(chunk, 0, 5);
	}
}
END_TEST

START_TEST(children_do_without)
{
	uintptr_t chunk = free_chunks(2);
	struct mapping *m = add_guest(chunk, chunk, 2 * G, new_file(2), &none);
	int status;
	pid_t pid;

	ck_assert_int_eq(
		libshpt_advise((void *)(chunk + PAGE), PAGE, MADV_DONTFORK), 0);
	ck_assert(!is_shared(m, 0));
	ck_assert_int_eq(libshpt_advise((void *)(chunk + G), G, MADV_DONTFORK),
			 0);
	ck_assert(is_shared(m, 1));
	pid = fork();
	if (pid == 0)
		_exit(!is_mapped(chunk) || is_mapped(chunk + PAGE) ||
		      !is_mapped(chunk + 2 * PAGE) || is_mapped(chunk + G));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(advise_fails_with_reasons)
{
	char *p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1,
			      0);

	ck_assert_int_eq(libshpt_advise(p + 1, PAGE, MADV_NORMAL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_advise(p, PAGE, 12345), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "advice 12345"));
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	ck_assert_int_eq(libshpt_advise(p, PAGE, MADV_NORMAL), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(syncing)
{
	char *p = libshpt_map(NULL, 2 * PAGE, READ_WRITE, PLAIN,
			      new_memfd(2 * PAGE, 0), 0);

	ck_assert_int_eq(libshpt_sync(p, 2 * PAGE, MS_SYNC), 0);
	ck_assert_int_eq(libshpt_sync(p, 1, MS_ASYNC), 0);
	ck_assert_int_eq(libshpt_sync(p, PAGE, MS_SYNC | MS_ASYNC), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "MS_SYNC"));
	ck_assert_int_eq(libshpt_sync(p + 1, PAGE, MS_SYNC), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	ck_assert_int_eq(libshpt_sync(p, 2 * PAGE, MS_SYNC), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* What was replaced in a child is so there only. */
START_TEST(children_replace_for_themselves)
{
	uintptr_t chunk = free_chunks(1);
	struct mapping *m = add_guest(chunk, chunk, G, new_file(1), &none);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		closefrom(3);
		if (libshpt_unmap((void *)chunk, PAGE) || is_mapped(chunk))
			_exit(1);
		*(uint64_t *)(chunk + PAGE) = 77;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(is_shared(m, 0));
	ck_assert_uint_eq(*(uint64_t *)chunk, 0);
	ck_assert_uint_eq(*(uint64_t *)(chunk + PAGE), 77);
}
END_TEST

START_TEST(without_address_space_nothing_changes)
{
	uintptr_t chunk = free_chunks(3);
	struct mapping *m = add_guest(chunk, chunk, 3 * G, new_file(3), &none);
	struct rlimit limit = { G, G };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_AS, &limit);
		if (libshpt_unmap((void *)(chunk + 2 * G + PAGE), PAGE) == 0)
			_exit(1);
		if (errno != ENOMEM)
			_exit(2);
		if (!strstr(libshpt_errormsg(), "ulimit -v"))
			_exit(3);
		_exit(is_shared(m, 2) && is_mapped(chunk + 2 * G + PAGE) ? 0 :
									   4);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(sealed_files_stay_whole)
{
	uintptr_t chunk = free_chunks(1);
	struct mapping *m = add_guest(chunk, chunk, G, new_file(1), &none);

	/* As where mmap(2) has refused. */
	munmap((void *)m->guest->ordinary, m->guest->ordinary_bytes);
	m->guest->ordinary = 0;
	ck_assert_int_eq(libshpt_unmap((void *)chunk, PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_protect((void *)chunk, PAGE, PROT_NONE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_protect((void *)chunk, G, PROT_READ), 0);
	pages_are(chunk, 0, 5);
	ck_assert_int_eq(libshpt_unmap((void *)chunk, G), 0);
}
END_TEST

/* For a fixed mapping over it. */
START_TEST(chunks_that_a_range_cuts)
{
	uintptr_t chunk = free_chunks(4);
	struct mapping *m = add_guest(chunk, chunk, 4 * G, new_file(4), &none);
	struct range range = { chunk + G, chunk + 2 * G };

	ck_assert(!replace_cut(range));
	range = (struct range){ chunk + PAGE, chunk + 3 * G + PAGE };
	ck_assert(replace_cut(range));
	ck_assert(!is_shared(m, 0));
	ck_assert(is_shared(m, 1));
	ck_assert(is_shared(m, 2));
	ck_assert(!is_shared(m, 3));
	ck_assert(!replace_cut(range));
	for (int i = 0; i < 4; i++)
		pages_are(chunk + i * G, 0, 5);
}
END_TEST

#define CHUNKS 8

static atomic_bool stop;
static atomic_ulong rounds;

/* Throughout, each page is there and what it was. */
static void *read_all(void *arg)
{
	uintptr_t chunk = (uintptr_t)arg;

	while (!stop) {
		for (int i = 0; i < CHUNKS; i++)
			for (volatile uint64_t page = 1; page < 5; page++)
				if (*(volatile uint64_t *)(chunk + i * G +
							   page * PAGE) != page)
					return "a page has another's data";
		rounds++;
	}
	return NULL;
}

START_TEST(threads_read_throughout)
{
	uintptr_t chunk = free_chunks(CHUNKS);
	int fd = new_file(CHUNKS);
	pthread_t threads[2];

	add_guest(chunk, chunk, CHUNKS * G, fd, &none);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all,
						(void *)chunk),
				 0);
	for (uintptr_t i = 0; i < CHUNKS; i++) {
		unsigned long before = rounds;

		while (rounds < before + 10)
			sched_yield();
		if (i % 2)
			ck_assert_int_eq(
				libshpt_unmap((void *)(chunk + i * G), PAGE),
				0);
		else
			ck_assert_int_eq(
				libshpt_protect((void *)(chunk + i * G), PAGE,
						PROT_NONE),
				0);
	}
	stop = true;
	for (int i = 0; i < 2; i++) {
		void *complaint;

		ck_assert_int_eq(pthread_join(threads[i], &complaint), 0);
		ck_assert_msg(!complaint, "%s", (char *)complaint);
	}
}
END_TEST

/* Who keeps a note of each chunk must not take all memory for it first. */
START_TEST(more_chunks_than_any_address_space)
{
	struct request req = {
		.flags = MAP_SHARED,
		.fd = new_memfd(PAGE, 0),
		.attr = &none,
	};
	struct range range = { 0, (size_t)1 << 57 };
	struct reason why;

	ck_assert_ptr_null(guest_new(&req, -1, range, &why));
	ck_assert_int_eq(why.err, ENOMEM);
	ck_assert_ptr_nonnull(strstr(why.text, "address space"));
}
END_TEST

TCase *replace_tests(void)
{
	TCase *t = tcase_create("replace");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, part_of_a_chunk_unmaps);
	tcase_add_test(t, both_ends_of_a_range_cut);
	tcase_add_test(t, part_of_a_chunk_is_protected);
	tcase_add_test(t, whole_chunks_stay_shared);
	tcase_add_test(t, exec_is_not_shared);
	tcase_add_test(t, protect_fails_with_reasons);
	tcase_add_test(t, ordinary_mappings_are_protected);
	tcase_add_test(t, removing_punches_the_file);
	tcase_add_test(t, advice_that_leaves_chunks_shared);
	tcase_add_test(t, children_do_without);
	tcase_add_test(t, advise_fails_with_reasons);
	tcase_add_test(t, syncing);
	tcase_add_test(t, children_replace_for_themselves);
	tcase_add_test(t, without_address_space_nothing_changes);
	tcase_add_test(t, sealed_files_stay_whole);
	tcase_add_test(t, chunks_that_a_range_cuts);
	tcase_add_test(t, threads_read_throughout);
	tcase_add_test(t, more_chunks_than_any_address_space);
	return t;
}
