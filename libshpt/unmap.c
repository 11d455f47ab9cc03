// SPDX-License-Identifier: LGPL-2.1-or-later
/* unmap.c - libshpt_unmap() */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

static int unmap_range(struct range range, struct mapping *spare,
		       struct reason *why)
{
	if (make_cuttable(&range, why))
		return -1;
	if (munmap((void *)range.start, range.end - range.start)) {
		refuse(why, errno, "munmap of %#zx-%#zx: %m",
		       (size_t)range.start, (size_t)range.end);
		return -1;
	}
	table_cut(range, spare);
	return 0;
}

LIBSHPT_EXPORT int libshpt_unmap(void *addr, size_t length)
{
	struct mapping *spare;
	struct reason why;
	int err;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	spare = malloc(sizeof(*spare));
	if (!spare) {
		refuse(&why, ENOMEM, "no memory for the table of mappings");
		return fail_with(&why);
	}
	table_lock();
	err = unmap_range(own_pages((uintptr_t)addr, length), spare, &why);
	table_unlock();
	if (err) {
		free(spare);
		return fail_with(&why);
	}
	return 0;
}
