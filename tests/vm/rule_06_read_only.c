/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 6: who has the backing open for reading gets a region that can be read
 * and no more, by no way: not by mmap or mprotect, not by a system call that
 * fills a buffer there, fast or slow. Readers and writers see the same pages, and share
 * tables with their like.
 */
#include "vmtest.h"

#include <sys/uio.h>

#define BYTES	(4 * MIB)
#define READERS	8
#define RW	(PROT_READ | PROT_WRITE)

static struct {
	char *p;
	pthread_barrier_t *step;
} t;

static char *map_read_only(int reg)
{
	return MUST(try_map(NULL, CHUNK, PROT_READ, MAP_SHARED, reg, 0));
}

/* Each filled page is tried twice: when it is not mapped, and when it is. */
static void cannot_be_written(char *p)
{
	int zero = MUST(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	char buf[64] = "";
	struct iovec from = { buf, 8 }, to = { p, 8 };
	uint64_t before;

	for (int touched = 0; touched < 2; touched++) {
		MUST_FAIL(read(zero, p, 8), EFAULT);
		MUST_FAIL(process_vm_writev(getpid(), &from, 1, &to, 1, 0),
			  EFAULT);
		before = load(p);
		CHECK_EQ(probe(p, true), SIGSEGV);
		CHECK_EQ(load(p), before);
	}
	MUST_FAIL(mprotect(p, CHUNK, RW), EACCES);
	close(zero);
}

/* O_DIRECT fills the buffer through get_user_pages_fast(). */
static void cannot_be_filled_directly(char *p)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/vmtest.%d", test_env("SHPT_TEST_DISK"),
		 getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_DIRECT,
		       0600));
	MUST(unlink(path));
	MUST(ftruncate(fd, PAGE));
	CHECK_STAMP(p, PAGE, 1);
	CHECK_EQ(pwrite(fd, p, PAGE, 0), PAGE);
	MUST_FAIL(pread(fd, p, PAGE, 0), EFAULT);
	CHECK_STAMP(p, PAGE, 1);
	close(fd);
}

static void reader(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, BYTES, 1);
	meet(t.step);
	meet(t.step);
	CHECK_STAMP(t.p, BYTES, 2);
	cannot_be_written(t.p);
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK), ro_fd = reopen(fd, O_RDONLY);
	int reg = open_region(fd), ro = open_region(ro_fd), i;
	struct shpt_populate populate = {
		.size = sizeof(populate),
		.flags = SHPT_POPULATE_WRITE,
		.length = MIB,
	};
	pid_t pids[READERS];
	char *p;

	CHECK_EQ(region_info(ro).id, region_info(reg).id);
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, ro, 0), EACCES);
	MUST_FAIL(ioctl(ro, SHPT_IOC_POPULATE, &populate), EACCES);
	p = map_region(reg, 1, 0);
	stamp(p, BYTES, 1);
	t.p = map_read_only(ro);
	t.step = barrier(READERS + 1);
	for (i = 0; i < READERS; i++)
		pids[i] = spawn(reader, NULL);
	cannot_be_written(t.p);
	cannot_be_filled_directly(t.p);
	meet(t.step);
	/* Nine link to the table of readers, one to that of writers. */
	CHECK_EQ(region_info(reg).links, READERS + 2);
	CHECK_LE(region_info(reg).table_bytes, 2 * (BYTES / (2 * MIB) + 4) *
					       PAGE);
	stamp(p, BYTES, 2);
	meet(t.step);
	for (i = 0; i < READERS; i++)
		join(pids[i]);

	/* Without writers readers go on; a hole is a hole for them, too. */
	MUST(munmap(p, CHUNK));
	close(reg);
	WAIT_FOR(region_info(ro).hosts == 1, 5, "the writable host stays");
	CHECK_STAMP(t.p, BYTES, 2);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       MIB));
	CHECK_EQ(load(t.p), 0);
	CHECK_EQ(load(t.p + MIB), word(2, MIB));

	/* What is read-only once is for good, and a writer comes back. */
	MUST_FAIL(mprotect(t.p, CHUNK, RW), EACCES);
	reg = open_region(fd);
	p = map_region(reg, 1, 0);
	stamp(p, BYTES, 3);
	CHECK_STAMP(t.p, BYTES, 3);
	close(MUST(open_with(fd, SHPT_OPEN_READ_ONLY)));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 100);
}
