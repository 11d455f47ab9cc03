// SPDX-License-Identifier: GPL-2.0-or-later
/* choose.c - target: the backend that LIBSHPT_BACKEND names */
#define _GNU_SOURCE
#include <stdlib.h>

#include "fuzz.h"

static char *given;

static char *environment(const char *name)
{
	(void)name;
	return given;
}

#define secure_getenv environment
#include "../../libshpt/choose.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct backend *asked;
	struct reason why = { 0 };

	given = text_of(data, size);
	if (read_environment(&asked, &why))
		expect(why.err && strstr(why.text, "LIBSHPT_BACKEND"));
	else
		expect(!asked || !strcmp(asked->name, given));
	free(given);
	return 0;
}
