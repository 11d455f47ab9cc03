/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 7: mprotect(2) of whole chunks changes what a process may do with its
 * mapping, and no other process: PROT_NONE, reading, writing, in any order with
 * fork and mremap. Of less than a chunk it is refused and changes nothing.
 */
#include "vmtest.h"

#include <sys/syscall.h>

#define BYTES	(1 * MIB)
#define R	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)

static char *p;

/* What reading and writing do under a protection. */
static void check_access(char *at, int prot)
{
	CHECK_EQ(probe(at, false), (prot & RW) ? 0 : SIGSEGV);
	CHECK_EQ(probe(at, true), (prot & PROT_WRITE) ? 0 : SIGSEGV);
	CHECK_EQ(probe(at + BYTES - 1, true), (prot & PROT_WRITE) ? 0 : SIGSEGV);
}

static void child(void *arg)
{
	int prot = (int)(long)arg;

	check_access(p, prot);
	/* Its own business: the parent's access stays. */
	MUST(mprotect(p, CHUNK, RW));
	check_access(p, RW);
	store(p + 8, load(p + 8) + 1);
	MUST(mprotect(p, CHUNK, PROT_NONE));
	check_access(p, PROT_NONE);
}

static void whole_chunks(void)
{
	static const int prots[] = { PROT_NONE, R, RW, R, PROT_NONE, RW,
				     PROT_WRITE, PROT_NONE, R, RW };
	uint64_t count = 0;

	store(p + 8, 0);
	for (size_t i = 0; i < sizeof(prots) / sizeof(*prots); i++) {
		MUST(mprotect(p, CHUNK, prots[i]));
		check_access(p, prots[i]);
		check_access(p + CHUNK, RW);
		join(spawn(child, (void *)(long)prots[i]));
		count++;
		check_access(p, prots[i]);
		if (prots[i] & PROT_READ)
			CHECK_EQ(load(p + 8), count);
	}
	CHECK_EQ(load(p + 8), count);
}

/* Who reads by force, as debuggers do, opens the door to nobody. */
static void forced(void)
{
	int mem = MUST(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
	char buf[8];

	MUST(mprotect(p, CHUNK, PROT_NONE));
	MUST_FAIL(pread(mem, buf, sizeof(buf), (uintptr_t)p), EIO);
	check_access(p, PROT_NONE);
	MUST(mprotect(p, CHUNK, R));
	CHECK_EQ(pread(mem, buf, sizeof(buf), (uintptr_t)p), sizeof(buf));
	MUST_FAIL(pwrite(mem, buf, sizeof(buf), (uintptr_t)p), EIO);
	check_access(p, R);
	MUST(mprotect(p, CHUNK, RW));
	close(mem);
}

/* A system call that writes to a mapping, fast path and slow path alike. */
static void syscalls(int fd)
{
	int zero = MUST(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	int file = reopen(fd, O_RDWR);

	store(p, 7);
	MUST(mprotect(p, CHUNK, R));
	CHECK_EQ(load(p), 7);
	MUST_FAIL(read(zero, p, 8), EFAULT);
	MUST_FAIL(pread(file, p, 8, PAGE), EFAULT);
	CHECK_EQ(load(p), 7);
	CHECK_EQ(pwrite(file, p, 8, 2 * PAGE), 8);
	MUST(mprotect(p, CHUNK, PROT_NONE));
	MUST_FAIL(read(zero, p, 8), EFAULT);
	MUST_FAIL(pwrite(file, p, 8, PAGE), EFAULT);
	MUST(mprotect(p, CHUNK, RW));
	CHECK_EQ(load(p), 7);
	CHECK_EQ(load(p + 2 * PAGE), 7);
	CHECK_EQ(read(zero, p, 8), 8);
	CHECK_EQ(load(p), 0);
	close(zero);
	close(file);
}

/* Protect, move, protect, fork, in turns. */
static void moves(void)
{
	char *q;

	for (int i = 0; i < 4; i++) {
		int prot = i & 1 ? R : PROT_NONE;

		MUST(mprotect(p, 2 * CHUNK, prot));
		q = mmap(NULL, 3 * CHUNK, PROT_NONE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		q = (char *)(((uintptr_t)q + CHUNK - 1) & ~(CHUNK - 1));
		/* The kernel moves one mapping at a time, and these are two. */
		MUST(mremap(p, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED,
			    q));
		MUST(mremap(p + CHUNK, CHUNK, CHUNK,
			    MREMAP_MAYMOVE | MREMAP_FIXED, q + CHUNK));
		p = q;
		check_access(p, prot);
		join(spawn(child, (void *)(long)prot));
		MUST(mprotect(p + CHUNK, CHUNK, RW));
		stamp(p + CHUNK, BYTES, i);
		MUST(mprotect(p, 2 * CHUNK, RW));
		stamp(p, BYTES, i);
		CHECK_STAMP(p + CHUNK, BYTES, i);
		CHECK_STAMP(p, BYTES, i);
	}
}

static void refused(void)
{
	static const int prots[] = { PROT_NONE, R, PROT_WRITE, RW };
	char line[1024];
	int key;

	snprintf(line, sizeof(line), "%s", maps_line(p));
	for (size_t i = 0; i < sizeof(prots) / sizeof(*prots); i++) {
		MUST_FAIL(mprotect(p + PAGE, PAGE, prots[i]), EINVAL);
		MUST_FAIL(mprotect(p, CHUNK - PAGE, prots[i]), EINVAL);
		MUST_FAIL(mprotect(p + CHUNK - PAGE, 2 * PAGE, prots[i]),
			  EINVAL);
		CHECK(!strcmp(line, maps_line(p)),
		      "mprotect changed '%s' to '%s'", line, maps_line(p));
	}
	MUST_FAIL(mprotect(p, CHUNK, R | PROT_EXEC), EACCES);
	key = (int)syscall(SYS_pkey_alloc, 0, 0);
	if (key >= 0) {		/* not every CPU has them */
		MUST_FAIL(syscall(SYS_pkey_mprotect, p, CHUNK, RW, key),
			  EINVAL);
		syscall(SYS_pkey_free, key);
	}
	CHECK_EQ(linked_chunks(p), 2);
}

static void test(int kind)
{
	int fd = backing(kind, 2 * CHUNK);

	p = map_guest(fd, 2);
	stamp(p, BYTES, 1);
	stamp(p + CHUNK, BYTES, 1);
	refused();
	CHECK_STAMP(p, BYTES, 1);
	whole_chunks();
	syscalls(fd);
	forced();
	moves();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
