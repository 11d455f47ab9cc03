// SPDX-License-Identifier: GPL-2.0-or-later
/* main.c - shptctl: show and steer the shpt module; the verbs have files */
#define _GNU_SOURCE
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shptctl.h"

const char *error_place;

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} verbs[] = {
	{ "list", list, "list the regions, their guests and what they save" },
	{ "show", show, "show one region, its hosts and its guests" },
	{ "metrics", metrics, "print all numbers for Prometheus" },
	{ "explain", explain,
	  "tell whether a machine, a process or a file can share, and why not" },
	{ "estimate", estimate,
	  "tell how much page-table memory sharing would save" },
	{ "register", register_region,
	  "keep the page tables of a file, with a name if you like" },
	{ "unregister", unregister_regions, "let go of them again" },
	{ "top", top, "watch regions and processes at work" },
	{ "populate", populate_region,
	  "fill the page tables of a region ahead of use" },
	{ "reclaim", reclaim, "give back page tables that map nothing" },
	{ "lock", lock_region, "keep the pages of a region in memory" },
	{ "unlock", unlock_region, "let them be swapped out again" },
	{ "set", set_region,
	  "change when a region's empty page tables go, and their nodes" },
	{ "restore", restore, "register the regions of " REGIONS_CONF },
	{ "exec", exec_program, "run a program that then shares" },
	{ "postgres", postgres, "have a PostgreSQL cluster share, or no longer" },
};
#define VERBS (sizeof(verbs) / sizeof(*verbs))

static const struct verb *verb;

static void print_error(const char *format, va_list args)
{
	char *text = vprint(format, args), *seen = plain(text);

	/* In order, where both go to the same place. */
	fflush(stdout);
	fprintf(stderr, "shptctl%s%s: %s%s%s\n", verb ? " " : "",
		verb ? verb->name : "", error_place ? error_place : "",
		error_place ? ": " : "", seen);
	free(seen);
	free(text);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
}

void die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
	exit(status);
}

static void flush_stdout(void)
{
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_FAILURE, "cannot write: %s", strerror(errno));
}

static void print_help(void)
{
	puts("Usage: shptctl VERB [OPTION...]\n"
	     "\n"
	     "Show and steer what the shpt kernel module does: it lets "
	     "processes that map the\nsame file share one set of page "
	     "tables.\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
	puts("\n'shptctl VERB --help' tells about each. See shptctl(8) and "
	     "shptctl-VERB(8).");
}

int main(int argc, char **argv)
{
	int status = EXIT_SUCCESS;

	/* What of a text can be seen, here and by others. */
	setlocale(LC_CTYPE, "");
	if (argc < 2)
		die(EXIT_USAGE, "which verb? See shptctl --help");
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(argv[1], verbs[i].name))
			verb = &verbs[i];

	if (verb) {
		/* What getopt(3) begins its messages with. */
		argv[1] = argv[0];
		status = verb->run(argc - 1, argv + 1);
	} else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
	} else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("shptctl " VERSION);
	} else {
		die(EXIT_USAGE, "unknown verb '%s'; see shptctl --help",
		    argv[1]);
	}
	flush_stdout();
	return status;
}
