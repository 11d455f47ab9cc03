// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * path.c - open a file by a path that may lead to another one by now
 *
 * Whoever may write to a folder in the path decides where it leads to, and some
 * devices act when they are only opened. So what is there is found first, the
 * caller looks at it, and then that very file is opened.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

#include "internal.h"

/* A descriptor for looking at it, of which nothing hears; -1 with errno. */
int path_find(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

/* What path_find() has found, for @access; -1 with errno. */
int path_open(int found, int access)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	return open(link, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}
