/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memfd that is sealed against writing cannot be shared; a seal that comes
 * between opening the region and mapping it is respected, one that comes later
 * refused or kept as for any mapping; and the module itself prevents no seal
 * once its guests have gone.
 */
#include "refusal.h"

static void sealed(int seal)
{
	int fd = backing(MEMFD, MIB);

	MUST(fcntl(fd, F_ADD_SEALS, seal));
	MUST_FAIL(try_open_region(fd), EPERM);
	refused_by_library(RW, MAP_SHARED, fd, EPERM, "seal");
	close(fd);
}

static void sealed_before_mmap(int seal)
{
	int fd = backing(MEMFD, MIB), reg = open_region(fd);

	/* An open region may count as a writable mapping, which bars this. */
	if (fcntl(fd, F_ADD_SEALS, seal)) {
		CHECK(seal == F_SEAL_WRITE && errno == EBUSY, "F_ADD_SEALS: %s",
		      strerror(errno));
		close(reg);
		MUST(fcntl(fd, F_ADD_SEALS, seal));
		close(fd);
		return;
	}
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, reg, 0), EPERM);
	MUST_FAIL(try_open_region(fd), EPERM);
	CHECK_EQ(region_info(reg).guests, 0);
	close(reg);
	close(fd);
}

static char *p;

static void child(void *arg)
{
	(void)arg;
	CHECK_STAMP(p, MIB, 1);
	stamp(p, MIB, 2);
}

static void sealed_when_mapped(void)
{
	int fd = backing(MEMFD, MIB), reg = open_region(fd);
	char *more;

	p = map_region(reg, 1, 0);
	stamp(p, MIB, 1);
	MUST_FAIL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	/* Who has a mapping keeps it, and hands it down. */
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	MUST_FAIL(try_map(NULL, CHUNK, RW, MAP_SHARED, reg, 0), EPERM);
	CHECK_STAMP(p, MIB, 1);
	/* Who only reads sees what it grows by, too. */
	MUST(ftruncate(fd, 3 * CHUNK));
	more = MUST(try_map(NULL, CHUNK, PROT_READ, MAP_SHARED, reg,
			    2 * CHUNK));
	CHECK_EQ(load(more), 0);
	MUST_FAIL(mprotect(more, CHUNK, RW), EACCES);
	MUST(munmap(more, CHUNK));
	join(spawn(child, NULL));
	CHECK_STAMP(p, MIB, 2);
	MUST(madvise(p, CHUNK, MADV_DONTNEED));
	stamp(p, MIB, 3);
	CHECK_STAMP(p, MIB, 3);
	close(reg);
	MUST(munmap(p, CHUNK));
	WAIT_FOR(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 5,
		 "F_SEAL_WRITE after the last guest has gone: %s",
		 strerror(errno));
	CHECK_EQ(pwrite(fd, "x", 1, 0), -1);
	close(fd);
}

/* Seals of size are none against writing. */
static void other_seals(void)
{
	int fd = backing(MEMFD, MIB), reg;

	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	reg = open_region(fd);
	p = map_region(reg, 1, 0);
	stamp(p, MIB, 1);
	CHECK_EQ(probe(p + MIB, true), SIGBUS);
	CHECK_STAMP(p, MIB, 1);
	close(reg);
	close(fd);
}

static void test(int kind)
{
	(void)kind;
	sealed(F_SEAL_WRITE);
	sealed(F_SEAL_FUTURE_WRITE);
	sealed_before_mmap(F_SEAL_WRITE);
	sealed_before_mmap(F_SEAL_FUTURE_WRITE);
	sealed_when_mapped();
	other_seals();
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
