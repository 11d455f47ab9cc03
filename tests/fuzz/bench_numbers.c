// SPDX-License-Identifier: GPL-2.0-or-later
/* bench_numbers.c - target: sizes and numbers as shpt-bench takes them */
#include <stdlib.h>

#include "../../bench/bench.h"
#include "fuzz.h"

static void parse(void *arg)
{
	uint64_t n = parse_number("rounds", arg, 2, 4096);

	expect(n >= 2 && n <= 4096);
}

static void parse_bytes(void *arg)
{
	uint64_t bytes = parse_file_size(arg);

	expect(bytes && bytes <= INT64_MAX && bytes % PMD_BYTES == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);

	returns(parse, text);
	returns(parse_bytes, text);
	free(text);
	return 0;
}
