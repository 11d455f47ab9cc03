// SPDX-License-Identifier: GPL-2.0-or-later
/* range.c - tests of the arithmetic of pages and chunks */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "unit.h"

#define G CHUNK_BYTES

static const struct {
	uintptr_t first;
	size_t length;
	struct range chunks;
} chunk_cases[] = {
	{ 0, 1, { 0, G } },
	{ 0, G, { 0, G } },
	{ 0, G + 1, { 0, 2 * G } },
	{ 1, G, { 0, 2 * G } },
	{ 4096, G - 4096, { 0, G } },
	{ 4096, G - 4095, { 0, 2 * G } },
	{ G - 1, 1, { 0, G } },
	{ G - 1, 2, { 0, 2 * G } },
	{ 5 * G, 3 * G, { 5 * G, 8 * G } },
	{ 5 * G + 8192, 3 * G, { 5 * G, 9 * G } },
	{ 1000 * G, 1, { 1000 * G, 1001 * G } },
};

START_TEST(chunks_hold_the_bytes)
{
	struct range r =
		whole_chunks(chunk_cases[_i].first, chunk_cases[_i].length);

	ck_assert_uint_eq(r.start, chunk_cases[_i].chunks.start);
	ck_assert_uint_eq(r.end, chunk_cases[_i].chunks.end);
}
END_TEST

START_TEST(no_chunks_beyond_the_last_address)
{
	struct range r = whole_chunks(UINTPTR_MAX - 4095, 4097);

	ck_assert_uint_le(r.end, r.start);
	r = whole_chunks(4096, SIZE_MAX - 4096);
	ck_assert_uint_le(r.end, r.start);
	r = whole_chunks(G - 1, SIZE_MAX);
	ck_assert_uint_le(r.end, r.start);
}
END_TEST

START_TEST(rounding_up)
{
	ck_assert_uint_eq(round_up(0, 4096), 0);
	ck_assert_uint_eq(round_up(1, 4096), 4096);
	ck_assert_uint_eq(round_up(4096, 4096), 4096);
	ck_assert_uint_eq(round_up(4097, 4096), 8192);
	ck_assert_uint_eq(round_up(SIZE_MAX, 4096), 0);
}
END_TEST

START_TEST(own_range_is_whole_pages)
{
	struct range r = own_pages(16 * PAGE, PAGE + 1);

	ck_assert_uint_eq(r.start, 16 * PAGE);
	ck_assert_uint_eq(r.end, 18 * PAGE);
}
END_TEST

START_TEST(fixed_is_either_flag)
{
	ck_assert(!is_fixed(&(struct request){ .flags = MAP_SHARED }));
	ck_assert(is_fixed(&(struct request){ .flags = MAP_FIXED }));
	ck_assert(is_fixed(&(struct request){ .flags = MAP_FIXED_NOREPLACE }));
}
END_TEST

TCase *range_tests(void)
{
	TCase *t = tcase_create("range");

	tcase_add_loop_test(t, chunks_hold_the_bytes, 0, COUNT(chunk_cases));
	tcase_add_test(t, no_chunks_beyond_the_last_address);
	tcase_add_test(t, rounding_up);
	tcase_add_test(t, own_range_is_whole_pages);
	tcase_add_test(t, fixed_is_either_flag);
	return t;
}
