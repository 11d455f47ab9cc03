// SPDX-License-Identifier: GPL-2.0-or-later
/* lines.c - target: files by their lines, as the library reads them */
#include <string.h>

#include "fuzz.h"
#include "internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t all = 0;
	struct lines l;
	char *line, first[16];

	put("file", data, size);
	expect(read_line(fuzz_root(), "file", first, sizeof(first)));
	expect(strlen(first) < sizeof(first) && !strchr(first, '\n'));
	expect(!lines_open(&l, "file"));
	while ((line = lines_next(&l))) {
		expect(!strchr(line, '\n'));
		all += strlen(line) + 1;
	}
	/* A last line may lack its newline. */
	expect(all <= size + 1);
	lines_close(&l);
	return 0;
}
