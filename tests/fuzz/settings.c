// SPDX-License-Identifier: GPL-2.0-or-later
/* settings.c - target: the environment of a program with libshpt-preload.so */
#include "../../libshpt/preload/settings.c"

#include <stdlib.h>

#include "fuzz.h"

static const char *const names[] = { "LIBSHPT_VERBOSE", "LIBSHPT_BACKEND",
				     "LIBSHPT_BACKING", "LIBSHPT_MIN_SIZE",
				     NULL };
static char *values[4];

char *__real_secure_getenv(const char *name)
{
	for (size_t i = 0; names[i]; i++)
		if (!strcmp(name, names[i]))
			return values[i];
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), *rest = text;

	for (size_t i = 0; names[i]; i++)
		values[i] = strsep(&rest, (char[]){ PART, '\0' });
	current = (struct settings){ 0 };
	read_environment();
	expect(!current.verbose || !current.tell_first);
	expect(!current.no_size || current.min_bytes == PRELOAD_MIN_BYTES);
	free(text);
	return 0;
}
