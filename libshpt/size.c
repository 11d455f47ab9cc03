// SPDX-License-Identifier: LGPL-2.1-or-later
/* size.c - sizes as people write them */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* No larger than anything in an address space can be. */
bool parse_size(const char *text, size_t *bytes)
{
	static const char suffixes[] = "KMG";
	const char *suffix = NULL;
	unsigned long long n;
	int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end)
		suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (suffix) {
		shift = 10 * (int)(suffix - suffixes + 1);
		end++;
	}
	if (errno || *end || n > (size_t)PTRDIFF_MAX >> shift)
		return false;
	*bytes = (size_t)n << shift;
	return true;
}
