// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * settings.c - what the environment asks for, see libshpt-preload(1)
 *
 * It is copied, because programs write their titles over it, and not looked at
 * later, because another thread may be changing it then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "preload.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool known;
static struct settings current;
static char backend[80];

char *__real_secure_getenv(const char *name);
char *__wrap_secure_getenv(const char *name);

/* What the library's own objects get, by the linker (--wrap). */
char *__wrap_secure_getenv(const char *name)
{
	return strcmp(name, "LIBSHPT_BACKEND") ? __real_secure_getenv(name) :
						 backend;
}

/* What is too long ends up too long, or is the beginning of a wrong word. */
static const char *copy(const char *name, char *value, size_t size)
{
	snprintf(value, size, "%s", __real_secure_getenv(name) ?: "");
	return *value ? value : NULL;
}

static void read_environment(void)
{
	static char backing[PATH_MAX + 1], min[64], verbose[16];

	current.inactive = getauxval(AT_SECURE);
	copy("LIBSHPT_VERBOSE", verbose, sizeof(verbose));
	current.tell_first = strcmp(verbose, "first") == 0;
	current.verbose = *verbose && strcmp(verbose, "0") != 0 &&
			  !current.tell_first;
	current.any_backend =
		copy("LIBSHPT_BACKEND", backend, sizeof(backend)) &&
		strcmp(backend, "shpt") != 0;
	current.backing = copy("LIBSHPT_BACKING", backing, sizeof(backing));
	current.min_bytes = PRELOAD_MIN_BYTES;
	if (copy("LIBSHPT_MIN_SIZE", min, sizeof(min)) &&
	    !parse_size(min, &current.min_bytes))
		current.no_size = min;
	known = true;
}

/* At the start of the program, before it can change its environment; or at an
 * earlier call. */
__attribute__((constructor)) static void read_once(void)
{
	int saved = errno;

	pthread_once(&once, read_environment);
	errno = saved;
}

/* A program can call before there is an environment to be read, in what runs
 * before all constructors. */
const struct settings *settings(void)
{
	static const struct settings too_early = { .inactive = true };

	if (!known && !environ)
		return &too_early;
	read_once();
	return &current;
}
