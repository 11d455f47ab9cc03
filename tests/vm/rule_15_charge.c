/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 15: pages of a memfd, and page tables of its region's host, are charged
 * to the memory cgroup of the process that faults them in, as without sharing,
 * and not to that of somebody else or to nobody: a container cannot hide its
 * memory behind a region.
 */
#include "vmtest.h"

#define BYTES	(16 * MIB)
#define CHUNKS	4UL		/* for tables: 8 MiB of them */
#define STEP	(2 * MIB)	/* what one of them maps */
#define TABLES	(CHUNKS * CHUNK / STEP * PAGE)

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

/* One page of each table; they are all there. */
static void toucher(void *arg)
{
	size_t off;

	enter_cgroup(arg);
	for (off = 0; off < CHUNKS * CHUNK; off += STEP)
		CHECK_EQ(load(t.p + off), off);
	meet(t.step);
	meet(t.step);
}

static long long tables_of(const char *cgroup)
{
	return number_in(cgroup_file(cgroup, "memory.stat"), "pagetables");
}

static long long memory_of(const char *cgroup)
{
	return read_number(cgroup_file(cgroup, "memory.current"));
}

/* The kernel may not have counted the latest megabyte yet. */
static void tables(int kind, const char *first, const char *second)
{
	int fd = backing(kind, CHUNKS * CHUNK);
	size_t off;
	pid_t pid;

	for (off = 0; off < CHUNKS * CHUNK; off += STEP)
		CHECK_EQ(pwrite(fd, &off, sizeof(off), off), sizeof(off));
	t.p = map_guest(fd, CHUNKS);
	pid = spawn(toucher, (void *)first);
	meet(t.step);
	CHECK_GE(tables_of(first), TABLES - MIB);
	CHECK_LE(tables_of(first), TABLES + MIB);
	CHECK_GE(memory_of(first), TABLES);
	CHECK_LE(shmem_of(first), MIB);
	meet(t.step);
	join(pid);
	/* They stay, and stay his group's. */
	pid = spawn(toucher, (void *)second);
	meet(t.step);
	CHECK_LE(tables_of(second), MIB);
	CHECK_LE(memory_of(second), 2 * MIB);
	CHECK_GE(tables_of(first), TABLES - MIB);
	meet(t.step);
	join(pid);
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
	CHECK_GE(memory_of(first), BYTES);
	meet(t.step);
	join(pid);
	/* Who only uses what is there pays nothing. */
	pid = spawn(user, (void *)second);
	meet(t.step);
	CHECK_LE(shmem_of(second), MIB);
	CHECK_GE(shmem_of(first), BYTES - MIB);
	meet(t.step);
	join(pid);

	tables(kind, strdup(new_cgroup("tables.first")),
	       strdup(new_cgroup("tables.second")));
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
