// SPDX-License-Identifier: GPL-2.0-or-later
/* unregister.c - shptctl unregister: let go of registered regions */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl unregister [OPTION...] REGION|FILE...\n"
"       shptctl unregister [OPTION...] --all\n"
"\n"
"Let go of registered regions: processes that map one go on, and with the last\n"
"of them it ends. Only its owner and root may do so. REGION is the name of a\n"
"registered region or the number of any; all else is the path of a file.\n"
"\n"
"      --all            unregister all regions of this user, or as root all\n"
STEER_HELP
"\n"
"Exit status: 0 unregistered; 1 an error of any region, the others are\n"
"unregistered; 2 wrong usage.\n"
"\n"
"See shptctl-unregister(8).\n";

_Noreturn static void refused(const char *what, int err)
{
	if (err == ENOENT)
		die(EXIT_FAILURE, "%s is not registered", what);
	if (err == EPERM)
		die(EXIT_FAILURE,
		    "%s was registered by another user: only he and root may "
		    "unregister it",
		    what);
	die(EXIT_FAILURE, "cannot unregister %s: %s", what, strerror(err));
}

/* A name is looked for first, so one of digits is no id. */
static int find_and_open(const struct steering *s, const char *what)
{
	const struct libshpt_region *named =
		region_named(s->regions, s->n, what);
	uint64_t id;

	if (named)
		return region_open_id(named->id);
	if (is_region_number(what, &id))
		return region_open_id(id);
	return region_open_file(what, O_RDONLY);
}

static void unregister_one(const void *steering, const void *arg)
{
	struct steering s = *(const struct steering *)steering;
	const char *what = arg;
	char *title;

	if (!s.dry_run) {
		if (libshpt_unregister(find_and_open(&s, what)))
			refused(what, errno);
		return;
	}
	steer_find(&s, what);
	if (!s.region.registered)
		refused(what, ENOENT);
	if (!is_ours(&s.region))
		refused(what, EPERM);
	title = region_title(&s.region);
	printf("would unregister %s\n", title);
	free(title);
}

/* What ends meanwhile, or is let go of by another, is as it should be. */
static void unregister_of_all(const void *steering, const void *arg)
{
	const struct steering *s = steering;
	const struct libshpt_region *region = arg;
	char *title = region_title(region);
	int fd;

	if (s->dry_run) {
		printf("would unregister %s\n", title);
	} else {
		fd = region_try_id(region->id);
		if (fd >= 0 && libshpt_unregister(fd) && errno != ENOENT)
			refused(title, errno);
	}
	free(title);
}

static bool unregister_all(const struct steering *s)
{
	bool done = true;

	for (size_t i = 0; i < s->n; i++)
		if (s->regions[i].registered && is_ours(&s->regions[i]))
			done &= in_own_process(unregister_of_all, s,
					       &s->regions[i]);
	return done;
}

int unregister_regions(int argc, char **argv)
{
	enum { ALL = 256 };
	static const struct option options[] = {
		{ "all", no_argument, NULL, ALL },
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct steering s = { 0 };
	bool all = false, done = true;
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case ALL:
			all = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!steer_option(&s, c, optarg))
				die(EXIT_USAGE,
				    "see shptctl unregister --help");
		}
	}
	if (all ? optind < argc : optind == argc)
		die(EXIT_USAGE, "either regions or --all; see shptctl "
				"unregister --help");

	steer_begin(&s);
	if (all)
		done = unregister_all(&s);
	for (; optind < argc; optind++)
		done &= in_own_process(unregister_one, &s, argv[optind]);
	steer_end(&s);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
