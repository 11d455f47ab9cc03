// SPDX-License-Identifier: GPL-2.0-or-later
/* obstacles.c - target: the settings of a server that keep it from sharing */
#include "../../tools/obstacles.c" /* what looks at them is nobody else's */

#include "fuzz.h"

static const char *const names[] = { "etc/postgresql.conf",
				     "proc/sys/vm/nr_hugepages",
				     "proc/sys/vm/nr_overcommit_hugepages",
				     "min_size", NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *(*const of_settings[])(const struct cluster *,
					    const struct preload *) = {
		check_huge_pages, check_memory_type, check_size
	};
	struct cluster c = { .root = fuzz_root(),
			     .id = "15/main",
			     .version = "15",
			     .name = "main",
			     .dir = "etc" };
	struct preload p = { 0 };
	struct stat st;
	char *min_size;

	put_parts(names, data, size);
	min_size = file_text(c.root, "min_size", 0, &st);
	p.values[PRELOAD_MIN_SIZE] = min_size;
	for (size_t i = 0; i < sizeof(of_settings) / sizeof(*of_settings); i++)
		free(of_settings[i](&c, &p));
	free(min_size);
	return 0;
}
