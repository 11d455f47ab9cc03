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
	if (!*word)
		return word;
	for (size_t i = 0; backends[i]; i++)
		if (!strcmp(word, backends[i]->name))
			return word;
	die(EXIT_USAGE, "'%s' is no backend: shpt, hugetlb, thp or plain",
	    word);
}

static const char *checked_size(const char *text)
{
	size_t bytes;

	if (!*text || parse_size(text, &bytes))
		return text;
	die(EXIT_USAGE,
	    "'%s' is no size, or too large: write a number, or one with K, M "
	    "or G, such as 64M",
	    text);
}

void preload_find_folder(struct preload *p, const char *root)
{
	const char *path = p->values[PRELOAD_BACKING];
	bool is_copy = strcmp(root, "/") != 0;
	char *folder, *there;
	struct stat st;

	if (!path || !*path)
		return;
	folder = is_copy ? print("/%s", below_root(path)) :
			   realpath(path, NULL);
	there = is_copy && folder ? print("%s%s", root, folder) : folder;
	if (!there || stat(there, &st))
		die(EXIT_USAGE, "--backing %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		die(EXIT_USAGE, "--backing %s is no folder: name one", path);
	for (const char *c = folder; *c; c++)
		if (iscntrl((unsigned char)*c))
			die(EXIT_USAGE,
			    "--backing: a path with a newline or another "
			    "control character cannot be written into a file "
			    "of settings: name another folder");
	if (is_copy)
		free(there);
	p->values[PRELOAD_BACKING] = folder;
}

static const char *checked_verbosity(const char *word)
{
	static const char *const words[] = { "", "0", "1", "first" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return word;
	die(EXIT_USAGE, "--verbose is 1, first or 0, and not '%s'", word);
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
		p->values[PRELOAD_BACKING] = arg;
		return true;
	case PRELOAD_VERBOSE:
		p->values[PRELOAD_VERBOSE] = checked_verbosity(arg ?: "1");
		return true;
	default:
		return false;
	}
}

_Noreturn static void die_missing(int err)
{
	int root = sysroot_open("/");

	die(EXIT_FAILURE, INSTALLED ": %s; run: %s", strerror(err),
	    has_packages(root) ?
		    "apt-get install --reinstall libshpt-preload" :
		    "make install  # in the sources of shpt");
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
		die_missing(errno);
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
