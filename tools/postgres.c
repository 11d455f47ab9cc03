// SPDX-License-Identifier: GPL-2.0-or-later
/* postgres.c - shptctl postgres: have a Debian cluster share page tables */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl postgres enable|disable|status [OPTION...] VERSION/CLUSTER\n"
"\n"
"Have the processes of a PostgreSQL cluster, as Debian's packages set it up,\n"
"share the page tables of its shared memory from its next start on (enable), or\n"
"no longer (disable), by lines in its file \"environment\"; or tell how it is with\n"
"the server that runs (status).\n"
"\n"
"Options of enable and disable:\n"
"      --dry-run        change nothing, print what would be\n"
"Options of enable, see libshpt-preload(1); without --verbose one line in the\n"
"server's log says what it got at its start:\n"
PRELOAD_HELP
"Options of status:\n"
"  -J, --json           print JSON\n"
"Options of all:\n"
"      --sysroot DIR    look at, and change, the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 done, even if something else is still in the way; 1 an error; 2\n"
"wrong usage.\n";

static void print_lines(char sign, const char *text)
{
	char *copy = print("%s", text ? text : ""), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("%c%s\n", sign, line);
	free(copy);
}

/* Returns whether there was anything to do. */
static bool change(const struct cluster *c, const struct environment *e,
		   const char *block, bool dry_run)
{
	char *text = environment_with(e, block);
	bool changes = strcmp(text, e->text);

	if (changes && dry_run) {
		printf("/%s:\n", e->path);
		print_lines('-', e->block);
		print_lines('+', block);
	} else if (changes) {
		environment_replace(e, c, text);
		printf("/%s: written\n", e->path);
	} else {
		printf("/%s: nothing to change\n", e->path);
	}
	free(text);
	return changes;
}

static void print_obstacles(const struct cluster *c)
{
	char *obstacles[OBSTACLES];
	size_t n = cluster_obstacles(c, obstacles);

	if (n)
		puts("Still in the way:");
	for (size_t i = 0; i < n; i++) {
		printf("  %s\n", obstacles[i]);
		free(obstacles[i]);
	}
}

/* From the lines of the file that are not ours. */
static char *own_value(const struct cluster *c, const struct environment *e,
		       int variable)
{
	return conf_value(c->root, e->path, e->own,
			  preload_variables[variable]);
}

static void enable(const struct cluster *c, const struct environment *e,
		   struct preload *p, bool dry_run)
{
	char *restart = cluster_restart(c), *block;

	preload_add_library(p, own_value(c, e, PRELOAD_LIBRARY));
	if (!p->values[PRELOAD_VERBOSE] && !own_value(c, e, PRELOAD_VERBOSE))
		p->values[PRELOAD_VERBOSE] = "first";
	block = environment_block(p);
	change(c, e, block, dry_run);
	free(block);
	print_obstacles(c);
	printf("It takes effect with: %s\n", restart);
	free(restart);
}

static void disable(const struct cluster *c, const struct environment *e,
		    bool dry_run)
{
	char *restart = cluster_restart(c);

	if (change(c, e, NULL, dry_run) && c->postmaster)
		printf("It takes effect with: %s\n", restart);
	free(restart);
}

struct arguments {
	const char *verb;
	const char *cluster;
	const char *root;
	bool dry_run;
	bool json;
	bool preload; /* any of its options */
};

static void check_arguments(const struct arguments *a)
{
	bool enables = !strcmp(a->verb, "enable");
	bool disables = !strcmp(a->verb, "disable");

	if (!enables && !disables && strcmp(a->verb, "status"))
		die(EXIT_USAGE,
		    "'%s' is neither enable nor disable nor status", a->verb);
	if ((a->preload && !enables) || (a->dry_run && !enables && !disables) ||
	    (a->json && (enables || disables)))
		die(EXIT_USAGE,
		    "%s does not take that option; see shptctl postgres --help",
		    a->verb);
}

static void run(const struct arguments *a, struct preload *p)
{
	struct environment e;
	struct cluster c;

	cluster_open(&c, sysroot_open(a->root), a->cluster);
	environment_read(&e, &c);
	if (!strcmp(a->verb, "enable"))
		enable(&c, &e, p, a->dry_run);
	else if (!strcmp(a->verb, "disable"))
		disable(&c, &e, a->dry_run);
	else
		print_server(&c, &e, a->json);
}

int postgres(int argc, char **argv)
{
	enum { DRY_RUN = 256, SYSROOT };
	static const struct option options[] = {
		PRELOAD_OPTIONS,
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "json", no_argument, NULL, 'J' },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct arguments a = { .root = "/" };
	struct preload p = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "JhV", options, NULL)) != -1) {
		switch (c) {
		case DRY_RUN:
			a.dry_run = true;
			break;
		case 'J':
			a.json = true;
			break;
		case SYSROOT:
			a.root = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!preload_option(&p, c, optarg))
				die(EXIT_USAGE, "see shptctl postgres --help");
			a.preload = true;
		}
	}
	if (optind + 2 != argc)
		die(EXIT_USAGE,
		    "enable, disable or status, and a cluster such as 15/main, "
		    "are needed; see shptctl postgres --help");
	a.verb = argv[optind];
	a.cluster = argv[optind + 1];
	check_arguments(&a);
	run(&a, &p);
	return EXIT_SUCCESS;
}
