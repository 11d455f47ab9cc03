// SPDX-License-Identifier: GPL-2.0-or-later
/* preload.c - the environment that has a program share, see libshpt-preload(1) */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

/* Where it is after "make install", and in a build tree from tools/ on. */
#define INSTALLED LIBDIR "/libshpt-preload.so"
#define BUILT "../libshpt/.libs/libshpt-preload.so"

const char *const preload_variables[PRELOAD_VARIABLES] = {
	[PRELOAD_LIBRARY] = "LD_PRELOAD",
	[PRELOAD_BACKEND] = "LIBSHPT_BACKEND",
	[PRELOAD_MIN_SIZE] = "LIBSHPT_MIN_SIZE",
	[PRELOAD_BACKING] = "LIBSHPT_BACKING",
	[PRELOAD_VERBOSE] = "LIBSHPT_VERBOSE",
};

static const char *checked_backend(const char *word)
{
	for (size_t i = 0; backends[i]; i++)
		if (!strcmp(word, backends[i]->name))
			return word;
	die(EXIT_USAGE, "'%s' is no backend: shpt, hugetlb, thp or plain",
	    word);
}

static const char *checked_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;

	if (digits && (!*unit || (strchr("kKmMgG", *unit) && !unit[1])))
		return text;
	die(EXIT_USAGE,
	    "'%s' is no size: a number, or one with K, M or G, such as 64M",
	    text);
}

/* Where the program will look, whatever folder it is in by then. */
static const char *checked_folder(const char *path)
{
	char *folder = realpath(path, NULL);

	if (!folder)
		die(EXIT_USAGE, "--backing %s: %s", path, strerror(errno));
	return folder;
}

bool preload_option(struct preload *p, int option, const char *arg)
{
	switch (option - PRELOAD_OPTION) {
	case PRELOAD_BACKEND:
		p->values[PRELOAD_BACKEND] = checked_backend(arg);
		return true;
	case PRELOAD_MIN_SIZE:
		p->values[PRELOAD_MIN_SIZE] = checked_size(arg);
		return true;
	case PRELOAD_BACKING:
		p->values[PRELOAD_BACKING] = checked_folder(arg);
		return true;
	case PRELOAD_VERBOSE:
		p->values[PRELOAD_VERBOSE] = "1";
		return true;
	default:
		return false;
	}
}

char *preload_library(void)
{
	char *self = realpath("/proc/self/exe", NULL);
	char *path = NULL, *built;

	if (self) {
		*strrchr(self, '/') = '\0';
		built = print("%s/" BUILT, self);
		path = realpath(built, NULL);
		free(built);
		free(self);
	}
	if (!path)
		path = realpath(INSTALLED, NULL);
	if (!path)
		die(EXIT_FAILURE,
		    INSTALLED ": %s; run: make install  # in the sources of "
			      "shpt",
		    strerror(errno));
	if (strpbrk(path, ": \t\n"))
		die(EXIT_FAILURE,
		    "LD_PRELOAD takes no blank and no colon, as in %s: install "
		    "shpt elsewhere",
		    path);
	return path;
}

void preload_add_library(struct preload *p, const char *others)
{
	char *path = preload_library();

	p->values[PRELOAD_LIBRARY] =
		others && *others ? print("%s:%s", others, path) : path;
}
