/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt with MAP_FIXED over what is there already: free chunks where the
 * kernel itself would map next, shared mappings, whole and in part, ordinary
 * ones, and the end of the address space.
 */
#include "refusal.h"

static void fixed_at(char *p, size_t bytes, int fd, off_t off)
{
	char *q = require_shared(p, bytes, RW, MAP_SHARED | MAP_FIXED, fd, off);

	CHECK(q == p, "at %p, not %p: %s", (void *)q, (void *)p,
	      libshpt_errormsg());
}

static void chunks(int fd, int n)
{
	size_t bytes = n * CHUNK;
	char *p = require_shared(NULL, bytes, RW, MAP_SHARED, fd, 0), *q;

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	MUST(libshpt_unmap(p, bytes));
	/* Free, and where the kernel would map next. */
	fixed_at(p, bytes, fd, 0);
	store(p, word(n, 0));
	/* Over a shared mapping: all of it, and a chunk of it. */
	fixed_at(p, bytes, fd, CHUNK);
	store(p, word(n, 1));
	fixed_at(p, bytes, fd, 0);
	CHECK_EQ(load(p), word(n, 0));
	fixed_at(p, CHUNK, fd, CHUNK);
	CHECK_EQ(load(p), word(n, 1));
	MUST(libshpt_unmap(p, bytes));
	/* Partly over an ordinary mapping. */
	MUST(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	fixed_at(p, bytes, fd, 0);
	CHECK_EQ(load(p), word(n, 0));
	/* A part of a chunk, of which the rest stays. */
	q = libshpt_map(p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED |
			MAP_ANONYMOUS, -1, 0);
	CHECK(q == p + PAGE, "%s", libshpt_errormsg());
	store(q, 3);
	CHECK_EQ(load(p), word(n, 0));
	/* An ordinary mapping over all of it. */
	CHECK(libshpt_map(p, bytes, RW, MAP_PRIVATE | MAP_FIXED |
			  MAP_NORESERVE, fd, 0) == p,
	      "%s", libshpt_errormsg());
	CHECK_EQ(load(p), word(n, 0));
	MUST(libshpt_unmap(p, bytes));
}

static void test(int kind)
{
	int fd = backing(kind, 5 * CHUNK);
	char *p;

	for (int n = 1; n <= 4; n++)
		chunks(fd, n);
	/* With the chunk around it goes what lay beside it there. */
	p = require_shared(NULL, 2 * PAGE, RW, MAP_SHARED, fd, PAGE);
	CHECK(libshpt_map(p, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) == p,
	      "%s", libshpt_errormsg());
	CHECK_EQ(probe(p - PAGE, false), SIGSEGV);
	MUST(libshpt_unmap(p, 2 * PAGE));
	MUST_FAIL(require_shared((void *)-(2 * PAGE), PAGE, RW,
				 MAP_SHARED | MAP_FIXED, fd, CHUNK - 2 * PAGE),
		  ENOMEM);
}

int main(void)
{
	return vmtest(test, MEMFD, 30);
}
