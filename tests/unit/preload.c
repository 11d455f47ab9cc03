// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * preload.c - tests of libshpt-preload.so, in a program that knows nothing of it
 *
 * Each test runs this program anew with the library preloaded and settings in
 * the environment, and one of the cases below in it; then looks at its status
 * and at what the library said on stderr. LIBSHPT_BACKEND=plain and
 * LIBSHPT_BACKING need no module: with them the library does all that it does
 * to a shared mapping to an ordinary one.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define LENGTH (64 * MIB + 3 * PAGE + 5)
#define READ_WRITE (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_SHARED | MAP_ANONYMOUS)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the cases: what is run with the library preloaded ------------------ */

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

/* None of which is the library's business. */
static void others(void)
{
	int fd = memfd_create("others", 0);
	void *p;

	EXPECT(fd >= 0 && ftruncate(fd, LENGTH) == 0);
	map_code(64 * MIB - 1);
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

/* Where LIBSHPT_BACKING is set to the folder of this program's stdin. */
static void backed(void)
{
	struct stat folder, file;
	char path[64];
	char *p;

	EXPECT(fstat(STDIN_FILENO, &folder) == 0);
	p = map_anonymous(LENGTH);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)p, (unsigned long)(p + 64 * MIB + 4 * PAGE));
	EXPECT(strstr(maps_line(p), "(deleted)"));
	if (geteuid() == 0) {
		EXPECT(stat(path, &file) == 0);
		EXPECT(file.st_dev == folder.st_dev && file.st_nlink == 0);
		EXPECT((size_t)file.st_blocks * 512 >= LENGTH);
	}
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(!strstr(maps_line(map_anonymous(MIB)), "(deleted)") ||
	       strstr(maps_line(map_anonymous(MIB)), "/dev/zero"));
	server();
}

static void not_backed(void)
{
	EXPECT(strstr(maps_line(map_anonymous(LENGTH)), "/dev/zero"));
}

static atomic_bool stop;

/* Sees every change of protection, but never a page that is missing. */
static void *reader(void *arg)
{
	volatile char *p = arg;

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
	EXPECT(mappings_of("---s") == 1);
	EXPECT(mprotect(p + MIB, MIB, PROT_READ) == 0);
	stop = true;
	pthread_join(thread, NULL);
	/* It is libc's now, and nothing else is left of it. */
	EXPECT(mappings_of("---s") == 0);
	p[0] = 1;
	p[2 * MIB] = 1;
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);

	/* Unmapping parts: the middle, then more than all. */
	p = map_ones();
	EXPECT(munmap(p + MIB, MIB) == 0);
	EXPECT(!*maps_line(p + MIB));
	EXPECT(p[MIB - 1] == 1 && p[2 * MIB] == 1 && p[LENGTH - 1] == 1);
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);

	/* A protection that was changed stays when it is given up. */
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
	q = map_ones();
	q[0] = 7;
	EXPECT(mremap(q, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, p) ==
	       p);
	EXPECT(p[0] == 7 && p[LENGTH - 1] == 1 && !*maps_line(q));
	EXPECT(munmap(p, LENGTH) == 0);
	EXPECT(mappings_of("(deleted)") == 0);
}

static void advice(void)
{
	char *p = map_ones();

	EXPECT(madvise(p, LENGTH, MADV_DONTNEED) == 0 && p[MIB] == 1);
	EXPECT(madvise(p, MIB, MADV_SEQUENTIAL) == 0);
	EXPECT(madvise(p + MIB, MIB, MADV_REMOVE) == 0);
	EXPECT(p[MIB] == 0 && p[MIB - 1] == 1);
	EXPECT(madvise(p, MIB, 12345) == -1 && errno == EINVAL);
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
	return segment.shm_nattch;
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
	{ "backed", backed },
	{ "code", code },
	{ "fixed_over", fixed_over },
	{ "many", many },
	{ "not_backed", not_backed },
	{ "others", others },
	{ "parts", parts },
	{ "remap", remap },
	{ "segment", segment },
	{ "segment_fixed", segment_fixed },
	{ "segment_unprivileged", segment_unprivileged },
	{ "server", server },
	{ "small_files", small_files },
	{ "threads", threads },
};

static int run_case(const char *name)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		if (!strcmp(cases[i].name, name)) {
			cases[i].run();
			return 0;
		}
	dprintf(STDERR_FILENO, "there is no case %s\n", name);
	return 1;
}

/* ---- the tests ----------------------------------------------------------- */

static char said[1 << 16];

/* Runs a program with "VARIABLE=value" up to NULL in its environment; what it
 * says is in said[]. Returns its status as waitpid(2) does. */
static int run(const char *path, const char *name, const char *const *settings)
{
	int out[2], status;
	size_t n = 0;
	ssize_t more;
	pid_t pid;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		for (; *settings; settings++)
			putenv((char *)*settings);
		dup2(out[1], STDERR_FILENO);
		execl(path, path, name, NULL);
		_exit(127);
	}
	close(out[1]);
	while ((more = read(out[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += more;
	said[n] = '\0';
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

#define PRELOAD "LD_PRELOAD=" LIBSHPT_PRELOAD_SO

#define RUN(name, ...)                                                         \
	do {                                                                   \
		int status_ =                                                  \
			run("/proc/self/exe", name,                            \
			    (const char *[]){ PRELOAD, ##__VA_ARGS__, NULL }); \
		ck_assert_msg(status_ == 0, "%s: status %#x: %s", name,        \
			      status_, said);                                  \
	} while (0)

static int count(const char *text)
{
	int n = 0;

	for (const char *p = said; (p = strstr(p, text)); p += strlen(text))
		n++;
	return n;
}

#define SAID(times, text)                                                  \
	ck_assert_msg(count(text) == (times), "'%s' %d times, not %d: %s", \
		      text, count(text), times, said)

START_TEST(what_is_passed_through_is_said_once)
{
	RUN("code");
	SAID(1, "libshpt-preload[");
	SAID(1, "mmap of 67121157 bytes is not shared: PROT_EXEC ");
	RUN("code", "LIBSHPT_VERBOSE=1");
	SAID(2, "PROT_EXEC ");
	RUN("code", "LIBSHPT_VERBOSE=0");
	SAID(1, "PROT_EXEC ");
}
END_TEST

START_TEST(what_is_others_is_left_alone)
{
	RUN("others", "LIBSHPT_VERBOSE=1");
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *setting;
		int served;
	} all[] = {
		{ "LIBSHPT_MIN_SIZE=67121157", 1 },
		{ "LIBSHPT_MIN_SIZE=67121158", 0 },
		{ "LIBSHPT_MIN_SIZE=65548K", 1 },
		{ "LIBSHPT_MIN_SIZE=65549k", 0 },
		{ "LIBSHPT_MIN_SIZE=64M", 1 },
		{ "LIBSHPT_MIN_SIZE=65M", 0 },
		{ "LIBSHPT_MIN_SIZE=1G", 0 },
		{ "LIBSHPT_MIN_SIZE=0", 1 },
		{ "LIBSHPT_MIN_SIZE=17179869184G", -1 },
		{ "LIBSHPT_MIN_SIZE=99999999999999999999", -1 },
		{ "LIBSHPT_MIN_SIZE=-1", -1 },
		{ "LIBSHPT_MIN_SIZE=1T", -1 },
		{ "LIBSHPT_MIN_SIZE=1MB", -1 },
		{ "LIBSHPT_MIN_SIZE=M", -1 },
	};

	for (size_t i = 0; i < COUNT(all); i++) {
		RUN("code", all[i].setting);
		SAID(all[i].served != 0, "PROT_EXEC ");
		SAID(all[i].served < 0, "is no size");
	}
}
END_TEST

/* The folder that LIBSHPT_BACKING names is stdin, too. */
static void with_folder(const char *name, const char *setting)
{
	int fd = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int stdin_was = dup(STDIN_FILENO);

	ck_assert_int_ge(fd, 0);
	dup2(fd, STDIN_FILENO);
	RUN(name, "LIBSHPT_BACKING=/dev/shm", setting);
	dup2(stdin_was, STDIN_FILENO);
}

START_TEST(memory_is_on_files)
{
	with_folder("backed", NULL);
	with_folder("backed", "LIBSHPT_BACKEND=plain");
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(no_such_folder)
{
	RUN("not_backed", "LIBSHPT_BACKING=/nowhere");
	SAID(1, "is not shared: LIBSHPT_BACKING=/nowhere: ");
	SAID(1, "No such file or directory");
	RUN("server", "LIBSHPT_BACKING=/proc");
	SAID(1, "LIBSHPT_BACKING=/proc: ");
}
END_TEST

START_TEST(limit_of_file_size)
{
	RUN("small_files");
	SAID(1, "ulimit -f");
}
END_TEST

/* Of a memfd of libshpt's, of an ordinary mapping, of a file in a folder. */
static const char *const ways[] = {
	"LIBSHPT_VERBOSE=0",
	"LIBSHPT_BACKEND=plain",
	"LIBSHPT_BACKING=/dev/shm",
};

START_TEST(servers)
{
	RUN("server", ways[_i]);
}
END_TEST

/* With a file of the library's there is an anchor, which these need. */
START_TEST(in_parts)
{
	RUN("parts", "LIBSHPT_BACKING=/dev/shm");
	SAID(1, "of a part cannot be had");
	RUN("parts", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_VERBOSE=1");
	SAID(4, "of a part cannot be had");
	RUN("fixed_over", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_VERBOSE=1");
	SAID(1, "MAP_FIXED over it cannot be had");
	RUN("remap", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_VERBOSE=1");
	SAID(3, "mremap cannot be had");
	SAID(1, "mremap over it cannot be had");
	RUN("advice", "LIBSHPT_BACKING=/dev/shm");
}
END_TEST

/* Without one the kernel does it all. */
START_TEST(in_parts_without_anchor)
{
	RUN("fixed_over", "LIBSHPT_BACKEND=plain");
	RUN("remap", ways[0]);
	RUN("advice", "LIBSHPT_BACKEND=plain");
}
END_TEST

START_TEST(more_than_fit)
{
	RUN("many", "LIBSHPT_MIN_SIZE=1M", "LIBSHPT_BACKING=/dev/shm",
	    "LIBSHPT_BACKEND=plain");
	SAID(1, "raise LIBSHPT_MIN_SIZE");
}
END_TEST

START_TEST(threads_and_children)
{
	RUN("threads", "LIBSHPT_MIN_SIZE=1M", "LIBSHPT_BACKING=/dev/shm",
	    "LIBSHPT_BACKEND=plain");
}
END_TEST

START_TEST(segments)
{
	RUN("segment", "LIBSHPT_BACKEND=plain", "LIBSHPT_VERBOSE=1");
	if (geteuid() == 0)
		SAID(3, "shmat of 67121157 bytes at 0x");
	RUN("segment_fixed", "LIBSHPT_BACKEND=plain");
	RUN("segment");
	RUN("segment_fixed");
}
END_TEST

START_TEST(segments_without_privilege)
{
	RUN("segment_unprivileged", "LIBSHPT_BACKEND=plain");
	SAID(1, "CAP_CHECKPOINT_RESTORE");
	SAID(1, "libshpt-preload[");
}
END_TEST

/* Its malloc() maps shared memory with its lock held. */
START_TEST(called_by_an_allocator)
{
	int status = run(ALLOCATOR, "allocator",
			 (const char *[]){ PRELOAD, "LIBSHPT_BACKEND=plain",
					   "LIBSHPT_VERBOSE=1", NULL });

	ck_assert_msg(status == 0, "status %#x: %s", status, said);
	SAID(3, "bytes at 0x");
}
END_TEST

/* Of another group than its caller's, so AT_SECURE is set. That takes root. */
START_TEST(not_in_setuid_programs)
{
	static const char copy[] = SECURE "-setgid";

	ck_assert_int_eq(run(SECURE, "secure", (const char *[]){ NULL }), 0);
	SAID(1, "PROT_EXEC ");
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(system("cp " SECURE " " SECURE "-setgid"), 0);
	ck_assert_int_eq(chown(copy, 0, 65534), 0);
	ck_assert_int_eq(chmod(copy, 02755), 0);
	ck_assert_int_eq(run(copy, "secure", (const char *[]){ NULL }), 0);
	ck_assert_int_eq(unlink(copy), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(exports)
{
	static const char *const expected[] = {
		"madvise", "mmap",   "mmap64", "mprotect",
		"mremap",  "munmap", "shmat",  "shmdt",
	};
	FILE *nm = popen("LC_ALL=C nm -D --defined-only -P " LIBSHPT_PRELOAD_SO,
			 "re");
	char line[256];
	size_t n = 0;

	ck_assert_ptr_nonnull(nm);
	while (fgets(line, sizeof(line), nm)) {
		line[strcspn(line, " ")] = '\0';
		ck_assert_msg(n < COUNT(expected), "%s is exported too", line);
		ck_assert_str_eq(line, expected[n++]);
	}
	ck_assert_int_eq(pclose(nm), 0);
	ck_assert_uint_eq(n, COUNT(expected));
}
END_TEST

static TCase *tests(void)
{
	TCase *t = tcase_create("preload");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_passed_through_is_said_once);
	tcase_add_test(t, what_is_others_is_left_alone);
	tcase_add_test(t, sizes);
	tcase_add_test(t, memory_is_on_files);
	tcase_add_test(t, no_such_folder);
	tcase_add_test(t, limit_of_file_size);
	tcase_add_loop_test(t, servers, 0, COUNT(ways));
	tcase_add_test(t, in_parts);
	tcase_add_test(t, in_parts_without_anchor);
	tcase_add_test(t, more_than_fit);
	tcase_add_test(t, threads_and_children);
	tcase_add_test(t, segments);
	tcase_add_test(t, segments_without_privilege);
	tcase_add_test(t, called_by_an_allocator);
	tcase_add_test(t, not_in_setuid_programs);
	tcase_add_test(t, exports);
	return t;
}

int main(int argc, char **argv)
{
	Suite *suite;
	SRunner *runner;
	int failed;

	if (argc > 1)
		return run_case(argv[1]);
	suite = suite_create("libshpt-preload");
	suite_add_tcase(suite, tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
