/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt with less than a chunk: unmapping, protecting, advising. The chunk
 * becomes an ordinary mapping of this process, the others stay shared, and threads
 * that read it meanwhile never notice.
 */
#include "refusal.h"

#define BYTES	(8 * MIB)
#define CHUNKS	8

static size_t unit;		/* what the kernel can cut */

static size_t linked_bytes(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info.linked_bytes;
}

static bool is_guest(const void *p)
{
	return strstr(maps_line(p), "shpt:");
}

static char *map_shared(size_t chunks, int fd)
{
	char *p = require_shared(NULL, chunks * CHUNK, RW, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	return p;
}

static void unmapping(int fd, char *other)
{
	char *p = map_shared(3, fd), *q = p + CHUNK;

	CHECK_EQ(load(p), word(1, 0));
	CHECK_EQ(load(q), 0);
	CHECK_EQ(load(q + CHUNK), 0);
	CHECK_EQ(linked_bytes(p), 3 * CHUNK);
	MUST(libshpt_unmap(p + unit, unit));
	CHECK_EQ(probe(p + unit, false), SIGSEGV);
	CHECK(!is_guest(p) && is_guest(q), "the wrong chunk was replaced");
	CHECK_EQ(linked_bytes(p), 0);
	CHECK_EQ(linked_bytes(p + 2 * unit), 2 * CHUNK);
	CHECK_STAMP(p, unit, 1);
	for (size_t off = 2 * unit; off < BYTES; off += unit)
		CHECK_EQ(load(p + off), word(1, off));
	/* It is the same memory as before, for other guests too. */
	store(p + 2 * unit, 5);
	CHECK_EQ(load(other + 2 * unit), 5);
	store(other + 2 * unit, word(1, 2 * unit));
	CHECK_EQ(load(p + 2 * unit), word(1, 2 * unit));
	/* The last chunk, from its middle on. */
	MUST(libshpt_unmap(q + CHUNK + unit, CHUNK - unit));
	CHECK_EQ(probe(q + CHUNK + unit, false), SIGSEGV);
	CHECK_EQ(load(q + CHUNK), 0);
	CHECK_EQ(linked_bytes(q), CHUNK);
	MUST(libshpt_unmap(p, 3 * CHUNK));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(probe(p + i * CHUNK, false), SIGSEGV);
}

static void protecting(int fd)
{
	char *p = map_shared(2, fd);

	CHECK_EQ(load(p), word(1, 0));
	MUST(libshpt_protect(p, 2 * CHUNK, PROT_READ));
	CHECK(is_guest(p), "a whole chunk was replaced");
	CHECK_EQ(probe(p, true), SIGSEGV);
	MUST(libshpt_protect(p + unit, unit, RW));
	CHECK(!is_guest(p) && is_guest(p + CHUNK), "not replaced");
	CHECK_EQ(probe(p, true), SIGSEGV);
	CHECK_EQ(probe(p + unit, true), 0);
	CHECK_EQ(probe(p + 2 * unit, true), SIGSEGV);
	CHECK_STAMP(p, BYTES, 1);
	MUST(libshpt_protect(p, 2 * CHUNK, RW));
	CHECK_EQ(probe(p + CHUNK, true), 0);
	CHECK_EQ(linked_bytes(p), CHUNK);
	MUST(libshpt_protect(p + CHUNK, unit, PROT_NONE));
	CHECK_EQ(probe(p + CHUNK, false), SIGSEGV);
	CHECK_EQ(probe(p + CHUNK + unit, true), 0);
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

static void advising(int kind, int fd)
{
	char *p = map_shared(1, fd);
	uint64_t in_file;

	CHECK_EQ(load(p + unit), word(1, unit));
	MUST(libshpt_advise(p + unit, unit, MADV_DONTNEED));
	MUST(libshpt_advise(p + unit, unit, MADV_RANDOM));
	MUST(libshpt_advise(p + unit, unit, MADV_WILLNEED));
	MUST(libshpt_advise(p + unit, unit, MADV_POPULATE_WRITE));
	CHECK_STAMP(p, BYTES, 1);
	if (kind != DEVDAX) {
		MUST(libshpt_advise(p + 4 * MIB, PAGE, MADV_REMOVE));
		CHECK_EQ(load(p + 4 * MIB), 0);
		CHECK_EQ(pread(fd, &in_file, 8, 4 * MIB), 8);
		CHECK_EQ(in_file, 0);
		stamp(p, BYTES, 1);
		MUST(libshpt_sync(p + PAGE, PAGE, MS_SYNC));
	}
	CHECK(is_guest(p), "advice has replaced the chunk");
	CHECK_EQ(linked_bytes(p), CHUNK);
	MUST(libshpt_advise(p + unit, unit, MADV_DONTFORK));
	CHECK(!is_guest(p), "not replaced");
	CHECK_STAMP(p, BYTES, 1);
	MUST(libshpt_unmap(p, CHUNK));
}

/* A fixed mapping over a part. */
static void covering(int fd)
{
	char *p = map_shared(1, fd);

	CHECK(libshpt_map(p + unit, unit, RW, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_FIXED, -1, 0) == p + unit,
	      "%s", libshpt_errormsg());
	CHECK_EQ(load(p + unit), 0);
	CHECK_STAMP(p, unit, 1);
	CHECK_STAMP(p + CHUNK / 2, PAGE, 2);
	MUST(libshpt_unmap(p, CHUNK));
	CHECK_EQ(probe(p + unit, false), SIGSEGV);
}

static void child(void *arg)
{
	char *p = arg;

	closefrom(3);
	MUST(libshpt_unmap(p, unit));
	CHECK_EQ(probe(p, false), SIGSEGV);
	CHECK_EQ(load(p + unit), word(1, unit));
}

static void children(int fd)
{
	char *p = map_shared(1, fd);

	join(spawn(child, p));
	CHECK(is_guest(p), "a child has replaced its parent's chunk");
	CHECK_STAMP(p, BYTES, 1);
	MUST(libshpt_unmap(p, CHUNK));
}

static char *read_by_threads;
static volatile bool stop;
static volatile uint64_t rounds[2];

static void *reader(void *arg)
{
	volatile uint64_t *done = arg;

	for (; !stop; ++*done)
		for (size_t i = 0; i < CHUNKS; i++)
			for (size_t off = 0; off < 4 * PAGE; off += PAGE)
				CHECK_EQ(load(read_by_threads + i * CHUNK +
					      off), word(i, off));
	return NULL;
}

static void throughout(int fd)
{
	pthread_t ids[2];
	char *p = read_by_threads = map_shared(CHUNKS, fd);

	for (size_t i = 0; i < CHUNKS; i++)
		for (size_t off = 0; off < 4 * PAGE; off += PAGE)
			store(p + i * CHUNK + off, word(i, off));
	for (int i = 0; i < 2; i++)
		ids[i] = thread(reader, (void *)&rounds[i]);
	for (size_t i = 0; i < CHUNKS; i++) {
		const uint64_t before[2] = { rounds[0], rounds[1] };

		while (rounds[0] < before[0] + 3 || rounds[1] < before[1] + 3)
			sched_yield();
		if (i % 2)
			MUST(libshpt_unmap(p + i * CHUNK + 4 * PAGE, PAGE));
		else
			MUST(libshpt_protect(p + i * CHUNK, PAGE, PROT_READ));
		CHECK(!is_guest(p + i * CHUNK), "not replaced");
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(ids[i], NULL);
	MUST(libshpt_unmap(p, CHUNKS * CHUNK));
}

static void test(int kind)
{
	int fd = backing(kind, CHUNKS * CHUNK);
	long guests = fact("guests");
	char *other = map_guest(fd, 1);

	unit = kind == DEVDAX ? 2 * MIB : PAGE;
	stamp(other, BYTES, 1);
	if (kind == DEVDAX) {
		protecting(fd);
		children(fd);
		advising(kind, fd);
	} else {
		stamp(other + CHUNK / 2, PAGE, 2);
		unmapping(fd, other);
		protecting(fd);
		advising(kind, fd);
		covering(fd);
		children(fd);
		throughout(fd);
	}
	MUST(munmap(other, CHUNK));
	CHECK_EQ(fact("guests"), guests);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 30);
}
