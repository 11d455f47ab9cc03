// SPDX-License-Identifier: LGPL-2.1-or-later
/* version.c - which libshpt this is */
#include <errno.h>

#include "internal.h"

LIBSHPT_EXPORT const char *libshpt_version(void)
{
	return PACKAGE_VERSION;
}

LIBSHPT_EXPORT int libshpt_check_version(unsigned int major, unsigned int minor)
{
	struct reason why;

	if (major == LIBSHPT_VERSION_MAJOR && minor <= LIBSHPT_VERSION_MINOR)
		return 0;
	refuse(&why, ENOTSUP,
	       "the program needs libshpt %u.%u or a later %u, and this is %s: "
	       "install that, or build the program anew",
	       major, minor, major, PACKAGE_VERSION);
	return fail_with(&why);
}
