/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 14: a host's address space comes from the module's helper and from nobody
 * else, also at the moment when the module waits for one; and who may not map
 * a backing gets no region of it, whatever else he may do with it.
 */
#include "vmtest.h"

#define REGIONS	8
#define DONORS	2

static struct {
	volatile bool *stop;
	volatile uint64_t *refused;
} t;

/* Root, and yet no helper. */
static void false_donor(void *arg)
{
	int dev = device();

	(void)arg;
	while (!*t.stop) {
		MUST_FAIL(ioctl(dev, SHPT_IOC_DONATE), EPERM);
		__atomic_fetch_add(t.refused, 1, __ATOMIC_RELAXED);
	}
}

static void false_donors(int kind)
{
	pid_t pids[DONORS];
	uint64_t before;
	int i, fd, reg;
	char *p;

	t.stop = shared(PAGE);
	t.refused = shared(PAGE);
	for (i = 0; i < DONORS; i++)
		pids[i] = spawn(false_donor, NULL);
	for (i = 0; i < REGIONS; i++) {
		before = *t.refused;
		fd = backing(kind, MIB);
		reg = open_region(fd);
		p = map_region(reg, 1, 0);
		stamp(p, MIB, i);
		CHECK_STAMP(p, MIB, i);
		CHECK_EQ(linked_chunks(p), 1);
		WAIT_FOR(*t.refused > before, PATIENCE, "nobody tries to donate");
		MUST(munmap(p, CHUNK));
		close(reg);
		close(fd);
	}
	*t.stop = true;
	for (i = 0; i < DONORS; i++)
		join(pids[i]);
}

static void right_to_map(int kind)
{
	int fd = backing(kind, MIB), reg;

	MUST_FAIL(try_open_region(reopen(fd, O_WRONLY)), EACCES);
	MUST_FAIL(try_open_region(reopen(fd, O_PATH)), EBADF);
	if (kind != MEMFD)
		return;
	/* Sealed: nobody may map it for writing; for reading, anybody. */
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	MUST_FAIL(try_open_region(fd), EPERM);
	reg = open_region(reopen(fd, O_RDONLY));
	MUST_FAIL(try_map(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, reg,
			  0), EACCES);
	MUST(try_map(NULL, CHUNK, PROT_READ, MAP_SHARED, reg, 0));
}

static void test(int kind)
{
	false_donors(kind);
	right_to_map(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
