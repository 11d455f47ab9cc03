/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt with strict edges: of the file nothing can be reached but what was
 * asked for. The whole chunks in it are shared, the ends are ordinary mappings.
 */
#include "refusal.h"

#define OFFSET	(CHUNK / 2)
#define LENGTH	(2 * CHUNK + 3 * PAGE)

static char *map_strict(void *addr, size_t length, int flags, int fd, off_t off)
{
	struct libshpt_attr attr = {
		.flags = LIBSHPT_REQUIRE_SHARED | LIBSHPT_STRICT_EDGES,
	};

	return libshpt_map_attr(addr, length, RW, flags, fd, off, &attr,
				sizeof(attr));
}

static bool is_guest(const void *p)
{
	return strstr(maps_line(p), "shpt:");
}

/* The first edge, the chunk, and the last edge. */
static void is_strict(char *p, int fd)
{
	static const size_t at[] = { 0, CHUNK / 2, LENGTH - PAGE };
	struct libshpt_info info;
	uint64_t in_file;

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	for (uint64_t i = 0; i < 3; i++) {
		store(p + at[i], i + 1);
		CHECK_EQ(pread(fd, &in_file, 8, OFFSET + at[i]), 8);
		CHECK_EQ(in_file, i + 1);
	}
	CHECK(!is_guest(p), "the first edge is shared");
	CHECK(is_guest(p + CHUNK / 2), "the chunk is not shared");
	CHECK(!is_guest(p + LENGTH - PAGE), "the last edge is shared");
	MUST(libshpt_info(p, &info, sizeof(info)));
	CHECK_EQ(info.backend, LIBSHPT_BACKEND_SHPT);
	CHECK_EQ(info.length, LENGTH);
	CHECK_EQ(info.linked_bytes, CHUNK);
}

static void child(void *arg)
{
	char *p = arg;

	CHECK_EQ(linked_chunks(p + CHUNK / 2), 1);
	CHECK_EQ(load(p), 1);
	CHECK_EQ(load(p + CHUNK / 2), 2);
}

static void test(int kind)
{
	int fd = backing(kind, 3 * CHUNK);
	char *base = (char *)0x400000000000UL, *p;
	struct libshpt_info info;

	p = map_strict(NULL, LENGTH, MAP_SHARED, fd, OFFSET);
	is_strict(p, fd);
	CHECK_EQ(probe(p - 1, false), SIGSEGV);
	CHECK_EQ(probe(p + LENGTH, false), SIGSEGV);
	join(spawn(child, p));
	MUST(libshpt_unmap(p + PAGE, PAGE));
	CHECK_EQ(probe(p + PAGE, false), SIGSEGV);
	MUST(libshpt_unmap(p, LENGTH));
	for (size_t off = 0; off < LENGTH; off += CHUNK / 2)
		CHECK_EQ(probe(p + off, false), SIGSEGV);

	/* Beside something else. */
	p = base + OFFSET;
	MUST(mmap(p - PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS |
		  MAP_FIXED_NOREPLACE, -1, 0));
	store(p - PAGE, 9);
	CHECK(map_strict(p, LENGTH, MAP_SHARED | MAP_FIXED, fd, OFFSET) == p,
	      "%s", libshpt_errormsg());
	is_strict(p, fd);
	CHECK_EQ(load(p - PAGE), 9);
	/* Over itself. */
	CHECK(map_strict(p, LENGTH, MAP_SHARED | MAP_FIXED, fd, OFFSET) == p,
	      "%s", libshpt_errormsg());
	is_strict(p, fd);
	MUST_FAIL(map_strict(p, LENGTH, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
			     OFFSET), EEXIST);
	is_strict(p, fd);
	MUST(libshpt_unmap(p, LENGTH));
	CHECK_EQ(load(p - PAGE), 9);

	/* No whole chunk in it. */
	MUST_FAIL(map_strict(NULL, CHUNK, MAP_SHARED, fd, OFFSET), EINVAL);
	check_sentence(libshpt_errormsg(), "whole chunk");
	CHECK_EQ(probe(p, false), SIGSEGV);
	p = map_strict(NULL, CHUNK, MAP_SHARED, fd, CHUNK);
	CHECK(p != MAP_FAILED && is_guest(p), "%s", libshpt_errormsg());
	MUST(libshpt_unmap(p, CHUNK));

	if (kind != MEMFD)
		return;
	p = map_strict(NULL, LENGTH, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	store(p + LENGTH - 8, 1);
	store(p, 1);
	MUST(libshpt_info(p, &info, sizeof(info)));
	CHECK_EQ(info.linked_bytes, CHUNK);
	CHECK_EQ(probe(p + LENGTH, false), SIGSEGV);
	MUST(libshpt_unmap(p, LENGTH));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 30);
}
