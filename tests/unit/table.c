// SPDX-License-Identifier: GPL-2.0-or-later
/* table.c - tests of unmapping and replacing what takes whole chunks */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "unit.h"

#define G CHUNK_BYTES

static const struct libshpt_attr none;

static int count(void)
{
	struct mapping *m = NULL;
	int n = 0;

	table_lock();
	while ((m = table_next(m, (struct range){ 0, UINTPTR_MAX })))
		n++;
	table_unlock();
	return n;
}

START_TEST(own_length_unmaps_whole_chunks)
{
	uintptr_t chunk = free_chunks(2), own = chunk + 3 * PAGE;
	size_t length = G + 5;

	add_guest(chunk, own, length, -1, &none);
	/* The length as it was given, or rounded up to pages. */
	if (_i)
		length = round_up(length, PAGE);
	ck_assert_int_eq(libshpt_unmap((void *)own, length), 0);
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(own));
	ck_assert(!is_mapped(chunk + 2 * G - PAGE));
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(cutting_a_unit_is_refused)
{
	uintptr_t chunk = free_chunks(2), own = chunk + 3 * PAGE;

	add_mapping(own, G, G, &plain_backend);
	ck_assert_int_eq(libshpt_unmap((void *)own, G - PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "multiples of 1 GiB"));
	ck_assert_int_eq(libshpt_unmap((void *)(own + PAGE), G - PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_unmap((void *)(own + PAGE), PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	for (uintptr_t page = chunk; page < chunk + 5 * PAGE; page += PAGE)
		ck_assert(is_mapped(page));
	ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(whole_chunks_unmap_alone)
{
	uintptr_t chunk = free_chunks(3), own = chunk + 3 * PAGE;
	struct libshpt_info info;

	add_mapping(own, 2 * G, G, &plain_backend);
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + G), G), 0);
	ck_assert(is_mapped(chunk));
	ck_assert(is_mapped(chunk + G - PAGE));
	ck_assert(!is_mapped(chunk + G));
	ck_assert(!is_mapped(chunk + 2 * G - PAGE));
	ck_assert(is_mapped(chunk + 2 * G));

	ck_assert_int_eq(count(), 2);
	ck_assert_int_eq(libshpt_info((void *)own, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, G - 3 * PAGE);
	ck_assert_int_eq(
		libshpt_info((void *)(chunk + 2 * G), &info, sizeof(info)), 0);
	ck_assert_uint_eq((uintptr_t)info.addr, chunk + 2 * G);
	ck_assert_uint_eq(info.length, 3 * PAGE);

	/* Their own ends are still where the whole mapping's were. */
	ck_assert_int_eq(libshpt_unmap((void *)own, G - 3 * PAGE), 0);
	ck_assert(!is_mapped(chunk));
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + 2 * G), 3 * PAGE), 0);
	ck_assert(!is_mapped(chunk + 3 * G - PAGE));
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(edges_are_no_mapping)
{
	uintptr_t chunk = free_chunks(1), own = chunk + 3 * PAGE;
	struct libshpt_info info;

	add_mapping(own, PAGE, G, &plain_backend);
	ck_assert_int_eq(libshpt_info((void *)own, &info, sizeof(info)), 0);
	ck_assert_int_eq(libshpt_info((void *)(own - 1), &info, sizeof(info)),
			 -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(
		libshpt_info((void *)(own + PAGE), &info, sizeof(info)), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(each_byte_has_its_mapping)
{
	uintptr_t low = free_chunks(1), high = low + PAGE;
	struct libshpt_info info;

	add_mapping(low, PAGE, PAGE, &plain_backend);
	add_mapping(high, PAGE, PAGE, &plain_backend);
	for (uintptr_t addr = low; addr < high + PAGE; addr += PAGE / 4) {
		ck_assert_int_eq(
			libshpt_info((void *)addr, &info, sizeof(info)), 0);
		ck_assert_uint_eq((uintptr_t)info.addr, addr & ~(PAGE - 1));
	}
}
END_TEST

START_TEST(one_call_unmaps_neighbours)
{
	uintptr_t chunk = free_chunks(3);

	add_guest(chunk, chunk + PAGE, PAGE, -1, &none);
	add_guest(chunk + 2 * G, chunk + 2 * G + PAGE, PAGE, -1, &none);
	ck_assert_int_eq(libshpt_unmap((void *)(chunk + PAGE), 2 * G + PAGE),
			 0);
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(chunk + 3 * G - PAGE));
	ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(what_the_kernel_hands_out_again_is_forgotten)
{
	char *p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1,
			      0);
	struct libshpt_info info;

	ck_assert_int_eq(munmap(p, PAGE), 0);
	ck_assert_ptr_eq(
		libshpt_map(p, 2 * PAGE, READ_WRITE,
			    PLAIN | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		p);
	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, 2 * PAGE);
	ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(replacing_all_of_a_mapping_evicts_its_chunks)
{
	uintptr_t chunk = free_chunks(1), own = chunk + 3 * PAGE;

	add_guest(chunk, own, PAGE, -1, &none);
	ck_assert(table_evict(own_pages(own, PAGE)));
	ck_assert_int_eq(count(), 0);
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(own + PAGE));
	/* Still claimed, for the mapping that is to come. */
	ck_assert(is_mapped(own));
}
END_TEST

/* It stays readable until the fixed mapping comes. */
START_TEST(what_was_replaced_already_is_trimmed)
{
	uintptr_t chunk = free_chunks(1), own = chunk + 3 * PAGE;
	struct mapping *m = add_guest(chunk, own, PAGE, -1, &none);
	struct libshpt_info info;

	*(char *)own = 'x';
	m->guest->chunks[0].shared = false;
	ck_assert(table_evict(own_pages(own, PAGE)));
	ck_assert(!is_mapped(chunk));
	ck_assert(!is_mapped(own + PAGE));
	ck_assert_int_eq(*(char *)own, 'x');
	/* And known, for the fixed mapping may not come. */
	ck_assert_int_eq(libshpt_info((void *)own, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, PAGE);
	ck_assert_uint_eq(m->taken.start, own);
	ck_assert_uint_eq(m->taken.end, own + PAGE);
	ck_assert(!table_evict(own_pages(own, PAGE)));
}
END_TEST

START_TEST(replacing_a_part_of_a_mapping_evicts_nothing)
{
	uintptr_t chunk = free_chunks(1), own = chunk + 3 * PAGE;

	add_guest(chunk, own, 2 * PAGE, -1, &none);
	ck_assert(!table_evict(own_pages(own, PAGE)));
	ck_assert(!table_evict(own_pages(own + PAGE, PAGE)));
	ck_assert(!table_evict(own_pages(chunk, PAGE)));
	ck_assert_int_eq(count(), 1);
	ck_assert(is_mapped(chunk));
	ck_assert(is_mapped(own));
}
END_TEST

/* libcheck ends it if it looks at each chunk that there could be. */
START_TEST(ranges_can_be_huge)
{
	struct range part, rest = { PAGE, -PAGE };
	uintptr_t chunk = free_chunks(2);
	struct guest *sharing;
	struct mapping *m;

	fails(libshpt_protect((void *)PAGE, 0 - 3 * PAGE, PROT_READ), ENOMEM,
	      "not all");
	fails(libshpt_advise((void *)PAGE, 0 - 3 * PAGE, MADV_NORMAL), ENOMEM,
	      "not all");
	m = add_guest(chunk, chunk, 2 * G, -1, &none);
	m->guest->chunks[0].shared = false;
	part = next_part(rest, &sharing);
	ck_assert_ptr_null(sharing);
	ck_assert_uint_eq(part.end, chunk + G);
	rest.start = part.end + PAGE;
	part = next_part(rest, &sharing);
	ck_assert_ptr_eq(sharing, m->guest);
	ck_assert_uint_eq(part.end, chunk + 2 * G);
	rest.start = part.end;
	part = next_part(rest, &sharing);
	ck_assert_ptr_null(sharing);
	ck_assert_uint_eq(part.end, rest.end);
}
END_TEST

TCase *table_tests(void)
{
	TCase *t = tcase_create("table");

	tcase_add_loop_test(t, own_length_unmaps_whole_chunks, 0, 2);
	tcase_add_test(t, cutting_a_unit_is_refused);
	tcase_add_test(t, whole_chunks_unmap_alone);
	tcase_add_test(t, edges_are_no_mapping);
	tcase_add_test(t, each_byte_has_its_mapping);
	tcase_add_test(t, one_call_unmaps_neighbours);
	tcase_add_test(t, what_the_kernel_hands_out_again_is_forgotten);
	tcase_add_test(t, replacing_all_of_a_mapping_evicts_its_chunks);
	tcase_add_test(t, what_was_replaced_already_is_trimmed);
	tcase_add_test(t, replacing_a_part_of_a_mapping_evicts_nothing);
	tcase_add_test(t, ranges_can_be_huge);
	return t;
}
