// SPDX-License-Identifier: GPL-2.0-or-later
/* adopt.c - target: what /proc/self/maps and smaps say of a mapping */
#define _GNU_SOURCE
#include <string.h>

#include "fuzz.h"
#include "internal.h"

/* The file comes from elsewhere: /proc/self/maps is ./maps. */
static int open_input(struct lines *l, const char *path)
{
	return lines_open(l, path + strlen("/proc/self/"));
}

static enum file_kind kind_of(int fd)
{
	return fd < 0 ? FILE_OTHER : FILE_FSDAX;
}

#define lines_open open_input
#define file_kind(fd) kind_of(fd)
#include "../../libshpt/adopt.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "maps", "smaps", NULL };
	const struct range range = { 0x7f0040001000, 0x7f0040003000 };
	struct line line = { 0 };
	struct reason why;

	put_parts(names, data, size);
	if (find_line(range, &line, &why))
		return 0;
	expect(line.range.start <= range.start && range.end <= line.range.end);
	check_line(&line, range.start, &why);
	is_mapped_sync(&line, 0);
	return 0;
}
