// SPDX-License-Identifier: GPL-2.0-or-later
/* lock.c - shptctl lock, unlock: keep a region's pages in memory, or no longer */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

static const char lock_help[] =
"Usage: shptctl lock [OPTION...] REGION|FILE\n"
"\n"
"Keep the pages of a region in memory: those that its file has are brought in,\n"
"and neither they nor those it gets later are swapped out, until it is unlocked\n"
"or ends. On DAX there is nothing to do.\n"
"\n"
STEER_HELP
"\n"
"Exit status: 0 locked; 1 an error; 2 wrong usage.\n"
"\n"
"See shptctl-lock(8).\n";

static const char unlock_help[] =
"Usage: shptctl unlock [OPTION...] REGION|FILE\n"
"\n"
"Let the pages of a region be swapped out again.\n"
"\n"
STEER_HELP
"\n"
"Exit status: 0 unlocked; 1 an error; 2 wrong usage.\n"
"\n"
"See shptctl-unlock(8).\n";

static const char *reason(int err)
{
	switch (err) {
	case EPERM:
		return "only root may, and who has no limit of locked memory: "
		       "ulimit -l unlimited";
	case EACCES:
		return "this user may only read it";
	case EINTR:
		return "a signal came before all was brought in: run this "
		       "again";
	case ENOMEM:
		return "no memory is left, or the limit of the memory cgroup "
		       "is reached: free some or raise it";
	case EIO:
		return "a page cannot be read from swap, or is broken: see "
		       "dmesg";
	default:
		return strerror(err);
	}
}

static void change(struct steering *s, bool lock)
{
	const char *word = lock ? "lock" : "unlock";
	char *title = region_title(&s->region);
	int fd;

	if (s->dry_run) {
		printf("would %s %s%s\n", word, title,
		       s->region.locked != lock ? "" :
		       lock			? ", which is locked" :
						  ", which is not locked");
		free(title);
		return;
	}
	fd = steer_open(s);
	if (lock ? libshpt_lock(fd) : libshpt_unlock(fd))
		die(EXIT_FAILURE, "cannot %s %s: %s", word, title,
		    reason(errno));
	close(fd);
	free(title);
}

static int run(int argc, char **argv, bool lock)
{
	static const struct option options[] = {
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	const char *help = lock ? lock_help : unlock_help;
	const char *word = lock ? "lock" : "unlock";
	struct steering s = { 0 };
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
				die(EXIT_USAGE, "see shptctl %s --help", word);
		}
	}
	if (optind + 1 != argc)
		die(EXIT_USAGE,
		    "one REGION or FILE is needed; see shptctl %s "
		    "--help",
		    word);
	steer_begin(&s);
	steer_find(&s, argv[optind]);
	change(&s, lock);
	steer_end(&s);
	return EXIT_SUCCESS;
}

int lock_region(int argc, char **argv)
{
	return run(argc, argv, true);
}

int unlock_region(int argc, char **argv)
{
	return run(argc, argv, false);
}
