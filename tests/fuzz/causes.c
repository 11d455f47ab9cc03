// SPDX-License-Identifier: GPL-2.0-or-later
/* causes.c - target: the causes of unlinks, of which each is a file */
#include "causes.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "region/unlinks_by/unmap",
					     "region/unlinks_by/exit", NULL };
	struct cause *causes;
	size_t n;

	put_parts(names, data, size);
	n = causes_read(fuzz_root(), "region", &causes);
	expect(n <= 2);
	causes_free(causes, n);
	return 0;
}
