// SPDX-License-Identifier: GPL-2.0-or-later
/* symbols.c - test of what libshpt.so exports: that, and nothing else */
#define _GNU_SOURCE
#include "exports.h"
#include "unit.h"

START_TEST(exports)
{
	static const char *const expected[] = {
		"LIBSHPT_0.1",
		"libshpt_adopt@@LIBSHPT_0.1",
		"libshpt_advise@@LIBSHPT_0.1",
		"libshpt_backend_name@@LIBSHPT_0.1",
		"libshpt_break@@LIBSHPT_0.1",
		"libshpt_check_file@@LIBSHPT_0.1",
		"libshpt_check_version@@LIBSHPT_0.1",
		"libshpt_errormsg@@LIBSHPT_0.1",
		"libshpt_info@@LIBSHPT_0.1",
		"libshpt_lock@@LIBSHPT_0.1",
		"libshpt_map@@LIBSHPT_0.1",
		"libshpt_map_attr@@LIBSHPT_0.1",
		"libshpt_next_region@@LIBSHPT_0.1",
		"libshpt_open@@LIBSHPT_0.1",
		"libshpt_populate@@LIBSHPT_0.1",
		"libshpt_protect@@LIBSHPT_0.1",
		"libshpt_reclaim@@LIBSHPT_0.1",
		"libshpt_register@@LIBSHPT_0.1",
		"libshpt_sync@@LIBSHPT_0.1",
		"libshpt_unlink@@LIBSHPT_0.1",
		"libshpt_unlock@@LIBSHPT_0.1",
		"libshpt_unmap@@LIBSHPT_0.1",
		"libshpt_unregister@@LIBSHPT_0.1",
		"libshpt_version@@LIBSHPT_0.1",
	};

	check_exports(LIBSHPT_SO, expected, COUNT(expected));
}
END_TEST

TCase *symbols_tests(void)
{
	TCase *t = tcase_create("symbols");

	tcase_add_test(t, exports);
	return t;
}
