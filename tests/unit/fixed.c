// SPDX-License-Identifier: GPL-2.0-or-later
/* fixed.c - tests of MAP_FIXED and MAP_FIXED_NOREPLACE */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

/* One page in the middle of the two chunks around it. */
#define OWN(chunk) ((struct range){ (chunk) + PAGE, (chunk) + 2 * PAGE })
#define WHOLE(chunk) ((struct range){ (chunk), (chunk) + CHUNK_BYTES })

static void put_page(uintptr_t addr)
{
	ck_assert_ptr_ne(mmap((void *)addr, PAGE, READ_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0),
			 MAP_FAILED);
}

START_TEST(edges_are_claimed)
{
	uintptr_t chunk = free_chunks(1);
	struct range own = OWN(chunk);

	ck_assert_int_eq(claim_around(WHOLE(chunk), own), 0);
	ck_assert(is_mapped(chunk));
	ck_assert(!is_mapped(own.start));
	ck_assert(is_mapped(own.end));
	ck_assert(is_mapped(chunk + CHUNK_BYTES - PAGE));
}
END_TEST

START_TEST(own_range_may_be_in_use)
{
	uintptr_t chunk = free_chunks(1);
	struct range own = OWN(chunk);

	put_page(own.start);
	*(char *)own.start = 'x';
	ck_assert_int_eq(claim_around(WHOLE(chunk), own), 0);
	ck_assert_int_eq(*(char *)own.start, 'x');
}
END_TEST

START_TEST(an_edge_in_use_leaves_nothing_claimed)
{
	uintptr_t chunk = free_chunks(1);
	struct range own = OWN(chunk);
	uintptr_t used = _i ? chunk : chunk + CHUNK_BYTES - PAGE;

	put_page(used);
	*(char *)used = 'x';
	ck_assert_int_eq(claim_around(WHOLE(chunk), own), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(*(char *)used, 'x');
	ck_assert_int_eq(is_mapped(chunk), used == chunk);
	ck_assert(!is_mapped(own.end));
}
END_TEST

START_TEST(whole_chunks_have_no_edges)
{
	uintptr_t chunk = free_chunks(1);

	ck_assert_int_eq(claim_around(WHOLE(chunk), WHOLE(chunk)), 0);
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(chunk + CHUNK_BYTES - PAGE));
}
END_TEST

START_TEST(fixed_replaces)
{
	uintptr_t addr = free_chunks(1) + PAGE;
	struct libshpt_info info;

	ck_assert_ptr_eq(libshpt_map((void *)addr, 3 * PAGE, READ_WRITE,
				     PLAIN | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 (void *)addr);
	strcpy((char *)addr, "old");
	strcpy((char *)(addr + PAGE), "old");
	ck_assert_ptr_eq(libshpt_map((void *)(addr + PAGE), PAGE, READ_WRITE,
				     PLAIN | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 (void *)(addr + PAGE));
	ck_assert_str_eq((char *)addr, "old");
	ck_assert_str_eq((char *)(addr + PAGE), "");

	/* The old mapping is now two, with the new one between. */
	for (int i = 0; i < 3; i++) {
		void *page = (void *)(addr + i * PAGE);

		ck_assert_int_eq(libshpt_info(page, &info, sizeof(info)), 0);
		ck_assert_ptr_eq(info.addr, page);
		ck_assert_uint_eq(info.length, PAGE);
	}
}
END_TEST

/* What it replaced is gone, and so is what it was to be. */
START_TEST(fixed_and_not_as_asked)
{
	static const struct libshpt_attr filled = { .flags = LIBSHPT_POPULATE };
	int empty = new_memfd(0, 0);
	struct libshpt_info info;
	char *p = libshpt_map(NULL, 3 * PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS,
			      -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_ptr_eq(libshpt_map_attr(p + PAGE, PAGE, READ_WRITE,
					  PLAIN | MAP_FIXED, empty, 0, &filled,
					  sizeof(filled)),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert(!is_mapped((uintptr_t)p + PAGE));
	ck_assert_int_eq(libshpt_info(p + PAGE, &info, sizeof(info)), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, PAGE);
	ck_assert_int_eq(libshpt_info(p + 2 * PAGE, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, PAGE);
	close(empty);
}
END_TEST

START_TEST(noreplace_replaces_nothing)
{
	uintptr_t addr = free_chunks(1) + PAGE;
	int flags = PLAIN | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	ck_assert_ptr_eq(
		libshpt_map((void *)addr, PAGE, READ_WRITE, flags, -1, 0),
		(void *)addr);
	strcpy((char *)addr, "old");
	ck_assert_ptr_eq(libshpt_map((void *)addr, 1, READ_WRITE, flags, -1, 0),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_str_eq((char *)addr, "old");
}
END_TEST

START_TEST(address_and_offset_must_agree_to_share)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	int fd = new_memfd(4 * PAGE, 0);
	uintptr_t addr = free_chunks(1) + PAGE;
	struct libshpt_info info;

	choose_freely();
	ck_assert_ptr_eq(libshpt_map((void *)addr, PAGE, READ_WRITE,
				     MAP_SHARED | MAP_FIXED, fd, 2 * PAGE),
			 (void *)addr);
	ck_assert_int_eq(libshpt_info((void *)addr, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_int_eq(info.why_errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(info.why, "modulo 1 GiB"));

	ck_assert_ptr_eq(libshpt_map_attr((void *)addr, PAGE, READ_WRITE,
					  MAP_SHARED | MAP_FIXED, fd, 2 * PAGE,
					  &attr, sizeof(attr)),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(is_mapped(addr));
}
END_TEST

TCase *fixed_tests(void)
{
	TCase *t = tcase_create("fixed");

	tcase_add_test(t, edges_are_claimed);
	tcase_add_test(t, own_range_may_be_in_use);
	tcase_add_loop_test(t, an_edge_in_use_leaves_nothing_claimed, 0, 2);
	tcase_add_test(t, whole_chunks_have_no_edges);
	tcase_add_test(t, fixed_replaces);
	tcase_add_test(t, fixed_and_not_as_asked);
	tcase_add_test(t, noreplace_replaces_nothing);
	tcase_add_test(t, address_and_offset_must_agree_to_share);
	return t;
}
