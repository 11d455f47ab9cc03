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
"Options of enable, see libshpt-preload(1). One that is not given stays as it\n"
"was when enable ran before, and an empty value, such as --backing '', takes it\n"
"back. Without --verbose one line in the server's log says what it got at its\n"
"start.\n"
PRELOAD_HELP
"Options of status:\n"
"  -b, --bytes          print sizes in bytes\n"
"  -J, --json           print JSON\n"
"Options of all:\n"
"      --sysroot DIR    look at, and change, the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 done, even if something else is still in the way; 1 an error; 2\n"
"wrong usage.\n"
"\n"
"See shptctl-postgres(8).\n";

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, line, length) &&
		    (!text[length] || text[length] == '\n'))
			return true;
	}
	return false;
}

/* Those of a text that another, or NULL, has not. */
static void print_lines(char sign, const char *text, const char *other)
{
	char *copy = print("%s", text ? text : ""), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line && !has_line(other, line))
			say("%c%s", sign, line);
	free(copy);
}

/* Returns whether there was anything to do. */
static bool change(const struct cluster *c, const struct environment *e,
		   const char *block, bool dry_run)
{
	char *text = environment_with(e, block);
	bool changes = strcmp(text, e->text);

	if (changes && !dry_run)
		environment_replace(e, c, text);
	say("/%s:%s", e->path,
	    !changes ? " nothing to change" :
	    dry_run  ? "" :
		       " written");
	if (changes) {
		print_lines('-', e->block, block);
		print_lines('+', block, e->block);
	}
	free(text);
	return changes;
}

static bool is_set(const struct preload *p, int variable)
{
	return p->values[variable] && *p->values[variable];
}

/* An option counts, then what the block has, then the file's own lines. */
static void complete(struct preload *p, const struct cluster *c,
		     const struct environment *e)
{
	static const char first[] = "first";

	preload_add_library(p,
			    environment_value(e, c, e->own, PRELOAD_LIBRARY));
	for (int i = PRELOAD_LIBRARY + 1; i < PRELOAD_VARIABLES; i++)
		if (!p->values[i] && e->block)
			p->values[i] = environment_value(e, c, e->block, i);
	if (is_set(p, PRELOAD_VERBOSE) &&
	    strcmp(p->values[PRELOAD_VERBOSE], first) != 0)
		return;
	p->values[PRELOAD_VERBOSE] =
		environment_value(e, c, e->own, PRELOAD_VERBOSE) ? NULL : first;
}

static void enable(const struct cluster *c, const struct environment *e,
		   struct preload *p, bool dry_run)
{
	char *restart = cluster_restart(c), *block, *text;
	struct preload all;

	complete(p, c, e);
	block = environment_block(p);
	change(c, e, block, dry_run);
	text = environment_with(e, block);
	all = environment_settings(e, c, text);
	print_obstacles(c, &all);
	say("It takes effect with: %s", restart);
	free(text);
	free(block);
	free(restart);
}

/* What is left of a cluster that cannot be looked into can be tidied up. */
static void disable(const struct cluster *c, const struct environment *e,
		    const char *hidden, bool dry_run)
{
	char *restart = cluster_restart(c);
	bool changes = change(c, e, NULL, dry_run);

	if (changes && hidden)
		say("Whether its server runs is not known: %s", hidden);
	else if (changes && c->postmaster)
		say("It takes effect with: %s", restart);
	free(restart);
}

struct arguments {
	const char *verb;
	const char *cluster;
	const char *root;
	bool dry_run;
	bool bytes;
	bool json;
	bool preload; /* any of its options */
};

static void check_arguments(const struct arguments *a)
{
	bool enables = !strcmp(a->verb, "enable");
	bool disables = !strcmp(a->verb, "disable");

	if (!enables && !disables && strcmp(a->verb, "status") != 0)
		die(EXIT_USAGE,
		    "'%s' is neither enable nor disable nor status", a->verb);
	if ((a->preload && !enables) || (a->dry_run && !enables && !disables) ||
	    ((a->bytes || a->json) && (enables || disables)))
		die(EXIT_USAGE,
		    "%s does not take that option; see shptctl postgres --help",
		    a->verb);
}

static void run(const struct arguments *a, struct preload *p)
{
	struct environment e;
	struct cluster c;
	char *hidden;

	cluster_open(&c, sysroot_open(a->root), a->cluster);
	hidden = cluster_look(&c);
	if (hidden && strcmp(a->verb, "disable") != 0)
		die(EXIT_FAILURE, "%s", hidden);
	environment_read(&e, &c);
	if (!strcmp(a->verb, "enable"))
		enable(&c, &e, p, a->dry_run);
	else if (!strcmp(a->verb, "disable"))
		disable(&c, &e, hidden, a->dry_run);
	else
		print_server(&c, &e, a->json, a->bytes);
	free(hidden);
}

int postgres(int argc, char **argv)
{
	enum { DRY_RUN = 256, SYSROOT };
	static const struct option options[] = {
		PRELOAD_OPTIONS,
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "bytes", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'J' },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct arguments a = { .root = "/" };
	struct preload p = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "bJhV", options, NULL)) != -1) {
		switch (c) {
		case DRY_RUN:
			a.dry_run = true;
			break;
		case 'b':
			a.bytes = true;
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
	preload_find_folder(&p, a.root);
	run(&a, &p);
	return EXIT_SUCCESS;
}
