// SPDX-License-Identifier: GPL-2.0-or-later
/* choose.c - target: the backend that LIBSHPT_BACKEND names */
#define _GNU_SOURCE
#include <stdlib.h>

#include "fuzz.h"

static char *word;

static char *given_word(const char *name)
{
	(void)name;
	return word;
}

#define secure_getenv given_word
#include "../../libshpt/choose.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct backend *asked;
	struct reason why = { 0 };

	word = text_of(data, size);
	if (read_environment(&asked, &why))
		expect(why.err && strstr(why.text, "LIBSHPT_BACKEND"));
	else
		expect(!asked || !strcmp(asked->name, word));
	free(word);
	return 0;
}
