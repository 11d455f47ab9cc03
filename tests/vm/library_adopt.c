/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt_adopt(): a mapping that is in use becomes a shared one where it is,
 * however its file is to be found, and threads that use it never notice.
 */
#include "refusal.h"

#define BASE	((char *)0x400000000000UL)
#define OFFSET	(3 * MIB)
#define BYTES	(4 * MIB)

static bool is_guest(const void *p)
{
	return strstr(maps_line(p), "shpt:");
}

/* Ordinary, at an address that is the same as the offset modulo 1 GiB. */
static char *map_ordinary(int fd, int prot, int flags)
{
	char *p = MUST(mmap(BASE + OFFSET, BYTES, prot,
			    flags | MAP_FIXED_NOREPLACE, fd, OFFSET));

	CHECK(!is_guest(p), "%s", maps_line(p));
	return p;
}

static void unmap(char *p)
{
	MUST(libshpt_unmap(p, BYTES));
	CHECK_EQ(probe(p, false), SIGSEGV);
	CHECK_EQ(probe(BASE, false), SIGSEGV);
}

static volatile bool stop;
static volatile uint64_t rounds;

static void *reader(void *arg)
{
	for (; !stop; rounds++)
		CHECK_STAMP(arg, 16 * PAGE, 1);
	return NULL;
}

static void with_threads(int fd)
{
	char *p = map_ordinary(fd, RW, MAP_SHARED);
	pthread_t id;

	stamp(p, BYTES, 1);
	id = thread(reader, p);
	while (rounds < 3)
		sched_yield();
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p), "not shared: %s", maps_line(p));
	for (uint64_t last = rounds; rounds < last + 3;)
		sched_yield();
	CHECK_EQ(linked_chunks(p), 1);
	/* Again, and again after it was replaced. */
	MUST(libshpt_adopt(p, BYTES));
	MUST(libshpt_protect(p, PAGE, PROT_READ));
	CHECK(!is_guest(p), "not replaced");
	MUST(libshpt_protect(p, BYTES, RW));
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p), "not shared anew: %s", maps_line(p));
	for (uint64_t last = rounds; rounds < last + 3;)
		sched_yield();
	stop = true;
	pthread_join(id, NULL);
	CHECK_STAMP(p, BYTES, 1);
	unmap(p);
}

/* Without a descriptor for writing and without a path. */
static void lost(int kind)
{
	int fd = backing(kind, CHUNK), weaker = reopen(fd, O_RDONLY);
	char *p = map_ordinary(fd, RW, MAP_SHARED);

	close(fd);
	stamp(p, BYTES, 1);
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p), "not shared: %s", maps_line(p));
	CHECK_STAMP(p, BYTES, 1);
	store(p, 5);
	unmap(p);
	close(weaker);
	/* The kernel's own shared memory. */
	p = MUST(mmap(BASE, BYTES, RW, MAP_SHARED | MAP_ANONYMOUS |
		      MAP_FIXED_NOREPLACE, -1, 0));
	stamp(p, BYTES, 3);
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p), "not shared: %s", maps_line(p));
	CHECK_STAMP(p, BYTES, 3);
	unmap(p);
}

static void read_only(int fd)
{
	int ro = reopen(fd, O_RDONLY);
	char *p = map_ordinary(ro, PROT_READ, MAP_SHARED);

	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p), "not shared: %s", maps_line(p));
	CHECK_STAMP(p, BYTES, 1);
	CHECK_EQ(probe(p, true), SIGSEGV);
	unmap(p);
}

static bool is_sync(const char *p)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool there = false, sync = false;
	char line[1024];

	while (fgets(line, sizeof(line), smaps))
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			there = start <= (uintptr_t)p && (uintptr_t)p < end;
		else if (there && !strncmp(line, "VmFlags:", 8))
			sync = strstr(line, " sf");
	fclose(smaps);
	return sync;
}

/* Durable as it was, no more and no less. */
static void synchronous(int fd)
{
	char *p = MUST(mmap(BASE + OFFSET, BYTES, RW, MAP_SHARED_VALIDATE |
			    MAP_SYNC | MAP_FIXED, fd, OFFSET));

	CHECK(is_sync(p), "VmFlags do not say sf");
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p) && is_sync(p), "not shared, or MAP_SYNC was lost");
	unmap(p);
	p = map_ordinary(fd, RW, MAP_SHARED);
	MUST(libshpt_adopt(p, BYTES));
	CHECK(is_guest(p) && !is_sync(p), "not shared, or MAP_SYNC came");
	unmap(p);
}

static void refused(int fd)
{
	char *p = map_ordinary(fd, RW, MAP_SHARED), *q;

	/* Its chunk is in use. */
	q = MUST(mmap(BASE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		      MAP_FIXED_NOREPLACE, -1, 0));
	MUST_FAIL(libshpt_adopt(p, BYTES), EEXIST);
	check_sentence(libshpt_errormsg(), "free");
	CHECK_STAMP(p, BYTES, 1);
	MUST(munmap(q, PAGE));
	MUST_FAIL(libshpt_adopt(p, BYTES + PAGE), ENOMEM);
	MUST_FAIL(libshpt_adopt(p + CHUNK, PAGE), ENOMEM);
	unmap(p);
	p = map_ordinary(fd, RW, MAP_PRIVATE);
	MUST_FAIL(libshpt_adopt(p, BYTES), EINVAL);
	check_sentence(libshpt_errormsg(), "private");
	unmap(p);
}

static void test(int kind)
{
	int fd;

	backing(kind, CHUNK);	/* to be found first, and not to be taken */
	fd = backing(kind, CHUNK);
	with_threads(fd);
	read_only(fd);
	refused(fd);
	if (kind == DAX)
		synchronous(fd);
	else
		lost(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 30);
}
