// SPDX-License-Identifier: LGPL-2.1-or-later
/* errormsg.c - the sentence that a failed call leaves for people */
#include "internal.h"

static __thread char message[256];

LIBSHPT_EXPORT const char *libshpt_errormsg(void)
{
	return message;
}
