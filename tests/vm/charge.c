/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of a memfd are charged to the memory cgroup of the process that faults
 * them in, as without sharing, and not to that of somebody else or to nobody:
 * a container cannot hide its memory behind a region.
 */
#include "vmtest.h"

#define BYTES	(16 * MIB)

static struct {
	char *p;
	pthread_barrier_t *step;
} t;

static long long shmem_of(const char *cgroup)
{
	return number_in(cgroup_file(cgroup, "memory.stat"), "shmem");
}

/* The first half by faults, the second by a system call. */
static void user(void *arg)
{
	enter_cgroup(arg);
	stamp(t.p, BYTES / 2, 1);
	CHECK_EQ(pread(MUST(open("/dev/zero", O_RDONLY)), t.p + BYTES / 2,
		       BYTES / 2, 0), BYTES / 2);
	meet(t.step);
	meet(t.step);
}

static void test(int kind)
{
	const char *first, *second;
	pid_t pid;

	first = strdup(new_cgroup("first"));
	second = strdup(new_cgroup("second"));
	t.step = barrier(2);
	t.p = map_guest(backing(kind, BYTES), 1);
	stamp(t.p, PAGE, 1);
	pid = spawn(user, (void *)first);
	meet(t.step);
	CHECK_GE(shmem_of(first), BYTES - MIB);
	CHECK_LE(shmem_of(first), BYTES + MIB);
	meet(t.step);
	join(pid);
	/* Who only uses what is there pays nothing. */
	pid = spawn(user, (void *)second);
	meet(t.step);
	CHECK_LE(shmem_of(second), MIB);
	CHECK_GE(shmem_of(first), BYTES - MIB);
	meet(t.step);
	join(pid);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
