// SPDX-License-Identifier: GPL-2.0-or-later
/* thp.c - target: the machine's settings for huge pages of shared memory */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

/* The files come from elsewhere, by their sizes of pages. */
static bool read_input(int dir, const char *file, char *line, size_t size)
{
	(void)dir;
	return read_line(fuzz_root(), strstr(file, "2048kB") ? "2048kB" : "all",
			 line, size);
}

#define read_line read_input
#include "../../libshpt/thp.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "all", "2048kB", NULL };
	struct reason why = { 0 };

	put_parts(names, data, size);
	if (check_huge_shmem(-1, &why))
		expect(why.err && *why.text);
	return 0;
}
