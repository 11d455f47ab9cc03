// SPDX-License-Identifier: GPL-2.0-or-later
/* alone.c - runs the core without libnuma and libdaxctl: it maps all the same */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "unit.h"

START_TEST(maps)
{
	struct libshpt_info info;
	char *p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1,
			      0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	p[0] = 'x';
	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_int_eq(info.data_node, -1);
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
}
END_TEST

START_TEST(knows_no_nodes)
{
	struct libshpt_attr attr = { .node_policy = LIBSHPT_NODE_FIXED };

	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_eq(libshpt_map_attr(NULL, PAGE, READ_WRITE,
						  PLAIN | MAP_ANONYMOUS, -1, 0,
						  &attr, sizeof(attr)),
				 MAP_FAILED);
		ck_assert_int_eq(errno, EOPNOTSUPP);
		ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "libshpt.so"));
		attr.node_policy = LIBSHPT_NODE_LOCAL;
	}
}
END_TEST

START_TEST(brings_no_library)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		ck_assert_ptr_null(strstr(line, "libnuma"));
		ck_assert_ptr_null(strstr(line, "libdaxctl"));
	}
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libshpt alone");
	TCase *t = tcase_create("alone");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(t, maps);
	tcase_add_test(t, knows_no_nodes);
	tcase_add_test(t, brings_no_library);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
