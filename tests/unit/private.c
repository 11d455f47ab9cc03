// SPDX-License-Identifier: GPL-2.0-or-later
/* private.c - tests of LIBSHPT_PRIVATE, and of the handler of SIGSEGV */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define G CHUNK_BYTES

static const struct libshpt_attr private = { .flags = LIBSHPT_PRIVATE };
static const struct libshpt_attr on_write = { .flags = LIBSHPT_PRIVATE |
						       LIBSHPT_BREAK_ON_WRITE };

static int new_file(size_t chunks)
{
	int fd = new_memfd(chunks * G, 0);

	for (size_t i = 0; i < chunks; i++)
		ck_assert_int_eq(pwrite(fd, "file", 5, i * G), 5);
	return fd;
}

/* What a system call that writes there makes of it. */
static int write_by_system_call(uintptr_t addr)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int err = read(fd, (void *)addr, 1) == 1 ? 0 : errno;

	close(fd);
	return err;
}

static void file_is_unchanged(int fd, size_t chunks)
{
	char text[5];

	for (size_t i = 0; i < chunks; i++) {
		ck_assert_int_eq(pread(fd, text, 5, i * G), 5);
		ck_assert_str_eq(text, "file");
	}
}

START_TEST(chunks_break_one_by_one)
{
	uintptr_t chunk = free_chunks(3);
	int fd = new_file(3);
	struct mapping *m = add_guest(chunk, chunk, 3 * G, fd, &private);

	ck_assert_str_eq((char *)chunk, "file");
	ck_assert_int_eq(write_by_system_call(chunk + G), EFAULT);
	ck_assert_int_eq(libshpt_break((void *)(chunk + G + PAGE), 1), 0);
	ck_assert_int_eq(write_by_system_call(chunk + G + PAGE), 0);
	ck_assert_int_eq(write_by_system_call(chunk), EFAULT);
	ck_assert_int_eq(write_by_system_call(chunk + 2 * G), EFAULT);
	ck_assert(m->guest->chunks[0].shared);
	ck_assert(!m->guest->chunks[1].shared);
	ck_assert(m->guest->chunks[2].shared);

	ck_assert_str_eq((char *)(chunk + G), "file");
	strcpy((char *)(chunk + G), "mine");
	file_is_unchanged(fd, 3);
	/* Once is enough. */
	ck_assert_int_eq(libshpt_break((void *)(chunk + G), 2 * G), 0);
	ck_assert_str_eq((char *)(chunk + G), "mine");
	strcpy((char *)(chunk + 2 * G), "mine");
	ck_assert(m->guest->chunks[0].shared);
	file_is_unchanged(fd, 3);
	ck_assert_int_eq(libshpt_unmap((void *)chunk, 3 * G), 0);
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(chunk + G));
}
END_TEST

/* Nothing is left of the address space that is taken twice. */
START_TEST(nothing_is_left_behind)
{
	uintptr_t chunk = free_chunks(3);
	struct mapping *m = add_guest(chunk, chunk, 3 * G, -1, &private);
	uintptr_t twin = m->guest->ordinary;

	for (int i = 0; i < 3; i++)
		ck_assert(is_mapped(twin + i * G));
	ck_assert_int_eq(libshpt_break((void *)chunk, 1), 0);
	ck_assert(!is_mapped(twin));
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + G), G), 0);
	ck_assert(!is_mapped(twin + G));
	ck_assert(is_mapped(twin + 2 * G));
	ck_assert_int_eq(libshpt_unmap((void *)chunk, 3 * G), 0);
	ck_assert(!is_mapped(twin + 2 * G));
	ck_assert(!is_mapped(twin + 3 * G - PAGE));
}
END_TEST

START_TEST(parts_of_chunks)
{
	uintptr_t chunk = free_chunks(2);
	int fd = new_file(2);
	struct mapping *m = add_guest(chunk, chunk, 2 * G, fd, &private);

	ck_assert_int_eq(libshpt_unmap((void *)(chunk + PAGE), PAGE), 0);
	ck_assert(!is_mapped(chunk + PAGE));
	ck_assert_str_eq((char *)chunk, "file");
	ck_assert_int_eq(write_by_system_call(chunk), 0);
	ck_assert(m->guest->chunks[1].shared);
	ck_assert_int_eq(libshpt_advise((void *)(chunk + G), PAGE, MADV_REMOVE),
			 -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert(m->guest->chunks[1].shared);
	ck_assert_int_eq(
		libshpt_advise((void *)(chunk + G), PAGE, MADV_POPULATE_WRITE),
		0);
	ck_assert(!m->guest->chunks[1].shared);
	ck_assert_int_eq(write_by_system_call(chunk + G), 0);
	file_is_unchanged(fd, 2);
}
END_TEST

static void is_misuse(int flags, const struct libshpt_attr *attr,
		      const char *says)
{
	ck_assert_ptr_eq(libshpt_map_attr(NULL, PAGE, READ_WRITE, flags,
					  new_file(1), 0, attr, sizeof(*attr)),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), says));
}

START_TEST(refusals)
{
	static const struct libshpt_attr none,
		alone = { .flags = LIBSHPT_BREAK_ON_WRITE };
	uintptr_t chunk = free_chunks(1);

	add_guest(chunk, chunk, G, -1, &none);
	ck_assert_int_eq(libshpt_break((void *)chunk, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "LIBSHPT_PRIVATE"));
	ck_assert_int_eq(libshpt_unmap((void *)chunk, G), 0);
	ck_assert_int_eq(libshpt_break((void *)chunk, 1), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(libshpt_break((void *)1, 1), -1);
	ck_assert_int_eq(errno, EINVAL);

	is_misuse(MAP_SHARED, &private, "MAP_PRIVATE");
	is_misuse(MAP_PRIVATE, &alone, "LIBSHPT_PRIVATE");
}
END_TEST

/* Whatever backend serves it. */
START_TEST(written_after_a_break)
{
	int fd = new_file(1);
	char *p = libshpt_map_attr(NULL, 3 * PAGE, READ_WRITE, MAP_PRIVATE, fd,
				   0, &private, sizeof(private));

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_str_eq(p, "file");
	ck_assert_int_eq(libshpt_break(p, 3 * PAGE), 0);
	strcpy(p, "mine");
	file_is_unchanged(fd, 1);
	ck_assert_int_eq(libshpt_unmap(p, 3 * PAGE), 0);
}
END_TEST

START_TEST(private_anonymous_memory)
{
	struct libshpt_info info;
	char *p;

	choose_freely();
	p = libshpt_map_attr(NULL, PAGE, READ_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &private,
			     sizeof(private));
	ck_assert_ptr_ne(p, MAP_FAILED);
	p[0] = 1;
	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_int_eq(info.why_errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(info.why, "nothing to share"));
}
END_TEST

START_TEST(without_address_space)
{
	struct request req = {
		.flags = MAP_PRIVATE,
		.fd = new_file(1),
		.attr = &private,
	};
	struct rlimit limit = { G, G };
	struct reason why;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_AS, &limit);
		if (guest_new(&req, -1, (struct range){ 0, G }, &why))
			_exit(1);
		_exit(why.err != ENOMEM ||
		      !strstr(why.text, "as much address space again"));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static pthread_barrier_t barrier;

/* Each thread its own bytes in all chunks, all in the same chunk at once. */
static void *write_own(void *arg)
{
	uintptr_t addr = (uintptr_t)arg;

	for (int i = 0; i < 8; i++) {
		pthread_barrier_wait(&barrier);
		*(volatile uintptr_t *)(addr + i * G) = addr;
	}
	return NULL;
}

START_TEST(writes_of_threads_are_kept)
{
	uintptr_t chunk = free_chunks(8);
	pthread_t threads[4];
	int fd = new_file(8);

	add_guest(chunk, chunk, 8 * G, fd, &on_write);
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (size_t t = 0; t < 4; t++)
		ck_assert_int_eq(pthread_create(&threads[t], NULL, write_own,
						(void *)(chunk + 8 + 8 * t)),
				 0);
	for (int t = 0; t < 4; t++)
		ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
	for (size_t t = 0; t < 4; t++)
		for (size_t i = 0; i < 8; i++)
			ck_assert_uint_eq(
				*(uintptr_t *)(chunk + 8 + 8 * t + i * G),
				chunk + 8 + 8 * t);
	file_is_unchanged(fd, 8);
}
END_TEST

START_TEST(only_written_chunks_break)
{
	uintptr_t chunk = free_chunks(2);
	struct mapping *m =
		add_guest(chunk, chunk, 2 * G, new_file(2), &on_write);

	errno = ENOTUNIQ;
	strcpy((char *)(chunk + G), "mine");
	ck_assert_int_eq(errno, ENOTUNIQ);
	ck_assert(m->guest->chunks[0].shared);
	ck_assert(!m->guest->chunks[1].shared);
	ck_assert_int_eq(write_by_system_call(chunk), EFAULT);
	ck_assert(m->guest->chunks[0].shared);
}
END_TEST

static sigjmp_buf back;
static siginfo_t got;

/* cppcheck-suppress constParameter; sigaction(2) wants this very type */
static void jump(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got = *info;
	siglongjmp(back, sig);
}

static int write_at(uintptr_t addr)
{
	int sig = sigsetjmp(back, 1);

	if (!sig)
		*(volatile char *)addr = 'x';
	return sig;
}

static void handle(void)
{
	struct sigaction jumping = {
		.sa_sigaction = jump,
		.sa_flags = SA_SIGINFO,
	};

	ck_assert_int_eq(sigaction(SIGSEGV, &jumping, NULL), 0);
	ck_assert_int_eq(sigaction(SIGBUS, &jumping, NULL), 0);
}

START_TEST(other_faults_are_the_programs)
{
	uintptr_t chunk = free_chunks(3), elsewhere;
	struct mapping *m;

	handle();
	m = add_guest(chunk, chunk, 2 * G, new_file(2), &on_write);
	elsewhere = (uintptr_t)mmap(NULL, PAGE, PROT_READ,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(write_at(elsewhere), SIGSEGV);
	ck_assert_uint_eq((uintptr_t)got.si_addr, elsewhere);
	ck_assert_int_eq(got.si_code, SEGV_ACCERR);
	ck_assert_int_eq(write_at(8), SIGSEGV);
	ck_assert_int_eq(got.si_code, SEGV_MAPERR);
	ck_assert_int_eq(write_at(chunk), 0);

	/* Protected by the program, in a broken chunk and in a shared one. */
	ck_assert_int_eq(libshpt_protect((void *)chunk, 2 * G, PROT_READ), 0);
	ck_assert_int_eq(write_at(chunk), SIGSEGV);
	ck_assert_int_eq(write_at(chunk + G), SIGSEGV);
	ck_assert(m->guest->chunks[1].shared);
	ck_assert_int_eq(libshpt_protect((void *)chunk, 2 * G, READ_WRITE), 0);
	ck_assert(m->guest->chunks[1].shared);
	ck_assert_int_eq(write_at(chunk), 0);
	ck_assert_int_eq(write_at(chunk + G), 0);
	ck_assert(!m->guest->chunks[1].shared);
}
END_TEST

START_TEST(end_of_the_file_is_a_bus_error)
{
	uintptr_t chunk = free_chunks(1);
	int fd = new_memfd(PAGE, 0);

	handle();
	add_guest(chunk, chunk, G, fd, &on_write);
	ck_assert_int_eq(write_at(chunk + PAGE), SIGBUS);
	ck_assert_int_eq(write_at(chunk), 0);
}
END_TEST

/* Another mapping has the address now. */
START_TEST(what_was_unmapped_is_not_broken)
{
	uintptr_t chunk = free_chunks(2);

	handle();
	add_guest(chunk, chunk, 2 * G, new_file(2), &on_write);
	ck_assert_int_eq(libshpt_unmap((void *)chunk, G), 0);
	ck_assert_ptr_ne(mmap((void *)chunk, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 MAP_FAILED);
	ck_assert_int_eq(write_at(chunk), SIGSEGV);
	ck_assert_str_eq((char *)chunk, "");
	ck_assert_int_eq(write_at(chunk + G), 0);
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + G), G), 0);
	ck_assert_ptr_ne(mmap((void *)(chunk + G), PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 MAP_FAILED);
	ck_assert_int_eq(write_at(chunk + G), SIGSEGV);
}
END_TEST

static const volatile uintptr_t nowhere = 8;
static volatile int calls;
static sigset_t mask_in_handler;

static void count(int sig)
{
	calls++;
	pthread_sigmask(SIG_BLOCK, NULL, &mask_in_handler);
	if (calls == 3)
		_exit(sig);
}

/* Runs a child with this action for SIGSEGV and faults on a page that is not
 * the library's, or sends the signal. Returns the child's wait status. */
static int end_of_child(const struct sigaction *action, bool send)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		uintptr_t chunk = free_chunks(1);

		sigaction(SIGSEGV, action, NULL);
		add_guest(chunk, chunk, G, new_file(1), &on_write);
		*(volatile char *)chunk = 'x';
		if (send)
			kill(getpid(), SIGSEGV);
		else
			*(volatile char *)nowhere = 'x';
		_exit(sigismember(&mask_in_handler, SIGSEGV) * 2 +
		      sigismember(&mask_in_handler, SIGUSR1));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(handlers_run_as_they_asked)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	ck_assert_int_eq(WTERMSIG(end_of_child(&action, false)), SIGSEGV);
	ck_assert_int_eq(WTERMSIG(end_of_child(&action, true)), SIGSEGV);
	action.sa_handler = SIG_IGN;
	ck_assert_int_eq(WTERMSIG(end_of_child(&action, false)), SIGSEGV);
	ck_assert_int_eq(end_of_child(&action, true), 0);
	/* Called again and again. */
	action.sa_handler = count;
	ck_assert_int_eq(WEXITSTATUS(end_of_child(&action, false)), SIGSEGV);
	/* Called once. */
	action.sa_flags = SA_RESETHAND;
	ck_assert_int_eq(WTERMSIG(end_of_child(&action, false)), SIGSEGV);
	action.sa_flags = 0;
	ck_assert_int_eq(WEXITSTATUS(end_of_child(&action, true)), 2);
	action.sa_flags = SA_NODEFER;
	sigaddset(&action.sa_mask, SIGUSR1);
	ck_assert_int_eq(WEXITSTATUS(end_of_child(&action, true)), 1);
}
END_TEST

static volatile uintptr_t to_write;

static void write_and_return(int sig)
{
	(void)sig;
	*(volatile char *)to_write = 'x';
	calls++;
}

/* The library's own handler stays when the program's has had its only call. */
START_TEST(writes_after_the_only_call_of_a_handler)
{
	struct sigaction action = {
		.sa_handler = write_and_return,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};
	volatile int *lived =
		mmap(NULL, PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uintptr_t chunk = free_chunks(2);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sigaction(SIGSEGV, &action, NULL);
		add_guest(chunk, chunk, 2 * G, new_file(2), &on_write);
		to_write = chunk;
		raise(SIGSEGV);
		/* cppcheck-suppress unreachableCode; its handler returns */
		*(volatile char *)(chunk + G) = 'x';
		*lived = calls;
		raise(SIGSEGV);
		/* cppcheck-suppress unreachableCode; or should be: see below */
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(*lived, 1);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}
END_TEST

static volatile uintptr_t next_write, last_write;

static void write_next(int sig)
{
	(void)sig;
	if (next_write < last_write) {
		*(volatile char *)next_write = 'x';
		next_write += G;
	}
}

/* A signal in the middle of the library's work must not wait for itself. */
START_TEST(writes_of_signal_handlers)
{
	struct sigaction action = { .sa_handler = write_next };
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	uintptr_t chunk = free_chunks(101), other = chunk + 100 * G;

	add_guest(chunk, chunk, 100 * G, new_file(100), &on_write);
	add_guest(other, other, G, new_file(1), &private);
	last_write = chunk + 100 * G;
	next_write = chunk;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (next_write < last_write) {
		ck_assert_int_eq(libshpt_protect((void *)other, G, PROT_READ),
				 0);
		ck_assert_int_eq(libshpt_protect((void *)other, G, READ_WRITE),
				 0);
	}
	often = (struct itimerval){ 0 };
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(*(char *)(chunk + i * G), 'x');
}
END_TEST

START_TEST(children_break_for_themselves)
{
	uintptr_t chunk = free_chunks(2);
	struct mapping *m =
		add_guest(chunk, chunk, 2 * G, new_file(2), &on_write);
	int status;
	pid_t pid;

	strcpy((char *)chunk, "mine");
	pid = fork();
	if (pid == 0) {
		if (strcmp((char *)chunk, "mine") != 0)
			_exit(1);
		strcpy((char *)chunk, "ours");
		strcpy((char *)(chunk + G), "ours");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq((char *)chunk, "mine");
	ck_assert_str_eq((char *)(chunk + G), "file");
	ck_assert(m->guest->chunks[1].shared);
}
END_TEST

#define MANY ((size_t)1000)

/* Every other one, so that they do not become one that fork(2) finds too large
 * to promise memory for. */
static void *break_many(void *chunk)
{
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < MANY; i++)
		*(volatile char *)((uintptr_t)chunk + 2 * i * G) = 'x';
	return NULL;
}

/* A child that met the lock held would hang here, and libcheck end the test. */
START_TEST(children_of_threads_break)
{
	uintptr_t chunk = free_chunks(4 * MANY);
	pthread_t threads[2];

	add_guest(chunk, chunk, 4 * MANY * G, -1, &on_write);
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 3), 0);
	for (size_t i = 0; i < 2; i++) {
		void *first = (void *)(chunk + 2 * i * MANY * G);

		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, break_many, first),
			0);
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 30; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			*(volatile char *)(chunk + G) = 'x';
			_exit(0);
		}
		ck_assert_int_gt(pid, 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

TCase *private_tests(void)
{
	TCase *t = tcase_create("private");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, chunks_break_one_by_one);
	tcase_add_test(t, nothing_is_left_behind);
	tcase_add_test(t, parts_of_chunks);
	tcase_add_test(t, refusals);
	tcase_add_test(t, written_after_a_break);
	tcase_add_test(t, private_anonymous_memory);
	tcase_add_test(t, without_address_space);
	tcase_add_test(t, writes_of_threads_are_kept);
	tcase_add_test(t, only_written_chunks_break);
	tcase_add_test(t, other_faults_are_the_programs);
	tcase_add_test(t, end_of_the_file_is_a_bus_error);
	tcase_add_test(t, what_was_unmapped_is_not_broken);
	tcase_add_test(t, handlers_run_as_they_asked);
	tcase_add_test(t, writes_after_the_only_call_of_a_handler);
	tcase_add_test(t, writes_of_signal_handlers);
	tcase_add_test(t, children_break_for_themselves);
	tcase_add_test(t, children_of_threads_break);
	return t;
}
