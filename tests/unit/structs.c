// SPDX-License-Identifier: GPL-2.0-or-later
/* structs.c - tests of arguments, and of structs that grow on either side */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define MAX_OFFSET ((off_t)INT64_MAX)

static const struct {
	const char *says;
	uintptr_t addr;
	size_t length;
	int flags;
	int fd;
	off_t offset;
	int err;
} bad_arguments[] = {
	{ "length is 0", 0, 0, MAP_SHARED | MAP_ANONYMOUS, -1, 0, EINVAL },
	{ "exceeds", 0, SIZE_MAX, MAP_SHARED | MAP_ANONYMOUS, -1, 0, ENOMEM },
	{ "offset 1 ", 0, 1, MAP_SHARED, 0, 1, EINVAL },
	{ "offset -1 ", 0, 1, MAP_SHARED, 0, -1, EINVAL },
	{ "offset -4096", 0, 1, MAP_SHARED, 0, -4096, EOVERFLOW },
	{ "2^63", 0, 1, MAP_SHARED, 0, MAX_OFFSET - 4095, EOVERFLOW },
	{ "address 0x1001", 0x1001, 1, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
	  -1, 0, EINVAL },
	{ "address 0x1001", 0x1001, 1,
	  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0, EINVAL },
	{ "MAP_SHARED", 0, 1, MAP_ANONYMOUS, -1, 0, EINVAL },
	{ "descriptor -1", 0, 1, MAP_SHARED, -1, 0, EBADF },
	{ "descriptor 999", 0, 1, MAP_SHARED, 999, 0, EBADF },
};

START_TEST(bad_arguments_fail)
{
	void *p;

	errno = 0;
	p = libshpt_map((void *)bad_arguments[_i].addr,
			bad_arguments[_i].length, READ_WRITE,
			bad_arguments[_i].flags, bad_arguments[_i].fd,
			bad_arguments[_i].offset);
	ck_assert_ptr_eq(p, MAP_FAILED);
	ck_assert_int_eq(errno, bad_arguments[_i].err);
	ck_assert_msg(strstr(libshpt_errormsg(), bad_arguments[_i].says),
		      "\"%s\" does not say \"%s\"", libshpt_errormsg(),
		      bad_arguments[_i].says);
}
END_TEST

START_TEST(bad_ranges_are_not_unmapped)
{
	ck_assert_int_eq(libshpt_unmap((void *)1, PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "address 0x1 "));
	ck_assert_int_eq(libshpt_unmap((void *)PAGE, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_unmap((void *)PAGE, SIZE_MAX), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_unmap((void *)-PAGE, 2 * PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* A struct libshpt_attr of a later release. */
struct later_attr {
	struct libshpt_attr attr; /* cppcheck-suppress unusedStructMember */
	unsigned char rest[16];
};

static void *map_with(const void *attr, size_t size)
{
	errno = 0;
	return libshpt_map_attr(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS,
				-1, 0, attr, size);
}

START_TEST(attr_may_be_absent_or_as_compiled)
{
	struct libshpt_attr attr = { 0 };

	ck_assert_ptr_ne(map_with(NULL, 0), MAP_FAILED);
	ck_assert_ptr_ne(map_with(&attr, sizeof(attr)), MAP_FAILED);
}
END_TEST

START_TEST(attr_too_small)
{
	struct libshpt_attr attr = { 0 };

	ck_assert_ptr_eq(map_with(NULL, sizeof(attr)), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_eq(map_with(&attr, 0), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_eq(map_with(&attr, 7), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(attr_of_a_later_release)
{
	struct later_attr later = { 0 };

	ck_assert_ptr_ne(map_with(&later, sizeof(later)), MAP_FAILED);
	later.rest[15] = 1;
	ck_assert_ptr_eq(map_with(&later, sizeof(later)), MAP_FAILED);
	ck_assert_int_eq(errno, E2BIG);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "update"));
	/* Beyond the size that the caller gave nothing is read. */
	ck_assert_ptr_ne(map_with(&later, sizeof(later) - 1), MAP_FAILED);
}
END_TEST

START_TEST(attr_flags_unknown)
{
	struct libshpt_attr attr = { .flags = 1ULL << 63 };

	ck_assert_ptr_eq(map_with(&attr, sizeof(attr)), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "0x8000000000000000"));
}
END_TEST

START_TEST(require_shared_gets_no_ordinary_mapping)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };

	choose_freely();
	ck_assert_ptr_eq(map_with(&attr, sizeof(attr)), MAP_FAILED);
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "MAP_32BIT"));
}
END_TEST

START_TEST(require_shared_without_device)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	bool device = access(SHPT_DEVICE, R_OK | W_OK) == 0;
	void *p;

	choose_freely();
	p = libshpt_map_attr(NULL, PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0, &attr, sizeof(attr));
	ck_assert_int_eq(p != MAP_FAILED, device);
	if (!device)
		ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), SHPT_DEVICE));
}
END_TEST

struct later_info {
	struct libshpt_info info;
	unsigned char rest[16];
};

START_TEST(info_as_compiled)
{
	struct libshpt_info info;
	char *p;

	choose_freely();
	p = libshpt_map(NULL, PAGE + 1, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1,
			0);
	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(libshpt_info(p + PAGE, &info, sizeof(info)), 0);
	ck_assert_ptr_eq(info.addr, p);
	ck_assert_uint_eq(info.length, PAGE + 1);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_int_eq(info.why_errno, EOPNOTSUPP);
	ck_assert_uint_eq(info.chunk_bytes, 0);
	ck_assert_uint_eq(info.linked_bytes, 0);
	ck_assert_uint_eq(info.region_id, 0);
	ck_assert_ptr_nonnull(strstr(info.why, "MAP_32BIT"));
}
END_TEST

START_TEST(info_of_other_releases)
{
	struct later_info later;
	void *p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1,
			      0);

	memset(&later, 0xff, sizeof(later));
	ck_assert_int_eq(libshpt_info(p, &later.info, sizeof(later)), 0);
	for (size_t i = 0; i < sizeof(later.rest); i++)
		ck_assert_uint_eq(later.rest[i], 0);

	memset(&later, 0xff, sizeof(later));
	ck_assert_int_eq(libshpt_info(p, &later.info, 16), 0);
	ck_assert_uint_eq(later.info.length, PAGE);
	ck_assert_uint_eq(later.info.backend, UINT32_MAX);
}
END_TEST

START_TEST(info_of_nothing)
{
	struct libshpt_info info = { 0 };

	ck_assert_int_eq(libshpt_info(&info, &info, sizeof(info)), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(libshpt_info(&info, NULL, sizeof(info)), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_info(&info, &info, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(names_of_backends)
{
	ck_assert_str_eq(libshpt_backend_name(LIBSHPT_BACKEND_PLAIN), "plain");
	ck_assert_str_eq(libshpt_backend_name(LIBSHPT_BACKEND_SHPT), "shpt");
	ck_assert_str_eq(libshpt_backend_name(LIBSHPT_BACKEND_HUGETLB),
			 "hugetlb");
	ck_assert_str_eq(libshpt_backend_name(LIBSHPT_BACKEND_THP), "thp");
	ck_assert_str_eq(libshpt_backend_name(99), "unknown");
}
END_TEST

START_TEST(versions)
{
	char version[32];

	ck_assert_str_eq(libshpt_version(), PACKAGE_VERSION);
	snprintf(version, sizeof(version), "%d.%d.", LIBSHPT_VERSION_MAJOR,
		 LIBSHPT_VERSION_MINOR);
	ck_assert_int_eq(strncmp(PACKAGE_VERSION, version, strlen(version)), 0);
	ck_assert_int_eq(libshpt_check_version(LIBSHPT_VERSION_MAJOR,
					       LIBSHPT_VERSION_MINOR),
			 0);
	ck_assert_int_eq(libshpt_check_version(LIBSHPT_VERSION_MAJOR, 0), 0);
	ck_assert_int_eq(libshpt_check_version(LIBSHPT_VERSION_MAJOR,
					       LIBSHPT_VERSION_MINOR + 1),
			 -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), PACKAGE_VERSION));
	ck_assert_int_eq(libshpt_check_version(LIBSHPT_VERSION_MAJOR + 1, 0),
			 -1);
}
END_TEST

TCase *structs_tests(void)
{
	TCase *t = tcase_create("structs");

	tcase_add_loop_test(t, bad_arguments_fail, 0, COUNT(bad_arguments));
	tcase_add_test(t, bad_ranges_are_not_unmapped);
	tcase_add_test(t, attr_may_be_absent_or_as_compiled);
	tcase_add_test(t, attr_too_small);
	tcase_add_test(t, attr_of_a_later_release);
	tcase_add_test(t, attr_flags_unknown);
	tcase_add_test(t, require_shared_gets_no_ordinary_mapping);
	tcase_add_test(t, require_shared_without_device);
	tcase_add_test(t, info_as_compiled);
	tcase_add_test(t, info_of_other_releases);
	tcase_add_test(t, info_of_nothing);
	tcase_add_test(t, names_of_backends);
	tcase_add_test(t, versions);
	return t;
}
