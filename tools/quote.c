// SPDX-License-Identifier: GPL-2.0-or-later
/* quote.c - words as sh(1) takes them, for what people are told to type */
#define _GNU_SOURCE
#include <stdlib.h>

#include "shptctl.h"

static const char harmless[] = "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789_.:/+-";

char *quote(const char *word)
{
	char *quoted, *to;

	if (*word && !word[strspn(word, harmless)])
		return print("%s", word);
	/* Each byte may become four. */
	quoted = to = malloc(4 * strlen(word) + sizeof("''"));
	if (!quoted)
		die(EXIT_FAILURE, "no memory");
	*to++ = '\'';
	for (; *word; word++) {
		if (*word == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *word;
	}
	*to++ = '\'';
	*to = '\0';
	return quoted;
}
