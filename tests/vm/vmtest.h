/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmtest.h - what the behaviour tests in this folder have in common
 *
 * A test is one C program about one behaviour. It exits with 0 (holds), 77
 * (cannot be tried here) or 1 (does not hold), and in the last two cases says
 * why in a sentence on stderr. It needs root and a machine that may be
 * destroyed. From the environment:
 *
 *	SHPT_TEST_DAX		a folder on ext4 with DAX
 *	SHPT_TEST_XFS		a folder on xfs with DAX
 *	SHPT_TEST_DEVDAX	a device-dax whose contents may be lost
 *	SHPT_TEST_DISK		a folder on an ordinary disk file system
 *	SHPT_TEST_SWAP		a block device whose contents may be lost
 *
 * vmtest() runs the test once for each kind of backing, each time in a new
 * process group: when any process of the group finds something wrong, or a
 * time limit passes, the whole group ends and the next kind begins.
 *
 * Memory that the processes of a test share for themselves comes from
 * shared(): ordinary memory, so that what is tested never carries the verdict.
 */
#ifndef VMTEST_H
#define VMTEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../kernel/uapi/shpt.h"

#define KIB	1024UL
#define MIB	(1024UL * KIB)
#define PAGE	(4UL * KIB)
#define CHUNK	((size_t)SHPT_CHUNK_BYTES)
#define SKIP_STATUS	77

/* Not in every libc's <sys/mman.h>. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

/*
 * The kinds of backing, as bits. Most tests take MEMFD | DAX; the others are for
 * tests of what the file system or the device has a say in.
 */
#define MEMFD	1
#define DAX	2	/* a file on ext4 */
#define XFS	4
#define DEVDAX	8
#define FSDAX	(DAX | XFS)

/* What a new backing on a device-dax is cleared of: no test writes more. */
#define DEVDAX_CLEAR	(32 * MIB)

/* ---- verdicts ---------------------------------------------------------- */

static int vmtest_kind;			/* what is being tried, 0 outside */
static volatile bool *vmtest_failed;	/* shared by the whole test */

static inline const char *vmtest_kind_name(void)
{
	switch (vmtest_kind) {
	case MEMFD:
		return "memfd: ";
	case DAX:
		return "DAX file: ";
	case XFS:
		return "DAX file on xfs: ";
	case DEVDAX:
		return "device-dax: ";
	}
	return "";
}

__attribute__((format(printf, 3, 4), noreturn))
static inline void vmtest_fail(const char *file, int line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(2, "%s:%d: %s%s\n", file, line, vmtest_kind_name(), text);
	if (vmtest_kind) {
		*vmtest_failed = true;
		kill(0, SIGKILL);
	}
	_exit(1);
}

#define FAIL(...) vmtest_fail(__FILE__, __LINE__, __VA_ARGS__)

#define SKIP(...) do {							\
	dprintf(2, "%s", vmtest_kind_name());				\
	dprintf(2, __VA_ARGS__);					\
	dprintf(2, "\n");						\
	_exit(SKIP_STATUS);						\
} while (0)

/* CHECK(condition, "what is wrong, with %values", ...) */
#define CHECK(cond, ...) do {						\
	if (!(cond))							\
		FAIL(__VA_ARGS__);					\
} while (0)

#define CHECK_OP(a, op, b) do {						\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
									\
	if (!(a_ op b_))						\
		FAIL("%s is %lld (%#llx), expected " #op " %lld (%#llx)",\
		     #a, a_, a_, b_, b_);				\
} while (0)
#define CHECK_EQ(a, b) CHECK_OP(a, ==, b)
#define CHECK_LE(a, b) CHECK_OP(a, <=, b)
#define CHECK_GE(a, b) CHECK_OP(a, >=, b)

/* The value of a call that must not return -1 (or MAP_FAILED). */
#define MUST(call) ({							\
	__typeof__(call) ret_ = (call);					\
									\
	if ((long)ret_ == -1)						\
		FAIL("%s: %s", #call, strerror(errno));			\
	ret_;								\
})

/* A call that must return -1 (or MAP_FAILED) with this errno. */
#define MUST_FAIL(call, want) do {					\
	long got_;							\
	int err_;							\
									\
	errno = 0;							\
	got_ = (long)(call);						\
	err_ = errno;							\
	if (got_ != -1)							\
		FAIL("%s returned %#lx, expected failure with %s",	\
		     #call, got_, strerrorname_np(want));		\
	if (err_ != (want))						\
		FAIL("%s failed with %s, expected %s", #call,		\
		     strerrorname_np(err_) ?: "errno 0",		\
		     strerrorname_np(want));				\
} while (0)

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Where the kernel is slow, tests are given more than the 120 s they expect. */
static inline int vmtest_limit(int seconds)
{
	const char *given = getenv("SHPT_TEST_SECONDS");

	return given && atoi(given) > 120 ? seconds * atoi(given) / 120 :
					    seconds;
}

/* And what repeats itself to meet more interleavings does so less often. */
static inline int vmtest_rounds(int rounds)
{
	return vmtest_limit(120) < 600 ? rounds : (rounds + 1) / 2;
}

/* Wait up to some seconds for a condition, or fail with the sentence. */
#define WAIT_FOR(cond, seconds, ...) do {				\
	double end_ = now() + vmtest_limit(seconds);			\
									\
	while (!(cond)) {						\
		CHECK(now() < end_, __VA_ARGS__);			\
		usleep(1000);						\
	}								\
} while (0)

/*
 * The condition of a loop that keeps something going: for some seconds, and on
 * a slow machine for up to PATIENCE, until enough was done. CHECK it afterwards.
 */
#define PATIENCE	30
#define KEEP_GOING(start, seconds, enough)				\
	(now() < (start) + (seconds) ||					\
	 (now() < (start) + vmtest_limit(PATIENCE) && !(enough)))

/* ---- unexpected signals, and expected ones ------------------------------ */

/* Where to go on instead: the handler blocks no signal, so no mask is saved. */
static __thread sigjmp_buf *volatile vmtest_probe;

static inline void vmtest_on_fault(int sig, siginfo_t *si, void *context)
{
	(void)context;
	if (vmtest_probe)
		siglongjmp(*vmtest_probe, sig);
	FAIL("unexpected %s at %p (si_code %d) in process %d",
	     sigabbrev_np(sig), si->si_addr, si->si_code, getpid());
}

/* What touching a byte does: 0, SIGBUS or SIGSEGV. */
static inline int probe(volatile char *p, bool write)
{
	sigjmp_buf env;
	int sig = sigsetjmp(env, 0);

	if (!sig) {
		vmtest_probe = &env;
		if (write)
			__atomic_fetch_or(p, 0, __ATOMIC_SEQ_CST);
		else
			(void)*p;
	}
	vmtest_probe = NULL;
	return sig;
}

/* ---- running a test ----------------------------------------------------- */

static inline const char *test_env(const char *name)
{
	const char *value = getenv(name);

	if (!value || !*value)
		SKIP("%s is not set; tests/vm/run sets it", name);
	return value;
}

static volatile pid_t vmtest_group;

static inline void vmtest_on_alarm(int sig)
{
	(void)sig;
	dprintf(2, "%snot finished in time\n", vmtest_kind_name());
	*vmtest_failed = true;
	kill(-vmtest_group, SIGKILL);
}

static inline int vmtest_one(void (*test)(int kind), int kind, int seconds)
{
	struct sigaction fault = {
		.sa_sigaction = vmtest_on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	struct sigaction timeout = {
		.sa_handler = vmtest_on_alarm,
		.sa_flags = SA_RESTART,
	};
	int status, ret = 1;
	pid_t pid;

	vmtest_kind = kind;
	*vmtest_failed = false;
	MUST(sigaction(SIGALRM, &timeout, NULL));
	pid = MUST(fork());
	if (!pid) {
		setpgid(0, 0);
		signal(SIGALRM, SIG_DFL);
		MUST(sigaction(SIGBUS, &fault, NULL));
		MUST(sigaction(SIGSEGV, &fault, NULL));
		test(kind);
		_exit(0);
	}
	setpgid(pid, pid);
	vmtest_group = pid;
	alarm(vmtest_limit(seconds));
	if (waitpid(pid, &status, 0) != pid)
		dprintf(2, "waitpid: %s\n", strerror(errno));
	else if (WIFEXITED(status))
		ret = WEXITSTATUS(status);
	else if (!*vmtest_failed)
		dprintf(2, "%sthe test died of SIG%s\n", vmtest_kind_name(),
			sigabbrev_np(WTERMSIG(status)));
	alarm(0);
	/* Nobody may be left: the next test counts guests. */
	kill(-pid, SIGKILL);
	while (waitpid(-1, &status, 0) > 0)
		;
	vmtest_kind = 0;
	return *vmtest_failed ? 1 : ret;
}

/* The whole of main(): run the test for each of the kinds of backing. */
static inline int vmtest(void (*test)(int kind), int kinds, int seconds)
{
	bool passed = false, failed = false;
	int kind, ret;

	vmtest_failed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vmtest_failed == MAP_FAILED)
		FAIL("mmap: %s", strerror(errno));
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	for (kind = MEMFD; kind <= DEVDAX; kind <<= 1) {
		if (!(kinds & kind))
			continue;
		ret = vmtest_one(test, kind, seconds);
		passed |= ret == 0;
		failed |= ret != 0 && ret != SKIP_STATUS;
	}
	return failed ? 1 : passed ? 0 : SKIP_STATUS;
}

/* ---- processes ---------------------------------------------------------- */

/* Zeroed memory that the processes of the test share. */
static inline void *shared(size_t bytes)
{
	return MUST(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static inline pthread_barrier_t *barrier(unsigned int count)
{
	pthread_barrier_t *b = shared(sizeof(*b));
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_barrier_init(b, &attr, count), 0);
	return b;
}

static inline void meet(pthread_barrier_t *b)
{
	pthread_barrier_wait(b);
}

/* Run fn(arg) in a new process, which ends with its parent. */
static inline pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = MUST(fork());

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		fn(arg);
		_exit(0);
	}
	return pid;
}

static inline void join(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid, "waitpid(%d): %s", pid,
	      strerror(errno));
	CHECK(status == 0, "process %d ended with status %#x", pid, status);
}

static inline pthread_t thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

/* ---- backings, regions, guests ------------------------------------------ */

static inline int dax_file(const char *folder)
{
	struct statx stx;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/vmtest.%d", folder, getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(unlink(path));
	MUST(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx));
	CHECK(stx.stx_attributes & STATX_ATTR_DAX,
	      "files in %s are not DAX; mount it with dax=always", folder);
	return fd;
}

/* There is one, with a size of its own: cleared, it passes for a new file. */
static inline int dax_device(size_t bytes)
{
	const char *path = test_env("SHPT_TEST_DEVDAX");
	size_t clear = bytes < DEVDAX_CLEAR ? bytes : DEVDAX_CLEAR;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *p;

	CHECK(fd >= 0, "%s: %s; see how ndctl fared in the kernel log", path,
	      strerror(errno));
	clear = (clear + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
	p = MUST(mmap(NULL, clear, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	memset(p, 0, clear);
	MUST(munmap(p, clear));
	return fd;
}

/* A new file of zeroes, or what passes for one. */
static inline int backing(int kind, off_t bytes)
{
	int fd = -1;

	switch (kind) {
	case MEMFD:
		fd = MUST(memfd_create("vmtest", MFD_CLOEXEC |
				       MFD_ALLOW_SEALING));
		break;
	case DAX:
		fd = dax_file(test_env("SHPT_TEST_DAX"));
		break;
	case XFS:
		fd = dax_file(test_env("SHPT_TEST_XFS"));
		break;
	case DEVDAX:
		return dax_device(bytes);
	}
	MUST(ftruncate(fd, bytes));
	return fd;
}

/* The same file, opened anew: another struct file, the same inode. */
static inline int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return MUST(open(path, flags | O_CLOEXEC));
}

static inline int device(void)
{
	int dev = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(dev >= 0, "%s: %s; load the module", SHPT_DEVICE,
	      strerror(errno));
	return dev;
}

/* A region fd with SHPT_OPEN_* flags, or -1 and errno. */
static inline int open_with(int fd, __u32 flags)
{
	struct shpt_open_region req = {
		.size = sizeof(req),
		.flags = flags,
		.backing_fd = fd,
	};
	int dev = device(), reg, err;

	do
		reg = ioctl(dev, SHPT_IOC_OPEN_REGION, &req);
	while (reg < 0 && errno == EINTR);
	err = errno;
	close(dev);
	errno = err;
	return reg;
}

static inline int try_open_region(int fd)
{
	return open_with(fd, 0);
}

#define open_region(fd) MUST(try_open_region(fd))

static inline void *try_map(void *addr, size_t bytes, int prot, int flags,
			    int reg, off_t offset)
{
	void *p;

	do
		p = mmap(addr, bytes, prot, flags, reg, offset);
	while (p == MAP_FAILED && errno == EINTR);
	return p;
}

/* Map whole chunks of an open region at an address of the kernel's choice. */
static inline char *map_region(int reg, size_t chunks, off_t offset)
{
	char *p = MUST(try_map(NULL, chunks * CHUNK, PROT_READ | PROT_WRITE,
			       MAP_SHARED, reg, offset));

	CHECK((uintptr_t)p % CHUNK == 0, "mmap chose %p, not aligned to 1 GiB",
	      (void *)p);
	return p;
}

/* Map the first chunks of a backing. */
static inline char *map_guest(int fd, size_t chunks)
{
	int reg = open_region(fd);
	char *p = map_region(reg, chunks, 0);

	close(reg);
	return p;
}

static inline struct shpt_region_info region_info(int reg)
{
	struct shpt_region_info info = { .size = sizeof(info) };

	MUST(ioctl(reg, SHPT_IOC_REGION_INFO, &info));
	return info;
}

/* How many chunks of the caller's mapping at p are linked now. */
static inline size_t linked_chunks(const void *p)
{
	struct shpt_mapping_info info = {
		.size = sizeof(info),
		.addr = (uintptr_t)p,
	};
	int dev = device();

	MUST(ioctl(dev, SHPT_IOC_MAPPING_INFO, &info));
	close(dev);
	return info.linked_chunks;
}

/* ---- data ---------------------------------------------------------------- */

static inline uint64_t load(const void *p)
{
	return *(const volatile uint64_t *)p;
}

static inline void store(void *p, uint64_t value)
{
	*(volatile uint64_t *)p = value;
}

/* A word that depends on all of what it stands for. */
static inline uint64_t word(uint64_t seed, uint64_t index)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15 + index;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* Write the first and the last word of every page, or check them. */
static inline void stamp(char *p, size_t bytes, uint64_t seed)
{
	size_t off;

	for (off = 0; off < bytes; off += PAGE) {
		store(p + off, word(seed, off));
		store(p + off + PAGE - 8, word(seed, off + 8));
	}
}

#define CHECK_STAMP(p, bytes, seed) do {				\
	char *p_ = (p);							\
	uint64_t seed_ = (seed);					\
	size_t off_, bytes_ = (bytes);					\
									\
	for (off_ = 0; off_ < bytes_; off_ += PAGE) {			\
		uint64_t a_ = load(p_ + off_);				\
		uint64_t b_ = load(p_ + off_ + PAGE - 8);		\
									\
		CHECK(a_ == word(seed_, off_) &&			\
		      b_ == word(seed_, off_ + 8),			\
		      "page at %s + %#zx holds %#llx ... %#llx, "	\
		      "expected %#llx ... %#llx", #p, off_,		\
		      (long long)a_, (long long)b_,			\
		      (long long)word(seed_, off_),			\
		      (long long)word(seed_, off_ + 8));		\
	}								\
} while (0)

/* ---- facts --------------------------------------------------------------- */

/* The first number after a key in a file such as /proc/meminfo; -1 if none. */
static inline long long number_in(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	long long value = -1;
	char line[512];

	CHECK(f, "%s: %s", path, strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), "%*[: \t]%lld", &value);
	}
	fclose(f);
	return value;
}

static inline long long status_kb(const char *key)
{
	return number_in("/proc/self/status", key);
}

static inline long long vmstat(const char *key)
{
	long long value = number_in("/proc/vmstat", key);

	CHECK(value >= 0, "/proc/vmstat has no %s", key);
	return value;
}

static inline long long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long long value;

	CHECK(f, "%s: %s", path, strerror(errno));
	CHECK(fscanf(f, "%lld", &value) == 1, "%s is not a number", path);
	fclose(f);
	return value;
}

static inline void write_text(const char *path, const char *text)
{
	int fd = MUST(open(path, O_WRONLY | O_CLOEXEC));

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	      "write '%s' to %s: %s", text, path, strerror(errno));
	close(fd);
}

/* A fact about the whole module, such as "guests". */
static inline long long fact(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/misc/shpt/%s", name);
	return read_number(path);
}

static inline long long region_fact(uint64_t id, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/misc/shpt/region/%llu/%s",
		 (unsigned long long)id, name);
	return read_number(path);
}

/* Faults that the calling process (or thread) has taken, minor and major. */
static inline long faults_of(int who)
{
	struct rusage ru;

	MUST(getrusage(who, &ru));
	return ru.ru_minflt + ru.ru_majflt;
}

static inline long faults(void)
{
	return faults_of(RUSAGE_SELF);
}

/* The frame that backs an address of the caller; 0 if none is mapped. */
static inline uint64_t frame_of(const void *p)
{
	int fd = MUST(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	uint64_t entry;

	CHECK_EQ(pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8), 8);
	close(fd);
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

/* How often a frame is mapped. */
static inline uint64_t mapcount(uint64_t frame)
{
	int fd = MUST(open("/proc/kpagecount", O_RDONLY | O_CLOEXEC));
	uint64_t count;

	CHECK_EQ(pread(fd, &count, 8, frame * 8), 8);
	close(fd);
	return count;
}

/* The caller's line of /proc/self/maps for an address, in a buffer of the thread. */
static inline const char *maps_line(const void *p)
{
	static __thread char line[1024];
	unsigned long start, end;
	FILE *f = fopen("/proc/self/maps", "re");

	CHECK(f, "/proc/self/maps: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start <= (uintptr_t)p && (uintptr_t)p < end) {
			fclose(f);
			line[strcspn(line, "\n")] = 0;
			return line;
		}
	}
	fclose(f);
	return "";
}

/* ---- swap ---------------------------------------------------------------- */

static inline void swap_on(void)
{
	const char *dev = test_env("SHPT_TEST_SWAP");
	char cmd[512];

	swapoff(dev);		/* left on by a test that failed */
	snprintf(cmd, sizeof(cmd), "mkswap -f '%s' >/dev/null", dev);
	CHECK(system(cmd) == 0, "%s failed", cmd);
	MUST(swapon(dev, 0));
}

static inline void swap_off(void)
{
	MUST(swapoff(test_env("SHPT_TEST_SWAP")));
}

/* ---- memory cgroups ------------------------------------------------------ */

/* A new memory cgroup, for good. Returns its path, in a buffer of the thread. */
static inline const char *new_cgroup(const char *name)
{
	static char path[128];

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/vmtest.%s.%d", name,
		 getpid());
	MUST(mkdir(path, 0700));
	return path;
}

static inline const char *cgroup_file(const char *cgroup, const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	return path;
}

/* The calling process moves into it. */
static inline void enter_cgroup(const char *cgroup)
{
	write_text(cgroup_file(cgroup, "cgroup.procs"), "0");
}

/* Reclaim as under pressure; less than asked for is no error. */
static inline void reclaim(const char *cgroup, size_t bytes)
{
	int fd = MUST(open(cgroup_file(cgroup, "memory.reclaim"), O_WRONLY));
	char text[32];
	int n = snprintf(text, sizeof(text), "%zu", bytes);

	if (write(fd, text, n) != n && errno != EAGAIN)
		FAIL("memory.reclaim: %s", strerror(errno));
	close(fd);
}

#endif /* VMTEST_H */
