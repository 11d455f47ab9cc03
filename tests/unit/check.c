// SPDX-License-Identifier: GPL-2.0-or-later
/* check.c - tests of libshpt_check_file() and of the counting of extents */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define MIB ((uint64_t)1 << 20)

static const struct {
	const char *what;
	struct extent extents[4];
	size_t n;
	uint64_t mib;
	struct pieces p; /* all, misaligned, fragmented, holes */
} files[] = {
	{ "empty", { { 0 } }, 0, 0, { 0, 0, 0, 0 } },
	{ "less than a piece", { { 0, 0, MIB } }, 1, 1, { 0, 0, 0, 0 } },
	{ "as it should be",
	  { { 0, 8 * MIB, 6 * MIB } },
	  1,
	  6,
	  { 3, 0, 0, 0 } },
	{ "its end is no piece",
	  { { 0, 8 * MIB, 5 * MIB } },
	  1,
	  5,
	  { 2, 0, 0, 0 } },
	{ "allocated beyond its end",
	  { { 0, 8 * MIB, 64 * MIB } },
	  1,
	  4,
	  { 2, 0, 0, 0 } },
	{ "begins in between", { { 0, MIB, 6 * MIB } }, 1, 6, { 3, 3, 0, 0 } },
	{ "all hole", { { 0 } }, 0, 6, { 3, 0, 0, 3 } },
	{ "hole at the end", { { 0, 0, 2 * MIB } }, 1, 6, { 3, 0, 0, 2 } },
	{ "hole inside a piece", { { 0, 0, MIB } }, 1, 4, { 2, 0, 1, 1 } },
	{ "two fragments of a piece",
	  { { 0, 0, MIB }, { MIB, 9 * MIB, MIB } },
	  2,
	  2,
	  { 1, 0, 1, 0 } },
	{ "the second joins pieces",
	  { { 0, 0, MIB }, { MIB, 9 * MIB, 4 * MIB }, { 5 * MIB, 0, MIB } },
	  3,
	  6,
	  { 3, 0, 2, 0 } },
	{ "one of each kind",
	  { { 0, 0, 2 * MIB },
	    { 2 * MIB, 5 * MIB, 2 * MIB },
	    { 4 * MIB, 20 * MIB, MIB } },
	  3,
	  8,
	  { 4, 1, 1, 1 } },
};

START_TEST(counting)
{
	struct pieces p = count_pieces(files[_i].extents, files[_i].n,
				       files[_i].mib * MIB);

	ck_assert_msg(
		memcmp(&p, &files[_i].p, sizeof(p)) == 0,
		"%s: %llu misaligned, %llu fragmented, %llu holes of %llu",
		files[_i].what, (unsigned long long)p.misaligned,
		(unsigned long long)p.fragmented, (unsigned long long)p.holes,
		(unsigned long long)p.all);
}
END_TEST

/* Data here and there in a real file, where its file system tells. */
START_TEST(reading)
{
	char name[] = "unit-XXXXXX", data[4096] = "x";
	int fd = mkstemp(name);
	struct extent *extents;
	uint64_t bytes = 0;
	size_t n;

	ck_assert_int_eq(unlink(name), 0);
	/* More than are asked for at once. */
	for (off_t i = 0; i < 300; i++)
		ck_assert_int_eq(pwrite(fd, data, sizeof(data), i * 65536),
				 sizeof(data));
	if (read_extents(fd, &extents, &n)) {
		ck_assert_int_eq(errno, EOPNOTSUPP);
		return;
	}
	ck_assert_uint_gt(n, 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			ck_assert_uint_ge(extents[i].logical,
					  extents[i - 1].logical +
						  extents[i - 1].length);
		bytes += extents[i].length;
	}
	ck_assert_uint_ge(bytes, 300 * sizeof(data));
	ck_assert_uint_le(bytes, 300 * 65536UL);
	free(extents);
	close(fd);
}
END_TEST

START_TEST(arguments)
{
	char advice[LIBSHPT_ADVICE_BYTES] = "as it was";

	ck_assert_int_eq(libshpt_check_file(NULL, advice, sizeof(advice)), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_check_file("/dev/null", NULL, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(libshpt_check_file("/dev/null", advice, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(
		libshpt_check_file("/dev/dax99.9", advice, sizeof(advice)), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "/dev/dax99.9"));
	ck_assert_int_eq(libshpt_check_file("/dev", advice, sizeof(advice)),
			 -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(
		libshpt_check_file("/dev/null", advice, sizeof(advice)), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_str_eq(advice, "as it was");
}
END_TEST

START_TEST(file_without_dax)
{
	char name[] = "unit-XXXXXX", advice[LIBSHPT_ADVICE_BYTES];
	int fd = mkstemp(name);
	bool other = file_kind(fd) == FILE_OTHER;
	int found = libshpt_check_file(name, advice, sizeof(advice));

	ck_assert_int_eq(unlink(name), 0);
	close(fd);
	ck_assert_int_ge(found, 0);
	ck_assert_int_eq(found, advice[0] != '\0');
	if (!other)
		return;
	ck_assert_int_eq(found, 1);
	ck_assert_ptr_nonnull(strstr(advice, "without DAX"));
}
END_TEST

/* One that cannot be huge, and one that is; as much as there is room for. */
START_TEST(memory)
{
	char advice[LIBSHPT_ADVICE_BYTES] = "", path[64];
	int fd = new_memfd(0, 0), found;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	found = libshpt_check_file(path, advice, sizeof(advice));
	ck_assert_int_eq(found, advice[0] != '\0');
	if (found)
		ck_assert_ptr_nonnull(strstr(advice, "shmem_enabled"));
	ck_assert_int_eq(libshpt_check_file(path, advice, 2), found);
	ck_assert_uint_eq(strlen(advice), found);
	close(fd);

	fd = memfd_create("unit", MFD_CLOEXEC | MFD_HUGETLB);
	ck_assert_int_ge(fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(libshpt_check_file(path, advice, sizeof(advice)), 0);
	ck_assert_str_eq(advice, "");
	close(fd);
}
END_TEST

TCase *check_tests(void)
{
	TCase *t = tcase_create("check");

	tcase_add_loop_test(t, counting, 0, COUNT(files));
	tcase_add_test(t, reading);
	tcase_add_test(t, arguments);
	tcase_add_test(t, file_without_dax);
	tcase_add_test(t, memory);
	return t;
}
