// SPDX-License-Identifier: GPL-2.0-or-later
/* fork.c - tests of children and of threads */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static int wait_for(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static uintptr_t greeted[4];
static int greetings;

static void greet(const struct mapping *m)
{
	greeted[greetings++] = m->addr;
	errno = ENOTUNIQ;
}

START_TEST(each_mapping_hears_of_each_child)
{
	static const struct backend greeter = { .in_child = greet };
	uintptr_t chunk = free_chunks(2);
	pid_t pid;

	/* A mapping that need not hear. */
	libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1, 0);
	add_mapping(chunk + PAGE, PAGE, CHUNK_BYTES, &greeter);
	add_mapping(chunk + CHUNK_BYTES, 1, CHUNK_BYTES, &greeter);

	errno = 0;
	pid = fork();
	if (pid == 0) {
		if (greetings != 2 || errno ||
		    greeted[0] + greeted[1] != 2 * chunk + CHUNK_BYTES + PAGE)
			_exit(1);
		greetings = 0;
		pid = fork();
		_exit(pid ? wait_for(pid) != 0 : greetings != 2);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_int_eq(greetings, 0);
}
END_TEST

static bool is_resident(uintptr_t page)
{
	unsigned char resident;

	ck_assert_int_eq(mincore((void *)page, PAGE, &resident), 0);
	return resident & 1;
}

/* The first page of the caller's that is in a shared chunk. */
START_TEST(child_touches_a_page)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(2), own = chunk + 3 * PAGE;
	struct mapping *m = add_guest(chunk, own, CHUNK_BYTES, -1, &none);

	ck_assert(!is_resident(own));
	shpt_backend.in_child(m);
	ck_assert(is_resident(own));
	ck_assert(!is_resident(chunk));
	ck_assert(!is_resident(chunk + CHUNK_BYTES));

	m->guest->chunks[0].shared = false;
	shpt_backend.in_child(m);
	ck_assert(is_resident(chunk + CHUNK_BYTES));
	m->guest->chunks[1].shared = false;
	shpt_backend.in_child(m);
}
END_TEST

/* A signal would end this process. */
START_TEST(child_survives_the_end_of_the_file)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(1);
	int fd = new_memfd(0, 0);
	struct mapping *m = add_guest(chunk, chunk, PAGE, fd, &none);

	shpt_backend.in_child(m);
	ck_assert(is_mapped(m->addr));
	ck_assert_int_eq(munmap((void *)chunk, CHUNK_BYTES), 0);
	shpt_backend.in_child(m);
	close(fd);
}
END_TEST

static atomic_bool stop;

/* Huge pages cannot be cut. */
static bool unmap_part(char *p)
{
	return libshpt_unmap(p + PAGE, PAGE) == 0 || errno == EINVAL;
}

static void *map_and_unmap(void *flags)
{
	while (!stop) {
		char *p = libshpt_map(NULL, 3 * PAGE, READ_WRITE,
				      *(const int *)flags | MAP_ANONYMOUS, -1,
				      0);

		if (p == MAP_FAILED || !unmap_part(p) ||
		    libshpt_unmap(p, 3 * PAGE))
			abort();
	}
	return NULL;
}

#define MANY 64

static void *cut_chunks(void *first)
{
	for (size_t i = 0; !stop; i = (i + 1) % MANY) {
		if (libshpt_protect((char *)first + i * CHUNK_BYTES + PAGE,
				    PAGE, i % 2 ? PROT_READ : READ_WRITE))
			abort();
		/* Locks are not fair. */
		usleep(10);
	}
	return NULL;
}

/* What the table knows is there. */
static bool table_is_whole(void)
{
	struct mapping *m = NULL;
	bool whole = true;

	table_lock();
	while ((m = table_next(m, (struct range){ 0, UINTPTR_MAX })))
		whole &= is_mapped(m->taken.start) &&
			 is_mapped(m->taken.end - PAGE);
	table_unlock();
	return whole;
}

static bool works_in_child(uintptr_t chunk, int flags)
{
	char *p = libshpt_map(NULL, PAGE, READ_WRITE, flags | MAP_ANONYMOUS, -1,
			      0);

	if (p == MAP_FAILED || !table_is_whole())
		return false;
	*p = 'x';
	for (size_t i = 0; i < MANY; i++)
		if (*(char *)(chunk + i * CHUNK_BYTES) != 'a')
			return false;
	return libshpt_unmap(p, PAGE) == 0 &&
	       libshpt_unmap((void *)(chunk + PAGE), PAGE) == 0 &&
	       libshpt_unmap((void *)chunk, MANY * CHUNK_BYTES) == 0 &&
	       !is_mapped(chunk);
}

/*
 * Forked while other threads map, unmap and make chunks ordinary mappings. A
 * child that met the lock held would hang here, and libcheck end the test.
 */
START_TEST(children_of_threads_find_the_table_whole)
{
	static const struct libshpt_attr none;
	static int flags[] = { PLAIN, MAP_SHARED };
	uintptr_t chunk = free_chunks(MANY);
	pthread_t threads[3];

	add_guest(chunk, chunk, MANY * CHUNK_BYTES, -1, &none);
	for (size_t i = 0; i < MANY; i++)
		*(char *)(chunk + i * CHUNK_BYTES) = 'a';
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						i ? map_and_unmap : cut_chunks,
						i ? &flags[_i] : (void *)chunk),
				 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(!works_in_child(chunk, flags[_i]));
		ck_assert_int_eq(wait_for(pid), 0);
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

static atomic_int calls;

static void call_the_library(void)
{
	struct libshpt_info info;

	if (libshpt_info(NULL, &info, sizeof(info)) == -1 && errno == ENOENT)
		calls++;
}

/* They must not meet the lock held: libcheck would end the test. */
START_TEST(handlers_of_fork_call_the_library)
{
	pid_t pid;

	ck_assert_int_eq(pthread_atfork(call_the_library, call_the_library,
					call_the_library),
			 0);
	libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (pid == 0)
		_exit(calls != 2);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_int_eq(calls, 2);
}
END_TEST

static volatile sig_atomic_t forks;

static void fork_one(int sig)
{
	int saved = errno, status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && status == 0)
		forks += sig == SIGALRM;
	errno = saved;
}

START_TEST(handlers_of_signals_fork)
{
	struct sigaction action = { .sa_handler = fork_one };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } };

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (forks < 200) {
		void *p = libshpt_map(NULL, PAGE, READ_WRITE,
				      PLAIN | MAP_ANONYMOUS, -1, 0);

		ck_assert_ptr_ne(p, MAP_FAILED);
		ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	}
	often = (struct itimerval){ 0 };
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}
END_TEST

static pthread_barrier_t barrier;

static void *fail_differently(void *arg)
{
	const char *before = libshpt_errormsg(), *expect = arg;
	char address[32];
	void *p = (void *)strtoul(expect, NULL, 0);

	if (*before)
		return "a new thread starts with a message";
	snprintf(address, sizeof(address), "address %s ", expect);
	for (int i = 0; i < 1000; i++) {
		libshpt_unmap(p, PAGE);
		pthread_barrier_wait(&barrier);
		if (!strstr(libshpt_errormsg(), address))
			return "a message is another thread's";
	}
	return NULL;
}

START_TEST(messages_belong_to_threads)
{
	static char *addresses[] = { "0x1", "0x2", "0x3" };
	pthread_t threads[3];

	libshpt_unmap((void *)9, PAGE);
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 3), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						fail_differently, addresses[i]),
				 0);
	for (int i = 0; i < 3; i++) {
		void *complaint;

		ck_assert_int_eq(pthread_join(threads[i], &complaint), 0);
		ck_assert_msg(!complaint, "%s", (char *)complaint);
	}
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "address 0x9 "));
}
END_TEST

TCase *fork_tests(void)
{
	TCase *t = tcase_create("fork");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, each_mapping_hears_of_each_child);
	tcase_add_test(t, child_touches_a_page);
	tcase_add_test(t, child_survives_the_end_of_the_file);
	tcase_add_loop_test(t, children_of_threads_find_the_table_whole, 0, 2);
	tcase_add_test(t, handlers_of_fork_call_the_library);
	tcase_add_test(t, handlers_of_signals_fork);
	tcase_add_test(t, messages_belong_to_threads);
	return t;
}
