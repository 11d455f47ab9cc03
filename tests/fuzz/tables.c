// SPDX-License-Identifier: GPL-2.0-or-later
/* tables.c - target: on which nodes a region's tables are, for the library */
#define _GNU_SOURCE
#include "fuzz.h"
#include "internal.h"

static int open_input(struct lines *l, const char *path)
{
	(void)path;
	return lines_open(l, "nodes");
}

#define lines_open open_input
#include "../../libshpt/shpt.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put("nodes", data, size);
	node_of_tables(7);
	return 0;
}
