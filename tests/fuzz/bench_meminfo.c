// SPDX-License-Identifier: GPL-2.0-or-later
/* bench_meminfo.c - target: /proc/meminfo as shpt-bench reads it */
#define _GNU_SOURCE
#include <stdio.h>

#include "fuzz.h"

static FILE *open_input(const char *path, const char *mode)
{
	(void)path;
	return fopen("meminfo", mode);
}

#define fopen open_input
#include "../../bench/tables.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put("meminfo", data, size);
	expect(page_tables_now() >= 0);
	return 0;
}
