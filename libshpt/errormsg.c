// SPDX-License-Identifier: LGPL-2.1-or-later
/* errormsg.c - reasons, and the sentence that a failed call leaves for people */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static __thread char message[sizeof(((struct reason *)0)->text)];

/* Fills in a reason and returns -1. In @format, %m is the text of @err. */
int refuse(struct reason *why, int err, const char *format, ...)
{
	va_list args;

	why->err = errno = err;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return -1;
}

/* How every failed call of the library ends. */
int fail_with(const struct reason *why)
{
	snprintf(message, sizeof(message), "%s", why->text);
	errno = why->err;
	return -1;
}

LIBSHPT_EXPORT const char *libshpt_errormsg(void)
{
	return message;
}
