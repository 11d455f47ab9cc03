// SPDX-License-Identifier: GPL-2.0-or-later
/* register.c - shptctl register: keep a region without guests, under a name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

#define PARAMETERS "/sys/module/shpt/parameters/"

static const char help[] =
"Usage: shptctl register [OPTION...] FILE\n"
"\n"
"Keep the region of a file, with the page tables that it has or will have,\n"
"until it is unregistered, even while no process maps it. The file must be one\n"
"that can be shared; the user must be allowed to read and write it.\n"
"\n"
"      --name NAME      give it this name, by which processes can open it\n"
"      --mode MODE      who may open it by its name: octal, as of a file\n"
"                       (default 0600)\n"
"      --node NODE      NUMA nodes of its page tables: one (one set, where they\n"
"                       happen to be made), local (one set on each node) or a\n"
"                       number (one set, on this node)\n"
STEER_HELP
"\n"
"Exit status: 0 registered; 1 an error; 2 wrong usage.\n"
"\n"
"See shptctl-register(8).\n";

/* The slash that it may begin with does not count. */
static const char *parse_name(const char *text)
{
	size_t length = strlen(text) - (*text == '/');
	const char *name = text;
	struct reason why;

	if (!length || length >= SHPT_NAME_BYTES)
		die(EXIT_USAGE, "a name has 1 to %d bytes, not %zu",
		    SHPT_NAME_BYTES - 1, length);
	if (check_name(&name, &why))
		die(EXIT_USAGE,
		    "'%s' is no name: no slash but the first character, no "
		    "control characters, not . or ..",
		    text);
	return text;
}

static mode_t parse_mode(const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (end == text || *end || mode & ~0666UL)
		die(EXIT_USAGE,
		    "'%s' is not an octal mode of reading and writing, such "
		    "as 0660",
		    text);
	return mode;
}

_Noreturn static void name_is_taken(const char *name)
{
	die(EXIT_FAILURE,
	    "another region is registered as '%s': choose another name, or "
	    "unregister that one",
	    name);
}

_Noreturn static void refused(const char *path, const char *name)
{
	switch (errno) {
	case EEXIST:
		name_is_taken(name);
	case EALREADY:
		die(EXIT_FAILURE,
		    "%s is registered already: see shptctl list, or "
		    "unregister it first",
		    path);
	case ENFILE:
		die(EXIT_FAILURE,
		    "%s: too many regions are registered; raise " PARAMETERS
		    "max_registered",
		    path);
	case EDQUOT:
		die(EXIT_FAILURE,
		    "%s: this user has too many regions registered or open; "
		    "raise " PARAMETERS "max_registered_per_user or " PARAMETERS
		    "max_regions_per_user",
		    path);
	default:
		die(EXIT_FAILURE, "cannot register %s: %s", path,
		    strerror(errno));
	}
}

void register_open_region(int region, const char *path, const char *name,
			  mode_t mode)
{
	if (libshpt_register(region, name, mode))
		refused(path, name);
}

void check_name_is_free(const struct libshpt_region *regions, size_t n,
			const char *name)
{
	if (region_named(regions, n, name))
		name_is_taken(name);
}

struct registration {
	const char *path;
	const char *name;
	mode_t mode;
	int node;
	const char *node_text; /* NULL: stays as it is */
};

_Noreturn static void node_refused(const struct registration *r,
				   const char *why)
{
	die(EXIT_FAILURE, "cannot register %s with --node %s: %s", r->path,
	    r->node_text, why);
}

/* In a copy of a machine's files there may be no more than their names. */
static void check_file(const struct steering *s, const char *path)
{
	if (!s->sysroot)
		region_check_file(path);
	else if (faccessat(s->root, below_root(path), F_OK, 0))
		die(EXIT_FAILURE, "cannot open %s: %s", path, strerror(errno));
}

/* It would be refused for these reasons, as far as /sys and the file tell. */
static void check(const struct registration *r, const struct steering *s)
{
	const struct libshpt_region *region;
	char *why;

	check_file(s, r->path);
	region = region_backed(s->regions, s->n, r->path);
	if (region && region->registered) {
		errno = EALREADY;
		refused(r->path, r->name);
	}
	check_name_is_free(s->regions, s->n, r->name);
	if (r->node_text && (why = plan_node(s->root, r->node)))
		node_refused(r, why);
}

static void print_plan(const struct registration *r)
{
	char *path = plain(r->path), *name = plain(r->name);

	printf("would register %s", path);
	if (*r->name)
		printf(" as '%s', mode %04o", name, (unsigned int)r->mode);
	if (r->node_text)
		printf(", node=%s", r->node_text);
	putchar('\n');
	free(path);
	free(name);
}

/* Either all of it is done or nothing. */
static void do_register(const struct registration *r)
{
	int fd = region_open_file(r->path, O_RDWR);
	char *why;

	register_open_region(fd, r->path, r->name, r->mode);
	if (r->node_text && (why = set_node(fd, r->node))) {
		libshpt_unregister(fd);
		node_refused(r, why);
	}
	close(fd);
}

int register_region(int argc, char **argv)
{
	enum { OPT_NAME = 256, OPT_MODE, OPT_NODE };
	static const struct option options[] = {
		{ "name", required_argument, NULL, OPT_NAME },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "node", required_argument, NULL, OPT_NODE },
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct registration r = { .name = "", .mode = 0600 };
	struct steering s = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case OPT_NAME:
			r.name = parse_name(optarg);
			break;
		case OPT_MODE:
			r.mode = parse_mode(optarg);
			break;
		case OPT_NODE:
			if (!parse_node(optarg, &r.node))
				die(EXIT_USAGE, "'%s' is no node: " NODE_WORDS,
				    optarg);
			r.node_text = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!steer_option(&s, c, optarg))
				die(EXIT_USAGE, "see shptctl register --help");
		}
	}
	if (optind + 1 != argc)
		die(EXIT_USAGE, "one FILE is needed; see shptctl register "
				"--help");
	r.path = argv[optind];
	steer_begin(&s);
	if (s.dry_run) {
		check(&r, &s);
		print_plan(&r);
	} else {
		do_register(&r);
	}
	steer_end(&s);
	return EXIT_SUCCESS;
}
