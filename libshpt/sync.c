// SPDX-License-Identifier: LGPL-2.1-or-later
/* sync.c - libshpt_sync() */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

static int refuse_sync(int err, struct range range, int flags,
		       struct reason *why)
{
	size_t bytes = range.end - range.start;

	switch (err) {
	case EINVAL:
		return refuse(why, err,
			      "flags %#x: pass either MS_SYNC or MS_ASYNC, "
			      "with MS_INVALIDATE or without",
			      flags);
	case ENOMEM:
		return refuse(why, err,
			      "not all of the %zu bytes at %#zx are mapped",
			      bytes, (size_t)range.start);
	}
	return refuse(why, err,
		      "msync of %zu bytes at %#zx: %m; what was written may "
		      "be lost",
		      bytes, (size_t)range.start);
}

/* The region's file hands it on to the backing. */
LIBSHPT_EXPORT int libshpt_sync(void *addr, size_t length, int flags)
{
	struct range range = own_pages((uintptr_t)addr, length);
	struct reason why;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	if (msync(addr, range.end - range.start, flags)) {
		refuse_sync(errno, range, flags, &why);
		return fail_with(&why);
	}
	return 0;
}
