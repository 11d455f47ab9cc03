// SPDX-License-Identifier: GPL-2.0-or-later
/* set.c - shptctl set: when empty page tables go, and on which nodes they are */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl set [OPTION...] REGION|FILE SETTING=VALUE...\n"
"\n"
"Change settings of a region, for all processes that map it.\n"
"\n"
STEER_HELP
"\n"
"Settings:\n"
"  mode=never|advise|always  give back empty page tables: not at all, when\n"
"                            shptctl reclaim asks (default), or on its own too\n"
"  interval=MS               with mode=always: milliseconds between two looks,\n"
"                            100 to 86400000 (default 1000)\n"
"  scan=SIZE                 with mode=always: how much of the file is looked at\n"
"                            each time, in bytes or with K, M or G (default 16G)\n"
"  node=NODE                 NUMA nodes of the page tables: one (default: one set,\n"
"                            where they happen to be made), local (one set on\n"
"                            each node) or a number (one set, on this node)\n"
"\n"
"Exit status: 0 set; 1 an error; 2 wrong usage.\n"
"\n"
"See shptctl-set(8).\n";

static const char *const modes[] = {
	[SHPT_RECLAIM_NEVER] = "never",
	[SHPT_RECLAIM_ADVISE] = "advise",
	[SHPT_RECLAIM_ALWAYS] = "always",
};
#define MODES (sizeof(modes) / sizeof(*modes))

struct settings {
	struct shpt_set_reclaim reclaim;
	const char *mode; /* NULL: stays as it is */
	int node;
	const char *node_text; /* NULL: stays as it is */
};

static void parse_mode(struct settings *s, const char *value)
{
	size_t i = 0;

	while (i < MODES && strcmp(value, modes[i]) != 0)
		i++;
	if (i == MODES)
		die(EXIT_USAGE,
		    "mode is never, advise or always, not '%s'; who may open a "
		    "region by its name is said when it is registered",
		    value);
	s->reclaim.mode = i;
	s->mode = modes[i];
}

static void parse_interval(struct settings *s, const char *value)
{
	unsigned long ms;
	char *end;

	ms = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end ||
	    ms < SHPT_RECLAIM_MIN_INTERVAL_MS ||
	    ms > SHPT_RECLAIM_MAX_INTERVAL_MS)
		die(EXIT_USAGE, "interval is %d to %d milliseconds, not '%s'",
		    SHPT_RECLAIM_MIN_INTERVAL_MS, SHPT_RECLAIM_MAX_INTERVAL_MS,
		    value);
	s->reclaim.interval_ms = ms;
}

static void parse_scan(struct settings *s, const char *value)
{
	size_t bytes;

	if (!parse_size(value, &bytes) || !bytes)
		die(EXIT_USAGE,
		    "scan is a number of bytes above 0, or one with K, M or G, "
		    "not '%s'",
		    value);
	s->reclaim.scan_bytes = bytes;
}

static void parse_setting(struct settings *s, const char *text)
{
	const char *value = strchr(text, '=');
	size_t length = value ? value++ - text : 0;

	if (length == 4 && !strncmp(text, "mode", length)) {
		parse_mode(s, value);
	} else if (length == 8 && !strncmp(text, "interval", length)) {
		parse_interval(s, value);
	} else if (length == 4 && !strncmp(text, "scan", length)) {
		parse_scan(s, value);
	} else if (length == 4 && !strncmp(text, "node", length)) {
		if (!parse_node(value, &s->node))
			die(EXIT_USAGE, "'%s' is no node: " NODE_WORDS, value);
		s->node_text = value;
	} else {
		die(EXIT_USAGE,
		    "'%s' is no setting: mode=, interval=, scan= or node=; see "
		    "shptctl set --help",
		    text);
	}
}

/* The kernel part is told mode, interval and scan in one. */
static void check(const struct settings *s)
{
	if ((s->reclaim.interval_ms || s->reclaim.scan_bytes) &&
	    (!s->mode || s->reclaim.mode != SHPT_RECLAIM_ALWAYS))
		die(EXIT_USAGE, "interval and scan need mode=always beside "
				"them");
}

static const char *reason(int err)
{
	if (err == EACCES)
		return "this user may only read it";
	return strerror(err);
}

_Noreturn static void node_refused(const struct settings *s, const char *title,
				   const char *why)
{
	die(EXIT_FAILURE, "cannot set node=%s of %s: %s", s->node_text, title,
	    why);
}

static void plan(const struct steering *steering, const struct settings *s,
		 const char *title)
{
	char *why;

	if (s->node_text && (why = plan_node(steering->root, s->node)))
		node_refused(s, title, why);
	printf("would set %s:", title);
	if (s->mode)
		printf(" mode=%s", s->mode);
	if (s->reclaim.interval_ms)
		printf(" interval=%llu", s->reclaim.interval_ms);
	if (s->reclaim.scan_bytes)
		printf(" scan=%llu", s->reclaim.scan_bytes);
	if (s->node_text)
		printf(" node=%s", s->node_text);
	putchar('\n');
}

/* A mode is not refused to whom a node was not: nothing is done by halves. */
static void apply(const struct steering *steering, struct settings *s,
		  const char *title)
{
	int fd = steer_open(steering);
	char *why;

	if (s->node_text && (why = set_node(fd, s->node)))
		node_refused(s, title, why);
	s->reclaim.size = sizeof(s->reclaim);
	if (s->mode && ioctl(fd, SHPT_IOC_SET_RECLAIM, &s->reclaim))
		die(EXIT_FAILURE, "cannot set mode=%s of %s: %s", s->mode,
		    title, reason(errno));
	close(fd);
}

int set_region(int argc, char **argv)
{
	static const struct option options[] = {
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct settings settings = { 0 };
	struct steering s = { 0 };
	char *title;
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!steer_option(&s, c, optarg))
				die(EXIT_USAGE, "see shptctl set --help");
		}
	}
	if (argc - optind < 2)
		die(EXIT_USAGE, "one REGION or FILE and settings are needed; "
				"see shptctl set --help");
	for (int i = optind + 1; i < argc; i++)
		parse_setting(&settings, argv[i]);
	check(&settings);
	steer_begin(&s);
	steer_find(&s, argv[optind]);
	title = region_title(&s.region);
	if (s.dry_run)
		plan(&s, &settings, title);
	else
		apply(&s, &settings, title);
	free(title);
	steer_end(&s);
	return EXIT_SUCCESS;
}
