/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preloaded.h - cases for libshpt-preload.so, in a program that knows nothing
 * of it
 *
 * The test that includes this runs itself anew with the library preloaded,
 * settings in the environment and the name of a case. A case says what is wrong
 * on stderr, where the library says what it has to say.
 */
#ifndef SHPT_PRELOADED_H
#define SHPT_PRELOADED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#include "libshpt.h"

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
/* What the library takes for large, LIBSHPT_MIN_SIZE. */
#ifndef LARGE
#define LARGE (64 * MIB)
#endif
#define LENGTH (LARGE + 3 * PAGE + 5)
#define READ_WRITE (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_SHARED | MAP_ANONYMOUS)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define EXPECT(condition)                                                   \
	do {                                                                \
		if (!(condition)) {                                         \
			dprintf(STDERR_FILENO, "%s:%d: %s: %m\n", __FILE__, \
				__LINE__, #condition);                      \
			_exit(1);                                           \
		}                                                           \
	} while (0)

/* What /proc/self/maps says of an address. */
static const char *maps_line(const void *p)
{
	static char line[1024];
	unsigned long start, end;
	FILE *maps = fopen("/proc/self/maps", "re");

	EXPECT(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start <= (uintptr_t)p && (uintptr_t)p < end) {
			fclose(maps);
			return line;
		}
	fclose(maps);
	return "";
}

static size_t mappings_of(const char *text)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[1024];
	size_t n = 0;

	EXPECT(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, text) != NULL;
	fclose(maps);
	return n;
}

static char *map_anonymous(size_t length)
{
	char *p = mmap(NULL, length, READ_WRITE, ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return p;
}

static void join(pid_t pid)
{
	int status;

	EXPECT(pid > 0);
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(status == 0);
}

/* Cannot be shared on any machine. */
static void map_code(size_t length)
{
	void *p = mmap(NULL, length, READ_WRITE | PROT_EXEC, ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	EXPECT(munmap(p, length) == 0);
}

static void code(void)
{
	errno = 0;
	map_code(LENGTH);
	map_code(LENGTH);
	EXPECT(errno == 0);
}

/* The cases that know of the library ask it. */
static __typeof__(libshpt_info) *ask;
static __typeof__(libshpt_populate) *populate;
static __typeof__(libshpt_errormsg) *errormsg;

static void find_library(void)
{
	ask = dlsym(RTLD_DEFAULT, "libshpt_preload_info");
	populate = dlsym(RTLD_DEFAULT, "libshpt_preload_populate");
	errormsg = dlsym(RTLD_DEFAULT, "libshpt_preload_errormsg");
	EXPECT(ask && populate && errormsg);
}

/* Of what it serves, in LIBSHPT_BACKEND=plain, and of what it leaves alone. */
static void asked(void)
{
	char *served = map_anonymous(LENGTH), *small = map_anonymous(MIB);
	unsigned char resident;
	struct libshpt_info info;

	find_library();
	EXPECT(ask(served + LENGTH - 1, &info, sizeof(info)) == 0);
	EXPECT(info.addr == served && info.length == LENGTH);
	EXPECT(info.why_errno == ECANCELED);
	EXPECT(strstr(info.why, "LIBSHPT_BACKEND"));
	EXPECT(populate(served, LENGTH, NULL, 0) == 0);
	EXPECT(mincore(served + LARGE, PAGE, &resident) == 0 && resident);

	EXPECT(ask(small, &info, sizeof(info)) == -1 && errno == ENOENT);
	EXPECT(strstr(errormsg(), "LIBSHPT_MIN_SIZE"));
}

/* Of what it passed through: the last 16. */
static void asked_passed(void)
{
	struct libshpt_info info;
	char *passed[17];

	find_library();
	for (size_t n = 0; n < COUNT(passed); n++) {
		passed[n] = mmap(NULL, LENGTH, READ_WRITE | PROT_EXEC,
				 ANONYMOUS, -1, 0);
		EXPECT(passed[n] != MAP_FAILED);
	}
	EXPECT(ask(passed[1] + LENGTH - 1, &info, sizeof(info)) == 0);
	EXPECT(info.addr == passed[1] && info.length == LENGTH);
	EXPECT(info.backend == LIBSHPT_BACKEND_PLAIN && !info.region_id);
	EXPECT(info.why_errno == EPERM && strstr(info.why, "PROT_EXEC"));
	EXPECT(ask(passed[0], &info, sizeof(info)) == -1 && errno == ENOENT);
	EXPECT(populate(passed[1], LENGTH, NULL, 0) == -1 && errno == ENOENT);
	EXPECT(strstr(errormsg(), "no mapping of libshpt"));
}

static void expect_given_up(const void *p, const char *call)
{
	struct libshpt_info info;

	EXPECT(ask(p, &info, sizeof(info)) == 0);
	EXPECT(info.backend == LIBSHPT_BACKEND_PLAIN);
	EXPECT(info.why_errno == EOPNOTSUPP && strstr(info.why, call));
}

/* Of what it has served until then. */
static void asked_given_up(void)
{
	char *p = map_anonymous(LENGTH);

	find_library();
	EXPECT(madvise(p, LENGTH, MADV_DONTFORK) == 0);
	expect_given_up(p + LENGTH - 1, "MADV_DONTFORK");
	p = map_anonymous(LENGTH);
	p = mremap(p, LENGTH, 4 * LENGTH, MREMAP_MAYMOVE);
	EXPECT(p != MAP_FAILED);
	expect_given_up(p + 4 * LENGTH - 1, "mremap");
}

/* None of which is the library's business. */
static void others(void)
{
	int fd = memfd_create("others", 0);
	void *p;

	EXPECT(fd >= 0 && ftruncate(fd, LENGTH) == 0);
	map_code(LARGE - 1);
	p = mmap(NULL, LENGTH, READ_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(p != MAP_FAILED);
	EXPECT(mprotect(p, PAGE, PROT_NONE) == 0);
	EXPECT(madvise(p, LENGTH, MADV_DONTNEED) == 0);
	p = mremap(p, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE);
	EXPECT(p == MAP_FAILED || munmap(p, 2 * LENGTH) == 0);
	p = mmap(NULL, LENGTH, PROT_READ, MAP_PRIVATE, fd, 0);
	EXPECT(p != MAP_FAILED && munmap(p, LENGTH) == 0);
	/* As libc's, errors included. */
	EXPECT(mmap(NULL, 0, READ_WRITE, ANONYMOUS, -1, 0) == MAP_FAILED &&
	       errno == EINVAL);
	EXPECT(mmap(NULL, LENGTH, READ_WRITE, MAP_SHARED, -1, 0) ==
		       MAP_FAILED &&
	       errno == EBADF);
	EXPECT(mmap(NULL, LENGTH, READ_WRITE, MAP_SHARED, fd, 1) ==
		       MAP_FAILED &&
	       errno == EINVAL);
	EXPECT(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
	EXPECT(shmat(-1, NULL, 0) == (void *)-1 && errno == EINVAL);
	EXPECT(shmdt((void *)PAGE) == -1 && errno == EINVAL);
}

/* What a database server does with its memory over its life. */
static void server(void)
{
	void *hole = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	EXPECT(munmap(hole, LENGTH) == 0);
	for (int life = 0; life < 3; life++) {
		char *p = map_anonymous(LENGTH);
		pid_t pid;

		for (size_t i = 0; i < LENGTH; i += PAGE)
			EXPECT(p[i] == 0);
		memset(p, 1, LENGTH);
		pid = fork();
		if (pid == 0) {
			p[5] = 2;
			EXPECT(munmap(p, LENGTH) == 0);
			EXPECT(!*maps_line(p));
			_exit(0);
		}
		join(pid);
		EXPECT(p[5] == 2 && p[LENGTH - 1] == 1);
		EXPECT(munmap(p, LENGTH) == 0);
		EXPECT(!*maps_line(p) && !*maps_line(p + LENGTH - 1));
	}
}

/* Whether the memory is where LIBSHPT_BACKING says. */
static bool is_backed(const void *p)
{
	const char *line = maps_line(p);

	return strstr(line, getenv("LIBSHPT_BACKING")) &&
	       strstr(line, "(deleted)");
}

static void backed(void)
{
	char *p = map_anonymous(LENGTH);

	EXPECT(is_backed(p));
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(!is_backed(map_anonymous(MIB)));
	server();
}

static void not_backed(void)
{
	EXPECT(!is_backed(map_anonymous(LENGTH)));
	server();
}

/* More than there is, which is noticed at once or, on demand, never. */
static void no_room(void)
{
	struct statvfs fs;
	size_t length;
	void *p;

	EXPECT(statvfs(getenv("LIBSHPT_BACKING"), &fs) == 0);
	length = fs.f_blocks * fs.f_frsize + PAGE;
	EXPECT(!is_backed(map_anonymous(length)));
	p = mmap(NULL, length, READ_WRITE, ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(p != MAP_FAILED && is_backed(p));
}

static atomic_bool stop;

/* Sees every change of protection, but never a page that is missing. */
static void *reader(void *arg)
{
	const volatile char *p = arg;

	while (!stop)
		for (size_t i = 0; i < LENGTH; i += PAGE)
			EXPECT(p[i] == 1);
	return NULL;
}

static char *map_ones(void)
{
	char *p = map_anonymous(LENGTH);

	memset(p, 1, LENGTH);
	return p;
}

/* What cannot be done to a mapping as libshpt made it. */
static void parts(void)
{
	pthread_t thread;
	char *p, *q;

	/* Protection of a part, while others read. */
	p = map_ones();
	EXPECT(pthread_create(&thread, NULL, reader, p) == 0);
	EXPECT(mprotect(p, LENGTH, PROT_READ) == 0);
	EXPECT(strstr(maps_line(p), " r--s "));
	EXPECT(mprotect(p, LENGTH, READ_WRITE) == 0);
	EXPECT(mprotect(p + MIB, MIB, PROT_READ) == 0);
	stop = true;
	pthread_join(thread, NULL);
	p[0] = 1;
	p[2 * MIB] = 1;
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);

	/* Piece by piece, and then something else is there. */
	p = map_ones();
	for (size_t i = 0; i < LENGTH; i += LARGE / 4)
		EXPECT(munmap(p + i, i < LARGE ? LARGE / 4 : LENGTH - LARGE) ==
		       0);
	EXPECT(mappings_of("(deleted)") == 0);
	q = mmap(p, LENGTH, READ_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	EXPECT(q == p && munmap(q, LENGTH) == 0);

	/* Unmapping parts: the middle, then more than all. */
	p = map_ones();
	EXPECT(munmap(p + MIB, MIB) == 0);
	EXPECT(!*maps_line(p + MIB));
	EXPECT(p[MIB - 1] == 1 && p[2 * MIB] == 1 && p[LENGTH - 1] == 1);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);

	/* A protection that was changed stays. */
	p = map_ones();
	EXPECT(mprotect(p, LENGTH, PROT_READ) == 0);
	EXPECT(munmap(p, PAGE) == 0);
	EXPECT(strstr(maps_line(p + PAGE), " r--s "));
	EXPECT(p[PAGE] == 1);
	EXPECT(munmap(p, LENGTH) == 0);

	/* Two at once, with what is between. */
	p = mmap(NULL, 4 * LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0);
	q = p + 2 * (LENGTH / PAGE) * PAGE;
	EXPECT(mmap(p, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == p);
	EXPECT(mmap(q, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == q);
	memset(q, 3, LENGTH);
	EXPECT(munmap(p, q + MIB - p) == 0);
	EXPECT(!*maps_line(p) && !*maps_line(q) && q[MIB] == 3);
	EXPECT(munmap(p, 4 * LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

static void fixed_over(void)
{
	char *p = map_ones(), *q;

	q = mmap(p + MIB, MIB, READ_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	EXPECT(q == p + MIB && q[0] == 0 && q[-1] == 1 && q[MIB] == 1);
	q = mmap(p, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0);
	EXPECT(q == p && p[0] == 0 && p[MIB] == 0);
	EXPECT(mmap(p, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		    0) == MAP_FAILED &&
	       errno == EEXIST);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

static void remap(void)
{
	char *p = map_ones(), *q;

	q = mremap(p, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED && q[0] == 1 && q[LENGTH - 1] == 1);
	EXPECT(munmap(q, 2 * LENGTH) == 0);
	p = map_ones();
	q = mremap(p, 0, LENGTH, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED && q != p);
	q[MIB] = 4;
	EXPECT(p[MIB] == 4);
	EXPECT(munmap(q, LENGTH) == 0 && munmap(p, LENGTH) == 0);
	p = map_ones();
	q = mremap(p, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	EXPECT(q != MAP_FAILED && q != p);
	q[MIB] = 5;
	EXPECT(p[MIB] == 5 && p[0] == 1);
	EXPECT(munmap(q, LENGTH) == 0 && munmap(p, LENGTH) == 0);
	p = map_ones();
	q = map_ones();
	q[0] = 7;
	EXPECT(mremap(q, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, p) ==
	       p);
	EXPECT(p[0] == 7 && p[LENGTH - 1] == 1 && !*maps_line(q));
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

/* A child that did not inherit it has something else there. */
static void not_inherited(void)
{
	char *p = map_ones(), *q;
	pid_t pid;

	EXPECT(madvise(p, LENGTH, MADV_DONTFORK) == 0);
	pid = fork();
	if (pid == 0) {
		q = mmap(p, 2 * PAGE, READ_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0);
		EXPECT(q == p);
		q[PAGE] = 5;
		EXPECT(munmap(q, PAGE) == 0);
		EXPECT(!*maps_line(q) && q[PAGE] == 5);
		_exit(0);
	}
	join(pid);
	EXPECT(p[0] == 1 && munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

/* More of them than the library has room for in its pool. */
static void pieces(void)
{
	char *p = map_ones();

	for (size_t i = 0; i + PAGE < LENGTH; i += 2 * PAGE)
		EXPECT(munmap(p + i, PAGE) == 0);
	EXPECT(!*maps_line(p) && p[PAGE] == 1);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

static void populated(void)
{
	unsigned char there[LENGTH / PAGE + 1];
	char *p =
		mmap(NULL, LENGTH, READ_WRITE, ANONYMOUS | MAP_POPULATE, -1, 0);

	EXPECT(p != MAP_FAILED);
	EXPECT(mincore(p, LENGTH, there) == 0);
	for (size_t i = 0; i < COUNT(there); i++)
		EXPECT(there[i] & 1);
	EXPECT(munmap(p, LENGTH) == 0);
}

static void advice(void)
{
	char *p = map_ones();

	EXPECT(madvise(p, LENGTH, MADV_DONTNEED) == 0 && p[MIB] == 1);
	EXPECT(madvise(p, MIB, MADV_SEQUENTIAL) == 0);
	EXPECT(madvise(p, LENGTH, MADV_DONTDUMP) == 0);
	EXPECT(madvise(p, LENGTH, MADV_DODUMP) == 0);
	EXPECT(madvise(p + MIB, MIB, MADV_REMOVE) == 0);
	EXPECT(p[MIB] == 0 && p[MIB - 1] == 1);
	EXPECT(madvise(p, MIB, 12345) == -1 && errno == EINVAL);
	EXPECT(madvise(p + PAGE, 0, MADV_REMOVE) == 0 && p[PAGE] == 1);
	EXPECT(mprotect(p + PAGE, 0, PROT_NONE) == 0);
	EXPECT(munmap(p + PAGE, 0) == -1 && errno == EINVAL);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

static void many(void)
{
	static char *all[300];

	for (size_t i = 0; i < COUNT(all); i++) {
		all[i] = map_anonymous(MIB);
		all[i][0] = (char)i;
	}
	for (size_t i = 0; i < COUNT(all); i++) {
		EXPECT(all[i][0] == (char)i);
		EXPECT(munmap(all[i], MIB) == 0);
		EXPECT(!*maps_line(all[i]));
	}
	EXPECT(mappings_of("---s") == 0);
	EXPECT(*map_anonymous(MIB) == 0);
}

static void *map_and_unmap(void *arg)
{
	(void)arg;
	while (!stop) {
		char *p = map_anonymous(MIB), *small = malloc(MIB);

		EXPECT(small && p[MIB / 2] == 0);
		p[MIB / 2] = small[0] = 1;
		free(small);
		EXPECT(munmap(p, MIB) == 0);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[4];

	for (size_t i = 0; i < COUNT(ids); i++)
		EXPECT(pthread_create(&ids[i], NULL, map_and_unmap, NULL) == 0);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			EXPECT(munmap(map_anonymous(MIB), MIB) == 0);
			_exit(0);
		}
		join(pid);
	}
	stop = true;
	for (size_t i = 0; i < COUNT(ids); i++)
		pthread_join(ids[i], NULL);
	EXPECT(mappings_of("---s") == 0);
}

/* As mmap(2) it is not a point where a thread is cancelled. */
static void *map_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	*(char **)arg = map_anonymous(LENGTH);
	pthread_testcancel();
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	char *p = NULL;

	EXPECT(pthread_create(&thread, NULL, map_cancelled, &p) == 0);
	pthread_join(thread, NULL);
	EXPECT(p && munmap(p, LENGTH) == 0);
}

static const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never;
static atomic_int handled;

static void map_in_handler(int sig)
{
	int saved = errno;

	(void)sig;
	EXPECT(munmap(map_anonymous(LENGTH), LENGTH) == 0);
	if (++handled == 100)
		setitimer(ITIMER_REAL, &never, NULL);
	errno = saved;
}

static void handlers(void)
{
	signal(SIGALRM, map_in_handler);
	EXPECT(setitimer(ITIMER_REAL, &often, NULL) == 0);
	while (handled < 100)
		EXPECT(munmap(map_anonymous(LENGTH), LENGTH) == 0);
}

/* Its title is where its environment was, as with many daemons. */
static void titled(void)
{
	char **moved, *first = environ[0], *last = first;
	size_t n = 0;

	while (environ[n])
		last = environ[n++];
	moved = malloc((n + 1) * sizeof(*moved));
	EXPECT(moved);
	for (size_t i = 0; i <= n; i++)
		moved[i] = environ[i] ? strdup(environ[i]) : NULL;
	environ = moved;
	memset(first, 'x', last + strlen(last) - first);
	EXPECT(is_backed(map_anonymous(LENGTH)));
}

/* Runs before libc knows the environment. */
static void map_early(int argc, char **argv, char **all)
{
	(void)all;
	if (argc > 1 && !strcmp(argv[1], "early"))
		munmap(map_anonymous(LENGTH), LENGTH);
}

__attribute__((section(".preinit_array"),
	       used)) static void (*before_all)(int, char **,
						char **) = map_early;

static void early(void)
{
	EXPECT(is_backed(map_anonymous(LENGTH)));
}

/* Nobody reads its stderr any more. */
static void unheard(void)
{
	int ends[2];

	EXPECT(pipe(ends) == 0 && close(ends[0]) == 0);
	EXPECT(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	map_code(LENGTH);
}

static void small_files(void)
{
	struct rlimit limit = { MIB, MIB };

	EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	server();
}

static int nattch(int id)
{
	struct shmid_ds segment;

	EXPECT(shmctl(id, IPC_STAT, &segment) == 0);
	return (int)segment.shm_nattch;
}

/* What is counted is the same as without the library. */
static void segment(void)
{
	int id = shmget(IPC_PRIVATE, LENGTH, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0), *q;
	pid_t pid;

	EXPECT(id >= 0 && p != (void *)-1 && p[LENGTH - 1] == 0);
	EXPECT(nattch(id) == 1);
	memset(p, 1, LENGTH);
	pid = fork();
	if (pid == 0) {
		EXPECT(nattch(id) == 2);
		q = shmat(id, NULL, SHM_RDONLY);
		EXPECT(q != (void *)-1 && nattch(id) == 3 && q[MIB] == 1);
		p[5] = 2;
		EXPECT(q[5] == 2);
		EXPECT(mprotect(q, LENGTH, READ_WRITE) == -1);
		EXPECT(shmdt(p) == 0 && nattch(id) == 2);
		EXPECT(!*maps_line(p));
		EXPECT(shmdt(p) == -1 && errno == EINVAL);
		_exit(0);
	}
	join(pid);
	EXPECT(nattch(id) == 1 && p[5] == 2);
	EXPECT(shmat(id, p, 0) == (void *)-1 && errno == EINVAL);
	EXPECT(nattch(id) == 1);
	/* A part is unmapped: still attached, and can be detached. */
	EXPECT(munmap(p + MIB, MIB) == 0);
	EXPECT(p[0] == 1 && p[2 * MIB] == 1 && !*maps_line(p + MIB));
	EXPECT(shmdt(p) == 0 && nattch(id) == 0);
	EXPECT(!*maps_line(p + 2 * MIB));
	/* It goes with the last who is attached. */
	p = shmat(id, NULL, 0);
	EXPECT(p[0] == 1 && shmctl(id, IPC_RMID, NULL) == 0);
	EXPECT(p[LENGTH - 1] == 1);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }) == -1);
	EXPECT(mappings_of("SYSV") == 0);
}

/* In its place there is something else, and again. */
static void segment_replaced(void)
{
	int id = shmget(IPC_PRIVATE, LENGTH, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0), *q;

	EXPECT(p != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
	p[MIB] = 1;
	EXPECT(munmap(p, PAGE) == 0 && p[MIB] == 1);
	EXPECT(mmap(p, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == p);
	EXPECT(p[MIB] == 0);
	p[MIB] = 2;
	q = mremap(p, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE);
	EXPECT(q != MAP_FAILED && q[MIB] == 2);
	EXPECT(q == p ||
	       mmap(p, LENGTH, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == p);
	EXPECT(munmap(q, 2 * LENGTH) == 0);
	EXPECT(q == p || munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == mappings_of("SYSV"));
	EXPECT(mappings_of("SYSV") <= 1);
}

/* Where there are huge pages to spare; elsewhere it cannot be tried. */
static void segment_huge(void)
{
	int id = shmget(IPC_PRIVATE, LARGE, IPC_CREAT | SHM_HUGETLB | 0600);
	char *p;

	if (id < 0)
		return;
	p = shmat(id, NULL, 0);
	EXPECT(shmctl(id, IPC_RMID, NULL) == 0);
	EXPECT(p != (void *)-1 && nattch(id) == 1);
	p[LARGE - 1] = 1;
	EXPECT(shmdt(p) == 0);
	EXPECT(mappings_of("SYSV") == 0);
}

/* So that the kernel can share what page tables they have. */
static void huge(void)
{
	size_t chunk = 1024 * MIB;
	char *p = mmap(NULL, chunk, READ_WRITE, ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		return;
	EXPECT((uintptr_t)p % chunk == 0);
	p[chunk - 1] = 1;
	EXPECT(munmap(p, chunk) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

/* Attached to where one wants it. */
static void segment_fixed(void)
{
	int id = shmget(IPC_PRIVATE, LENGTH, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0), *q;

	EXPECT(shmdt(p) == 0);
	EXPECT(shmat(id, p + 1, SHM_RND) == p);
	EXPECT(shmdt(p) == 0);
	EXPECT(shmat(id, p, 0) == p && nattch(id) == 1);
	p[0] = 3;
	q = map_anonymous(LENGTH);
	EXPECT(shmat(id, q, 0) == (void *)-1 && errno == EINVAL);
	EXPECT(shmat(id, q, SHM_REMAP) == q && nattch(id) == 2);
	EXPECT(q[0] == 3);
	EXPECT(shmctl(id, IPC_RMID, NULL) == 0);
	EXPECT(shmdt(p) == 0 && nattch(id) == 1 && shmdt(q) == 0);
	EXPECT(mappings_of("SYSV") == 0);
}

static void segment_unprivileged(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 } };

	EXPECT(syscall(SYS_capset, &header, none) == 0);
	segment();
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "advice", advice },
	{ "asked", asked },
	{ "asked_given_up", asked_given_up },
	{ "asked_passed", asked_passed },
	{ "backed", backed },
	{ "cancelled", cancelled },
	{ "code", code },
	{ "early", early },
	{ "fixed_over", fixed_over },
	{ "handlers", handlers },
	{ "huge", huge },
	{ "many", many },
	{ "no_room", no_room },
	{ "not_backed", not_backed },
	{ "not_inherited", not_inherited },
	{ "others", others },
	{ "parts", parts },
	{ "pieces", pieces },
	{ "populated", populated },
	{ "remap", remap },
	{ "segment", segment },
	{ "segment_fixed", segment_fixed },
	{ "segment_huge", segment_huge },
	{ "segment_replaced", segment_replaced },
	{ "segment_unprivileged", segment_unprivileged },
	{ "server", server },
	{ "small_files", small_files },
	{ "threads", threads },
	{ "titled", titled },
	{ "unheard", unheard },
};

static inline int run_case(const char *name)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		if (!strcmp(cases[i].name, name)) {
			cases[i].run();
			return 0;
		}
	dprintf(STDERR_FILENO, "there is no case %s\n", name);
	return 1;
}

static char said[1 << 16];

/* Runs a program with "VARIABLE=value" up to NULL in its environment; what it
 * says is in said[]. Returns its status as waitpid(2) does. */
static inline int run(const char *path, const char *const *argv,
		      const char *const *settings)
{
	int out[2], status;
	size_t n = 0;
	ssize_t more;
	pid_t pid;

	EXPECT(pipe2(out, O_CLOEXEC) == 0);
	pid = fork();
	EXPECT(pid >= 0);
	if (pid == 0) {
		for (; *settings; settings++)
			putenv((char *)*settings);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execv(path, (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	while ((more = read(out[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += more;
	said[n] = '\0';
	close(out[0]);
	EXPECT(waitpid(pid, &status, 0) == pid);
	return status;
}

/* How often it said that. */
static inline int count(const char *text)
{
	int n = 0;

	for (const char *p = said; (p = strstr(p, text)); p += strlen(text))
		n++;
	return n;
}

/* ---- programs of others -------------------------------------------------- */

/* Else it is up to chance whether it maps anything that can be shared. */
#define STRESS "exec stress-ng --no-rand-seed --verify "

/* What to install, what to run, and how many mappings it has, at least, with
 * LIBSHPT_MIN_SIZE=2M. Two are stress-ng's own, between its processes. */
static const struct program {
	const char *package;
	const char *command;
	int mappings;
} programs[] = {
	{ "python3",
	  "exec python3 -c '\n"
	  "from multiprocessing import Process, shared_memory\n"
	  "def work(name):\n"
	  "    s = shared_memory.SharedMemory(name)\n"
	  "    assert s.buf[1] == 1 and s.buf[-1] == 0\n"
	  "    s.buf[-1] = 2\n"
	  "    s.close()\n"
	  "s = shared_memory.SharedMemory(create=True, size=(64 << 20) + 5)\n"
	  "s.buf[1] = 1\n"
	  "for n in range(2):\n"
	  "    s.buf[-1] = 0\n"
	  "    p = Process(target=work, args=(s.name,))\n"
	  "    p.start()\n"
	  "    p.join()\n"
	  "    assert p.exitcode == 0 and s.buf[-1] == 2\n"
	  "s.close()\n"
	  "s.unlink()'",
	  3 },
	{ "stress-ng", STRESS "--shm 1 --shm-bytes 8M --shm-ops 4", 2 },
	{ "stress-ng",
	  STRESS "--mmap 1 --mmap-bytes 4M --mmap-file --mmap-ops 2 "
		 "--temp-path /dev/shm",
	  3 },
	{ "stress-ng",
	  STRESS "--shm-sysv 1 --shm-sysv-bytes 4M --shm-sysv-ops 10", 3 },
	{ "stress-ng", STRESS "--remap 1 --remap-ops 2", 3 },
	{ "stress-ng",
	  STRESS "--msync 1 --msync-bytes 4M --msync-ops 5 "
		 "--temp-path /dev/shm",
	  3 },
};

/* Returns the status, or -1 if it is not installed. */
static inline int run_program(const struct program *program,
			      const char *const *settings)
{
	const char *argv[] = { "sh", "-c", program->command, NULL };
	char look[64];

	snprintf(look, sizeof(look), "command -v %s >/dev/null",
		 program->package);
	if (system(look)) {
		fprintf(stderr, "%s is missing: apt-get install %s\n",
			program->package, program->package);
		return -1;
	}
	return run("/bin/sh", argv, settings);
}

#endif /* SHPT_PRELOADED_H */
