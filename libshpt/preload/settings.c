// SPDX-License-Identifier: LGPL-2.1-or-later
/* settings.c - what the environment asks for, see libshpt-preload(1) */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "preload.h"

#define MIN_BYTES ((size_t)64 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct settings current;

/* A number with K, M or G; returns false if it is none. */
static bool parse_size(const char *text, size_t *bytes)
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
	if (errno || *end || n > SIZE_MAX >> shift)
		return false;
	*bytes = (size_t)n << shift;
	return true;
}

static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

static void read_environment(void)
{
	const char *backend = variable("LIBSHPT_BACKEND");
	const char *min = variable("LIBSHPT_MIN_SIZE");
	const char *verbose = variable("LIBSHPT_VERBOSE");

	current.inactive = getauxval(AT_SECURE);
	current.verbose = verbose && strcmp(verbose, "0") != 0;
	current.any_backend = backend && strcmp(backend, "shpt") != 0;
	current.backing = variable("LIBSHPT_BACKING");
	current.min_bytes = MIN_BYTES;
	if (min && !parse_size(min, &current.min_bytes))
		current.no_size = min;
}

/* At the start of the program, before it can change its environment; or at an
 * earlier call. */
__attribute__((constructor)) static void read_once(void)
{
	int saved = errno;

	pthread_once(&once, read_environment);
	errno = saved;
}

const struct settings *settings(void)
{
	read_once();
	return &current;
}
