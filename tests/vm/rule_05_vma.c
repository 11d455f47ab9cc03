/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 5: what a guest's VMA is. Its flags, as the kernel tells them, at birth
 * and after all that may change a VMA; and that it is never joined with its
 * neighbour nor cut within a chunk.
 */
#include "vmtest.h"

/* The line VmFlags of the mapping at p, between blanks. */
static const char *flags_of(const void *p)
{
	static char line[1024];
	unsigned long start, end;
	bool here = false;
	FILE *f = fopen("/proc/self/smaps", "re");

	CHECK(f, "/proc/self/smaps: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)p && (uintptr_t)p < end;
		if (here && !strncmp(line, "VmFlags:", 8)) {
			fclose(f);
			return line + 8;
		}
	}
	FAIL("%p is not in smaps", p);
}

static void check_flags(const char *p)
{
	/* dontexpand, dontdump, shared; */
	static const char *const all[] = { " de ", " dd ", " sh ", " ms " };
	/* may execute, page frames without a struct page, mixed, I/O, merged */
	static const char *const none[] = { " ex ", " me ", " pf ", " mm ",
					    " io ", " mg ", " um " };
	const char *flags = flags_of(p);

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		CHECK(strstr(flags, all[i]), "no%sin the VmFlags%s", all[i],
		      flags);
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		CHECK(!strstr(flags, none[i]), "%sin the VmFlags%s", none[i],
		      flags);
}

/* Where the mapping at p begins and ends, in chunks from base. */
static void check_bounds(char *base, char *p, size_t first, size_t last)
{
	unsigned long start, end;

	CHECK_EQ(sscanf(maps_line(p), "%lx-%lx", &start, &end), 2);
	CHECK_EQ(start, (uintptr_t)base + first * CHUNK);
	CHECK_EQ(end, (uintptr_t)base + last * CHUNK);
}

static void child(void *arg)
{
	check_flags(arg);
	CHECK_EQ(load(arg), word(1, 0));
	check_flags(arg);
}

static void test(int kind)
{
	int reg = open_region(backing(kind, 4 * CHUNK));
	char *p = map_region(reg, 4, 0), *q;

	check_flags(p);
	stamp(p, MIB, 1);
	stamp(p + 2 * CHUNK, MIB, 1);
	check_flags(p);
	join(spawn(child, p));

	/* Cut at a chunk, and mapped again: two neighbours, not one. */
	MUST(munmap(p + CHUNK, CHUNK));
	check_bounds(p, p, 0, 1);
	check_bounds(p, p + 2 * CHUNK, 2, 4);
	q = MUST(try_map(p + CHUNK, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED |
			 MAP_FIXED_NOREPLACE, reg, CHUNK));
	CHECK(q == p + CHUNK, "mapped at %p", (void *)q);
	check_bounds(p, p, 0, 1);
	check_bounds(p, q, 1, 2);
	check_bounds(p, p + 2 * CHUNK, 2, 4);
	check_flags(q);
	CHECK_STAMP(p, MIB, 1);
	CHECK_STAMP(p + 2 * CHUNK, MIB, 1);

	/* Nothing cuts within a chunk. */
	MUST_FAIL(munmap(p + 2 * CHUNK + PAGE, PAGE), EINVAL);
	MUST_FAIL(madvise(p + 3 * CHUNK - PAGE, PAGE, MADV_DONTFORK), EINVAL);
	MUST_FAIL(mprotect(p + 3 * CHUNK - PAGE, 2 * PAGE, PROT_NONE), EINVAL);
	check_bounds(p, p + 2 * CHUNK, 2, 4);
	CHECK_STAMP(p + 2 * CHUNK, MIB, 1);

	/* At a chunk everything may. */
	MUST(madvise(p + 3 * CHUNK, CHUNK, MADV_DONTFORK));
	check_bounds(p, p + 2 * CHUNK, 2, 3);
	check_flags(p + 3 * CHUNK);
	MUST(mprotect(p + 2 * CHUNK, CHUNK, PROT_READ));
	check_flags(p + 2 * CHUNK);
	CHECK_STAMP(p + 2 * CHUNK, MIB, 1);
	CHECK(mremap(p, CHUNK, 2 * CHUNK, MREMAP_MAYMOVE) == MAP_FAILED,
	      "a guest grew");
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
