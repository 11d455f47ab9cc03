// SPDX-License-Identifier: GPL-2.0-or-later
/* reclaim.c - shptctl reclaim: give back page tables that map nothing */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl reclaim [OPTION...] REGION|FILE\n"
"       shptctl reclaim [OPTION...] --all\n"
"\n"
"Give back the page tables of a region that map nothing any more, as after holes\n"
"were punched in its file. Processes go on meanwhile. Prints what was freed.\n"
"\n"
"      --all            all regions that this user registered, as root all, but\n"
"                       those in mode never\n"
"  -b, --bytes          print sizes in bytes\n"
STEER_HELP
"\n"
"Exit status: 0 done, also if nothing was to be given back; 1 an error, with\n"
"--all of any region; 2 wrong usage.\n"
"\n"
"See shptctl-reclaim(8).\n";

static const char *reason(int err)
{
	switch (err) {
	case EPERM:
		return "its mode is never; see shptctl set";
	case EACCES:
		return "this user may only read it";
	case ENOPKG:
		return "the helper of the module did not run; see shptctl "
		       "explain";
	case ENOMEM:
		return "no memory for its new page tables";
	default:
		return strerror(err);
	}
}

/* Of its whole file. Returns false and says so if it fails. */
static bool reclaim_fd(int fd, const char *title, bool bytes)
{
	char size[AMOUNT_BYTES];
	uint64_t freed;

	if (libshpt_reclaim(fd, 0, INT64_MAX, &freed)) {
		complain("%s: %s", title, reason(errno));
		return false;
	}
	format_amount(size, sizeof(size), (long long)freed, bytes);
	printf("%s: %s freed\n", title, size);
	return true;
}

static bool reclaim_one(const struct steering *s, int fd, bool bytes)
{
	char *title = region_title(&s->region);
	bool done = true;

	if (s->dry_run)
		printf("would reclaim %s%s\n", title,
		       s->region.reclaim_mode == LIBSHPT_RECLAIM_NEVER ?
			       ", which its mode, never, forbids" :
			       "");
	else
		done = reclaim_fd(fd, title, bytes);
	free(title);
	return done;
}

/* What ends meanwhile has nothing to give back, and is no error; nor is that
 * somebody wanted a region left alone. */
static bool reclaim_all(struct steering *s, bool bytes)
{
	bool done = true;

	for (size_t i = 0; i < s->n; i++) {
		int fd = -1;

		s->region = s->regions[i];
		if (!is_ours(&s->region) ||
		    s->region.reclaim_mode == LIBSHPT_RECLAIM_NEVER)
			continue;
		if (!s->dry_run) {
			fd = region_try_id(s->region.id);
			if (fd < 0)
				continue;
		}
		done &= reclaim_one(s, fd, bytes);
		if (fd >= 0)
			close(fd);
	}
	return done;
}

int reclaim(int argc, char **argv)
{
	enum { ALL = 256 };
	static const struct option options[] = {
		{ "all", no_argument, NULL, ALL },
		{ "bytes", no_argument, NULL, 'b' },
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct steering s = { 0 };
	bool all = false, bytes = false, done;
	int c;

	while ((c = getopt_long(argc, argv, "bhV", options, NULL)) != -1) {
		switch (c) {
		case ALL:
			all = true;
			break;
		case 'b':
			bytes = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!steer_option(&s, c, optarg))
				die(EXIT_USAGE, "see shptctl reclaim --help");
		}
	}
	if (all ? optind < argc : optind + 1 != argc)
		die(EXIT_USAGE, "either one REGION or FILE, or --all; see "
				"shptctl reclaim --help");
	steer_begin(&s);
	if (all) {
		done = reclaim_all(&s, bytes);
	} else {
		steer_find(&s, argv[optind]);
		done = reclaim_one(&s, s.dry_run ? -1 : steer_open(&s), bytes);
	}
	steer_end(&s);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
