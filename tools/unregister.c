// SPDX-License-Identifier: GPL-2.0-or-later
/* unregister.c - shptctl unregister: let go of registered regions */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl unregister NAME|ID|FILE...\n"
"       shptctl unregister --all\n"
"\n"
"Let go of registered regions: processes that map one go on, and with the last\n"
"of them it ends. Only its owner and root may do so. What is not the name of a\n"
"registered region and no number is the path of a file.\n"
"\n"
"      --all            unregister all regions of this user, or as root all\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 unregistered; 1 an error; 2 wrong usage.\n";

static void unregister_region(int fd, const char *what)
{
	if (libshpt_unregister(fd)) {
		if (errno == ENOENT)
			die(EXIT_FAILURE, "%s is not registered", what);
		if (errno == EPERM)
			die(EXIT_FAILURE,
			    "%s was registered by another user: only he and "
			    "root may unregister it",
			    what);
		die(EXIT_FAILURE, "cannot unregister %s: %s", what,
		    strerror(errno));
	}
	close(fd);
}

static bool has_name(const struct libshpt_region *region, const char *name)
{
	return *region->name &&
	       !strcmp(region->name, *name == '/' ? name + 1 : name);
}

/* A name is looked for first, so one of digits is no id. */
static int find_and_open(const struct libshpt_region *regions, size_t n,
			 const char *what)
{
	uint64_t id;
	char *end;

	for (size_t i = 0; i < n; i++)
		if (has_name(&regions[i], what))
			return region_open_id(regions[i].id);
	id = strtoull(what, &end, 10);
	if (*what >= '0' && *what <= '9' && !*end)
		return region_open_id(id);
	return region_open_file(what, O_RDONLY);
}

static void unregister_all(const struct libshpt_region *regions, size_t n)
{
	char what[32];

	for (size_t i = 0; i < n; i++) {
		if (!regions[i].registered)
			continue;
		if (geteuid() && geteuid() != regions[i].uid)
			continue;
		snprintf(what, sizeof(what), "region %" PRIu64, regions[i].id);
		unregister_region(region_open_id(regions[i].id), what);
	}
}

int unregister_regions(int argc, char **argv)
{
	enum { ALL = 256 };
	static const struct option options[] = {
		{ "all", no_argument, NULL, ALL },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct libshpt_region *regions;
	bool all = false;
	int c, sysroot;
	size_t n;

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
			die(EXIT_USAGE, "see shptctl unregister --help");
		}
	}
	if (all ? optind < argc : optind == argc)
		die(EXIT_USAGE, "either regions or --all; see shptctl "
				"unregister --help");

	sysroot = sysroot_open("/");
	if (!shpt_is_loaded(sysroot))
		die(EXIT_FAILURE, "the module is not loaded; run: modprobe "
				  "shpt");
	n = regions_read(sysroot, &regions);
	if (all)
		unregister_all(regions, n);
	for (; optind < argc; optind++)
		unregister_region(find_and_open(regions, n, argv[optind]),
				  argv[optind]);
	free(regions);
	close(sysroot);
	return EXIT_SUCCESS;
}
