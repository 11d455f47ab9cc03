/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt on a machine that shares: any length, any page-aligned offset,
 * anonymous memory, fixed addresses, hints, unmapping as much as was mapped,
 * parts of it, and children of fork.
 */
#include "refusal.h"

static struct libshpt_info info_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info;
}

/* A shared mapping of exactly these bytes. */
static void is_shared(const char *p, size_t bytes)
{
	struct libshpt_info info = info_of(p);

	CHECK(info.backend == LIBSHPT_BACKEND_SHPT, "not shared: %s", info.why);
	CHECK(info.addr == p, "its address is %p, not %p", info.addr,
	      (const void *)p);
	CHECK_EQ(info.length, bytes);
	CHECK_EQ(info.why_errno, 0);
	CHECK_EQ(strlen(info.why), 0);
	CHECK_EQ(info.chunk_bytes, CHUNK);
	CHECK(info.region_id, "region id is 0");
	CHECK(strstr(maps_line(p), "shpt:"), "it is no guest: %s",
	      maps_line(p));
}

static char *map_shared(void *addr, size_t bytes, int flags, int fd, off_t off)
{
	char *p = require_shared(addr, bytes, RW, MAP_SHARED | flags, fd, off);

	CHECK(p != MAP_FAILED, "libshpt_map_attr of %#zx bytes at %#llx: %s",
	      bytes, (long long)off, libshpt_errormsg());
	is_shared(p, bytes);
	return p;
}

static void is_gone(const char *p)
{
	struct libshpt_info info;

	MUST_FAIL(libshpt_info(p, &info, sizeof(info)), ENOENT);
	CHECK_EQ(probe((char *)p, false), SIGSEGV);
}

static void lengths_and_offsets(int fd)
{
	static const size_t lengths[] = {
		1, 100, PAGE, MIB + 1, CHUNK, CHUNK + 5 * PAGE,
	};
	static const size_t offsets[] = {
		0, PAGE, 3 * MIB, CHUNK - PAGE, CHUNK, CHUNK + 7 * PAGE,
	};
	uint64_t in_file;
	char *p;

	for (int i = 0; i < 36; i++) {
		size_t length = lengths[i / 6], offset = offsets[i % 6];
		size_t last = (length - 1) & ~7UL;

		p = map_shared(NULL, length, 0, fd, offset);
		store(p, word(i, 0));
		CHECK_EQ(pread(fd, &in_file, 8, offset), 8);
		CHECK_EQ(in_file, word(i, 0));
		store(p + last, word(i, last));
		CHECK_EQ(pread(fd, &in_file, 8, offset + last), 8);
		CHECK_EQ(in_file, word(i, last));
		CHECK(info_of(p).linked_bytes > 0 &&
		      info_of(p).linked_bytes <= length,
		      "%llu of %zu bytes are linked",
		      (long long)info_of(p).linked_bytes, length);
		/* The caller's length, rounded up or not. */
		MUST(libshpt_unmap(p, i % 2 ? length :
				   (length + PAGE - 1) / PAGE * PAGE));
		is_gone(p);
		CHECK_EQ(probe(p + length - 1, false), SIGSEGV);
	}
}

static void child(void *arg)
{
	char *p = arg;

	/* The library has introduced the child: system calls work at once. */
	CHECK_EQ(linked_chunks(p), 1);
	CHECK_STAMP(p, MIB, 1);
	stamp(p, MIB, 2);
	is_shared(p, 3 * MIB + 5);
	MUST(libshpt_unmap(p, 3 * MIB + 5));
	is_gone(p);
}

static void anonymous(void)
{
	char *p = map_shared(NULL, 3 * MIB + 5, MAP_ANONYMOUS, -1, 0), *q;

	for (size_t off = 0; off < 3 * MIB; off += PAGE)
		CHECK_EQ(load(p + off), 0);
	stamp(p, MIB, 1);
	join(spawn(child, p));
	CHECK_STAMP(p, MIB, 2);
	/* Two of them are two. */
	q = map_shared(NULL, 3 * MIB + 5, MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(load(q), 0);
	CHECK(info_of(p).region_id != info_of(q).region_id, "one region");
	/* Unmapped and mapped again, it is zeroes again. */
	MUST(libshpt_unmap(p, 3 * MIB + 5));
	p = map_shared(p, 3 * MIB + 5, MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(load(p), 0);
	MUST(libshpt_unmap(p, 3 * MIB + 5));
	MUST(libshpt_unmap(q, 3 * MIB + 5));
}

static void fixed(int fd)
{
	char *base = (char *)0x400000000000UL, *p, *q;
	struct libshpt_info info;

	/* Congruent modulo 1 GiB, chunks free. */
	p = map_shared(base + 3 * MIB, 2 * MIB, MAP_FIXED, fd, 3 * MIB);
	CHECK(p == base + 3 * MIB, "at %p", (void *)p);
	stamp(p, 2 * MIB, 1);
	/* Over itself: replaced, as mmap does it. */
	CHECK(map_shared(p, 2 * MIB, MAP_FIXED, fd, CHUNK + 3 * MIB) == p,
	      "not replaced");
	stamp(p, 2 * MIB, 2);
	CHECK(map_shared(p, 2 * MIB, MAP_FIXED, fd, 3 * MIB) == p,
	      "not replaced");
	CHECK_STAMP(p, 2 * MIB, 1);
	MUST(libshpt_unmap(p, 2 * MIB));
	is_gone(p);
	/* Not congruent: ordinary. */
	MUST_FAIL(require_shared(p, MIB, RW, MAP_SHARED | MAP_FIXED, fd, 0),
		  EINVAL);
	check_sentence(libshpt_errormsg(), "1 GiB");
	CHECK_EQ(probe(p, false), SIGSEGV);
	CHECK(libshpt_map(p, MIB, RW, MAP_SHARED | MAP_FIXED, fd, 0) == p,
	      "%s", libshpt_errormsg());
	info = info_of(p);
	CHECK_EQ(info.backend, LIBSHPT_BACKEND_PLAIN);
	CHECK_EQ(info.why_errno, EINVAL);
	check_sentence(info.why, "1 GiB");
	/* Something else in the chunk: ordinary, and that stays. */
	store(p, 5);
	MUST_FAIL(require_shared(base + 64 * MIB, MIB, RW,
				 MAP_SHARED | MAP_FIXED, fd, 64 * MIB),
		  EEXIST);
	check_sentence(libshpt_errormsg(), "free");
	q = libshpt_map(base + 64 * MIB, MIB, RW, MAP_SHARED | MAP_FIXED, fd,
			64 * MIB);
	CHECK(q == base + 64 * MIB, "%s", libshpt_errormsg());
	CHECK_EQ(info_of(q).why_errno, EEXIST);
	CHECK_EQ(load(p), 5);
	MUST(libshpt_unmap(q, MIB));
	MUST(libshpt_unmap(p, MIB));
	p = map_shared(base + 64 * MIB, MIB, MAP_FIXED_NOREPLACE, fd, 64 * MIB);
	MUST_FAIL(libshpt_map(p, MIB, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
			      64 * MIB), EEXIST);
	MUST(libshpt_unmap(p, MIB));
}

static void parts(int fd)
{
	char *p = map_shared(NULL, 2 * CHUNK, 0, fd, 0);

	stamp(p, MIB, 1);
	stamp(p + CHUNK, MIB, 2);
	MUST(libshpt_unmap(p, CHUNK));
	is_gone(p);
	CHECK_STAMP(p + CHUNK, MIB, 2);
	is_shared(p + CHUNK, CHUNK);
	MUST(libshpt_unmap(p + CHUNK, CHUNK));
	is_gone(p + CHUNK);
	/* What the library did not map, it unmaps as munmap(2) does. */
	p = shared(MIB);
	MUST(libshpt_unmap(p, MIB));
	CHECK_EQ(probe(p, false), SIGSEGV);
}

/* Many threads at it at once. */
static void *mapper(void *arg)
{
	for (uint64_t i = 0; i < 30; i++) {
		char *p = map_shared(NULL, MIB, 0, *(int *)arg, 8 * MIB);

		__atomic_fetch_add((uint64_t *)p, 1, __ATOMIC_SEQ_CST);
		MUST(libshpt_unmap(p, MIB));
	}
	return NULL;
}

static void threads(int fd)
{
	pthread_t ids[4];
	uint64_t sum, before;

	CHECK_EQ(pread(fd, &before, 8, 8 * MIB), 8);
	for (int i = 0; i < 4; i++)
		ids[i] = thread(mapper, &fd);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	CHECK_EQ(pread(fd, &sum, 8, 8 * MIB), 8);
	CHECK_EQ(sum - before, 4 * 30);
}

static void test(int kind)
{
	int fd = backing(kind, 3 * CHUNK);
	long guests = fact("guests");
	char *p;

	open_region(fd);	/* so that it is not made anew each time */
	lengths_and_offsets(fd);
	fixed(fd);
	parts(fd);
	threads(fd);
	if (kind == MEMFD)
		anonymous();
	/* Populated ahead: no fault left. */
	p = map_shared(NULL, 4 * MIB, MAP_POPULATE, fd, 0);
	CHECK_EQ(info_of(p).linked_bytes, 4 * MIB);
	MUST(libshpt_unmap(p, 4 * MIB));
	CHECK_EQ(fact("guests"), guests);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
