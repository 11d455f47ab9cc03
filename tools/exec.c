// SPDX-License-Identifier: GPL-2.0-or-later
/* exec.c - shptctl exec: run a program with libshpt-preload.so */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

/* As env(1) has them. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

static const char help[] =
"Usage: shptctl exec [OPTION...] [--] COMMAND [ARGUMENT...]\n"
"       shptctl exec [OPTION...] --dry-run\n"
"\n"
"Run a program that knows nothing of shpt with libshpt-preload.so, which has its\n"
"large shared mappings share page tables; see libshpt-preload(1).\n"
"\n"
PRELOAD_HELP
"      --dry-run        run nothing, print the environment, quoted for sh(1):\n"
"                       set -a; eval \"$(shptctl exec --dry-run)\"; set +a\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: that of the program; 127 if it is not found, 126 if it cannot be\n"
"run; 1 an error; 2 wrong usage.\n"
"\n"
"See shptctl-exec(8).\n";

static void print_environment(const struct preload *p)
{
	for (size_t i = 0; i < PRELOAD_VARIABLES; i++) {
		char *value = p->values[i] ? quote(p->values[i]) : NULL;

		if (value)
			printf("%s=%s\n", preload_variables[i], value);
		free(value);
	}
}

_Noreturn static void run(const struct preload *p, char **argv)
{
	for (size_t i = 0; i < PRELOAD_VARIABLES; i++)
		if (p->values[i] &&
		    setenv(preload_variables[i], p->values[i], 1))
			die(EXIT_FAILURE, "no memory");
	execvp(argv[0], argv);
	die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN,
	    "cannot run %s: %s", argv[0], strerror(errno));
}

int exec_program(int argc, char **argv)
{
	enum { DRY_RUN = 256 };
	static const struct option options[] = {
		PRELOAD_OPTIONS,
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct preload p = { 0 };
	bool dry_run = false;
	int c;

	/* The options behind the program are its own. */
	while ((c = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (c) {
		case DRY_RUN:
			dry_run = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!preload_option(&p, c, optarg))
				die(EXIT_USAGE, "see shptctl exec --help");
		}
	}
	if (optind == argc && !dry_run)
		die(EXIT_USAGE, "which program? See shptctl exec --help");

	preload_find_folder(&p, "/");
	preload_add_library(&p, getenv("LD_PRELOAD"));
	if (!dry_run)
		run(&p, argv + optind);
	print_environment(&p);
	return EXIT_SUCCESS;
}
