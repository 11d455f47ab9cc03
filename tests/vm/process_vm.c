/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process works in another's mapping: process_vm_readv(2) and
 * process_vm_writev(2), also where the other has never touched it, and a
 * debugger's /proc/PID/mem.
 */
#include "vmtest.h"

#include <sys/uio.h>

#define BYTES	(512 * KIB)

static struct {
	char *p;
	pthread_barrier_t *step;
} t;

static void sleeper(void *arg)
{
	(void)arg;
	meet(t.step);
	meet(t.step);
	/* Now it looks for itself. */
	CHECK_STAMP(t.p, BYTES, 1);
	CHECK_STAMP(t.p + 4 * MIB, BYTES, 2);
	CHECK_STAMP(t.p + CHUNK, BYTES, 2);
	meet(t.step);
	meet(t.step);
}

static void test(int kind)
{
	static char local[BYTES];
	struct iovec lo = { local, BYTES }, re = { NULL, BYTES };
	char path[64];
	pid_t pid;
	int mem;

	t.step = barrier(2);
	t.p = map_guest(backing(kind, 2 * CHUNK), 2);
	stamp(t.p, BYTES, 1);
	pid = spawn(sleeper, NULL);
	meet(t.step);

	re.iov_base = t.p;
	CHECK_EQ(process_vm_readv(pid, &lo, 1, &re, 1, 0), BYTES);
	CHECK_STAMP(local, BYTES, 1);
	stamp(local, BYTES, 2);
	re.iov_base = t.p + 4 * MIB;
	CHECK_EQ(process_vm_writev(pid, &lo, 1, &re, 1, 0), BYTES);
	CHECK_STAMP(t.p + 4 * MIB, BYTES, 2);
	/* A chunk that nobody at all has touched. */
	re.iov_base = t.p + CHUNK;
	CHECK_EQ(process_vm_writev(pid, &lo, 1, &re, 1, 0), BYTES);
	CHECK_STAMP(t.p + CHUNK, BYTES, 2);

	/* Both ends in the region. */
	lo.iov_base = t.p + 16 * MIB;
	re.iov_base = t.p;
	CHECK_EQ(process_vm_readv(pid, &lo, 1, &re, 1, 0), BYTES);
	CHECK_STAMP(t.p + 16 * MIB, BYTES, 1);
	meet(t.step);
	meet(t.step);

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = MUST(open(path, O_RDWR));
	CHECK_EQ(pread(mem, local, BYTES, (uintptr_t)t.p), BYTES);
	CHECK_STAMP(local, BYTES, 1);
	stamp(local, BYTES, 5);
	CHECK_EQ(pwrite(mem, local, BYTES, (uintptr_t)t.p), BYTES);
	CHECK_STAMP(t.p, BYTES, 5);
	meet(t.step);
	join(pid);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
