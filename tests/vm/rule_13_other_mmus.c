/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 13: a process whose page tables another MMU watches (KVM, RDMA on-demand
 * paging and their like, here a test module) cannot be a guest: neither when it was
 * there before the first mmap, nor when it comes later, nor when it comes to a
 * child of fork. What was linked is unlinked at once; at the latest when it looks
 * at page tables, if it came unnoticed. Other processes do not suffer. Nobody
 * can switch off what notices it.
 */
#include "refusal.h"

#include <limits.h>
#include <sched.h>
#include <sys/syscall.h>

#include "modules/shpt_test.h"

static struct {
	int kind, fd, reg;
	char *p;
} t;

static void register_mmu(unsigned long request)
{
	struct shpt_test_range range = { 0x10000, 64 * KIB };
	int fd = open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s; load the module shpt_test", SHPT_TEST_DEVICE,
	      strerror(errno));
	MUST(ioctl(fd, request, &range));
}

static void before_mmap(void *arg)
{
	register_mmu((unsigned long)arg);
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, t.reg, 0), EBUSY);
	refused_by_library(RW, MAP_SHARED, t.fd, EBUSY, "MMU");
	stamp(ordinary_instead(MIB, RW, MAP_SHARED, t.fd, EBUSY, "KVM"), MIB,
	      1);
}

/*
 * Links go at once, but CPUs may still know translations until they have been
 * flushed, which is soon.
 */
static void ends_in_sigbus(char *p)
{
	CHECK_EQ(linked_chunks(p), 0);
	WAIT_FOR(probe(p, false) == SIGBUS, 5, "%p is still accessible",
		 (void *)p);
	for (int write = 0; write < 2; write++) {
		CHECK_EQ(probe(p, write), SIGBUS);
		CHECK_EQ(probe(p + MIB, write), SIGBUS);
	}
	CHECK_EQ(linked_chunks(p), 0);
}

static void after_mmap(void *arg)
{
	char *p = map_region(t.reg, 1, 0), *q = map_region(t.reg, 1, 0);
	uint64_t others = region_info(t.reg).links;

	CHECK_STAMP(p, MIB, 1);
	CHECK_EQ(linked_chunks(p), 1);
	register_mmu((unsigned long)arg);
	ends_in_sigbus(p);	/* linked before */
	ends_in_sigbus(q);	/* never touched */
	WAIT_FOR(region_info(t.reg).links == others, 5,
		 "%llu links, expected %llu",
		 (long long)region_info(t.reg).links, (long long)others);
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, t.reg, 0), EBUSY);
	/* System calls get an error. */
	MUST_FAIL(write(MUST(memfd_create("out", 0)), p, PAGE), EFAULT);
	MUST(munmap(p, CHUNK));
	MUST(munmap(q, CHUNK));
}

static volatile bool stop;
static volatile int at_work;

static void *user(void *arg)
{
	sigjmp_buf env;
	long words;

	if (!sigsetjmp(env, 0)) {
		vmtest_probe = &env;
		for (words = 0; !stop; words++) {
			CHECK_EQ(load((char *)arg + words % 256 * PAGE),
				 word(1, words % 256 * PAGE));
			if (!words)
				__atomic_fetch_add(&at_work, 1,
						   __ATOMIC_RELAXED);
		}
	}
	vmtest_probe = NULL;
	return NULL;
}

/* While threads are at work in it. */
static void amid_work(void *arg)
{
	char *p = map_region(t.reg, 1, 0);
	pthread_t threads[2];

	CHECK_STAMP(p, MIB, 1);
	threads[0] = thread(user, p);
	threads[1] = thread(user, p);
	WAIT_FOR(at_work == 2, 30, "%d of 2 threads are at work", at_work);
	register_mmu((unsigned long)arg);
	ends_in_sigbus(p);
	usleep(20000);
	stop = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	CHECK_EQ(linked_chunks(p), 0);
}

/* A child that inherited the mapping and has not touched it. */
static void in_child(void *arg)
{
	register_mmu((unsigned long)arg);
	ends_in_sigbus(t.p);
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, t.reg, 0), EBUSY);
}

/* A child of such a process has page tables of its own, which nobody watches. */
static void grandchild(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, MIB, 1);
	CHECK_EQ(linked_chunks(t.p), 1);
}

static void child_with_child(void *arg)
{
	CHECK_STAMP(t.p, MIB, 1);
	register_mmu((unsigned long)arg);
	ends_in_sigbus(t.p);
	join(spawn(grandchild, NULL));
}

/* It comes while the process is about to become a guest. */
static pthread_barrier_t *both;

static void *comer(void *arg)
{
	struct shpt_test_range range = { 0x10000, 64 * KIB };
	int fd = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));

	(void)arg;
	meet(both);
	MUST(ioctl(fd, SHPT_TEST_INTERVAL, &range));
	MUST(ioctl(fd, SHPT_TEST_LOOK));
	return NULL;
}

static void at_once(void *arg)
{
	pthread_t thr = thread(comer, NULL);
	char *p;

	meet(both);
	for (long i = 0; i < (long)arg; i++)
		sched_yield();
	p = try_map(NULL, CHUNK, RW, MAP_SHARED, t.reg, 0);
	if (p == MAP_FAILED)
		CHECK_EQ(errno, EBUSY);
	else
		probe(p, false);
	pthread_join(thr, NULL);
	if (p != MAP_FAILED)
		ends_in_sigbus(p);
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, t.reg, 0), EBUSY);
}

/* What the module knows of it still is called all the time, as that ends. */
static void former_guest(void *arg)
{
	size_t chunks = 64, bytes = chunks * CHUNK;
	int fd = backing(MEMFD, bytes), reg = open_region(fd);
	char *p = map_region(reg, chunks, 0);

	(void)arg;
	MUST(mmap(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		  MAP_NORESERVE | MAP_FIXED, -1, 0));
	close(reg);
	close(fd);
	meet(both);
	for (;;)
		MUST(madvise(p, bytes, MADV_DONTNEED));
}

static long insmod(const char *donor)
{
	char path[PATH_MAX], options[PATH_MAX + 8];
	int ko, err;
	long ret;

	snprintf(path, sizeof(path), "%s/../shpt/shpt.ko",
		 test_env("SHPT_TEST_MODULES"));
	snprintf(options, sizeof(options), "donor=%s", donor);
	ko = MUST(open(path, O_RDONLY | O_CLOEXEC));
	ret = syscall(SYS_finit_module, ko, options, 0);
	err = errno;
	close(ko);
	errno = err;
	return ret;
}

/* The watch cannot be taken away, and without it the module does not load. */
static void is_watched_always(void)
{
	int enabled = MUST(open("/proc/sys/kernel/ftrace_enabled",
				O_WRONLY | O_CLOEXEC));
	char donor[PATH_MAX];
	FILE *file;
	pid_t pid;

	MUST_FAIL(pwrite(enabled, "0", 1, 0), EBUSY);
	file = fopen("/sys/module/shpt/parameters/donor", "re");
	CHECK(file && fscanf(file, "%4095s", donor) == 1, "no helper is named");
	fclose(file);
	pid = spawn(former_guest, NULL);
	meet(both);
	WAIT_FOR(!syscall(SYS_delete_module, "shpt", O_NONBLOCK), 10,
		 "the module does not unload: %s", strerror(errno));
	MUST(pwrite(enabled, "0", 1, 0));
	MUST_FAIL(insmod(donor), EBUSY);
	MUST(pwrite(enabled, "1", 1, 0));
	MUST(insmod(donor));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	close(enabled);
}

static void test(int kind)
{
	static const unsigned long requests[] = {
		SHPT_TEST_NOTIFIER, SHPT_TEST_INTERVAL, SHPT_TEST_LOOK,
	};

	both = barrier(2);
	if (kind == MEMFD)
		is_watched_always();
	t.kind = kind;
	t.fd = backing(kind, 2 * MIB);
	t.reg = open_region(t.fd);
	t.p = map_region(t.reg, 1, 0);
	stamp(t.p, MIB, 1);
	for (long i = 0; i < 20; i++)
		join(spawn(at_once, (void *)(i % 5)));
	for (int i = 0; i < 3; i++) {
		void *request = (void *)requests[i];

		/* Unnoticed it comes after us only. */
		if (requests[i] != SHPT_TEST_LOOK) {
			join(spawn(before_mmap, request));
			join(spawn(in_child, request));
		}
		join(spawn(after_mmap, request));
		join(spawn(amid_work, request));
		join(spawn(child_with_child, request));
		CHECK_STAMP(t.p, MIB, 1);
		CHECK_EQ(linked_chunks(t.p), 1);
		WAIT_FOR(region_info(t.reg).guests == 1, 5,
			 "%llu guests are left",
			 (long long)region_info(t.reg).guests);
		CHECK_EQ(region_info(t.reg).links, 1);
	}
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
