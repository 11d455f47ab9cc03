// SPDX-License-Identifier: GPL-2.0-or-later
/* edges.c - tests of LIBSHPT_STRICT_EDGES */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define G CHUNK_BYTES

static const struct libshpt_attr strict = { .flags = LIBSHPT_STRICT_EDGES };

/* From the middle of a chunk to the beginning of the fourth. */
#define OFFSET (G + G / 2)
#define LENGTH (2 * G + G / 2 + 3)
static const off_t marks[] = { OFFSET, 2 * G, 3 * G, 4 * G };

static int new_file(void)
{
	int fd = new_memfd(5 * G, 0);

	for (size_t i = 0; i < COUNT(marks); i++)
		ck_assert_int_eq(pwrite(fd, &marks[i], sizeof(off_t), marks[i]),
				 sizeof(off_t));
	return fd;
}

/* The bytes are those of the file, and beside them is nothing. */
static void is_exact(uintptr_t addr)
{
	for (size_t i = 0; i < COUNT(marks); i++)
		ck_assert_int_eq(*(off_t *)(addr + marks[i] - OFFSET),
				 marks[i]);
	ck_assert(!is_mapped(addr - PAGE));
	ck_assert(is_mapped(addr + LENGTH - 3));
	ck_assert(!is_mapped(addr + round_up(LENGTH, PAGE)));
}

static struct mapping *map(struct request *req)
{
	struct range inner = inner_chunks(req->offset, req->length);
	void *p = mmap(NULL, inner.end - inner.start, READ_WRITE, MAP_SHARED,
		       req->fd, inner.start);
	static struct mapping m;
	struct reason why;

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(map_edges(req, p, inner, &m, &why), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	return &m;
}

START_TEST(inner_chunks_are_whole)
{
	struct range r = inner_chunks(OFFSET, LENGTH);

	ck_assert_uint_eq(r.start, 2 * G);
	ck_assert_uint_eq(r.end, 4 * G);
	r = inner_chunks(G, G);
	ck_assert_uint_eq(r.start, G);
	ck_assert_uint_eq(r.end, 2 * G);
	/* The last page need not be whole. */
	r = inner_chunks(G, G - 5);
	ck_assert_uint_eq(r.end, 2 * G);
	r = inner_chunks(G + PAGE, 2 * G - 2 * PAGE);
	ck_assert_uint_le(r.end, r.start);
}
END_TEST

START_TEST(anywhere)
{
	struct request req = {
		.length = LENGTH,
		.prot = READ_WRITE,
		.flags = MAP_SHARED,
		.fd = new_file(),
		.offset = OFFSET,
		.attr = &strict,
	};
	struct mapping *m = map(&req);

	ck_assert_uint_eq(m->addr % G, OFFSET % G);
	ck_assert_uint_eq(m->taken.start, m->addr);
	is_exact(m->addr);
}
END_TEST

static void put_page(uintptr_t addr)
{
	ck_assert_ptr_eq(mmap((void *)addr, PAGE, READ_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0),
			 (void *)addr);
}

/* The chunks around it need not be free. */
START_TEST(fixed)
{
	uintptr_t chunk = free_chunks(5), addr = chunk + G / 2;
	struct request req = {
		.addr = addr,
		.length = LENGTH,
		.prot = READ_WRITE,
		.flags = MAP_SHARED | MAP_FIXED,
		.fd = new_file(),
		.offset = OFFSET,
		.attr = &strict,
	};

	put_page(chunk);
	put_page(chunk + 3 * G + 2 * PAGE);
	ck_assert_uint_eq(map(&req)->addr, addr);
	is_exact(addr);
	ck_assert(is_mapped(chunk));
	ck_assert(is_mapped(chunk + 3 * G + 2 * PAGE));
}
END_TEST

START_TEST(edges_count_as_not_shared)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(4);
	struct mapping *m = add_guest(chunk, chunk + G / 2, LENGTH, -1, &none);

	cut_edges(m);
	ck_assert_uint_eq(m->taken.end, chunk + 4 * G);
	ck_assert(!m->guest->chunks[0].shared);
	ck_assert(m->guest->chunks[1].shared);
	ck_assert(m->guest->chunks[2].shared);
	ck_assert(!m->guest->chunks[3].shared);
}
END_TEST

/* Whatever backend serves it. */
START_TEST(asked_for)
{
	int fd = new_file();
	uintptr_t p = (uintptr_t)libshpt_map_attr(NULL, LENGTH, READ_WRITE,
						  MAP_SHARED, fd, OFFSET,
						  &strict, sizeof(strict));

	ck_assert_uint_ne(p, (uintptr_t)MAP_FAILED);
	for (size_t i = 0; i < COUNT(marks); i++)
		ck_assert_int_eq(*(off_t *)(p + marks[i] - OFFSET), marks[i]);
	ck_assert_int_eq(libshpt_unmap((void *)(p + PAGE), PAGE), 0);
	ck_assert_int_eq(libshpt_unmap((void *)p, LENGTH), 0);
	ck_assert(!is_mapped(p));
	ck_assert(!is_mapped(p + LENGTH - 3));
}
END_TEST

TCase *edges_tests(void)
{
	TCase *t = tcase_create("edges");

	tcase_add_test(t, inner_chunks_are_whole);
	tcase_add_test(t, anywhere);
	tcase_add_test(t, fixed);
	tcase_add_test(t, edges_count_as_not_shared);
	tcase_add_test(t, asked_for);
	return t;
}
