/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exports.h - what a library exports, by nm(1) */
#ifndef EXPORTS_H
#define EXPORTS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

/* Those n symbols, in nm's order, and no others. */
static inline void check_exports(const char *library,
				 const char *const *expected, size_t n)
{
	char line[4096];
	size_t seen = 0;
	FILE *nm;

	snprintf(line, sizeof(line), "LC_ALL=C nm -D --defined-only -P '%s'",
		 library);
	nm = popen(line, "re");
	ck_assert_ptr_nonnull(nm);
	while (fgets(line, sizeof(line), nm)) {
		line[strcspn(line, " ")] = '\0';
		ck_assert_msg(seen < n, "%s is exported too", line);
		ck_assert_str_eq(line, expected[seen++]);
	}
	ck_assert_int_eq(pclose(nm), 0);
	ck_assert_uint_eq(seen, n);
}

#endif /* EXPORTS_H */
