// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * restore.c - shptctl restore: register the regions of a file, or release them
 *
 * For the start and the end of a machine, so one that cannot be restored or
 * released keeps no other from it: for each of them there is a process, which
 * ends at the first thing that is wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shpt/uapi.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl restore [OPTION...]\n"
"       shptctl restore --release [--all] [OPTION...]\n"
"\n"
"Register the regions that are named in " REGIONS_CONF ",\n"
"with their names, owners, modes and settings; see shpt-regions.conf(5). What is\n"
"registered already stays, with these settings. What is wrong with one region is\n"
"said, with file and line, and keeps no other from being restored.\n"
"\n"
"      --release        unregister them again, so that their file systems can be\n"
"                       unmounted\n"
"      --all            with --release: all that are registered, by whomever\n"
"      --file FILE      read this file instead\n"
"      --dry-run        change nothing, print what would be done\n"
"      --sysroot DIR    with --dry-run: look at the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 done, also if there was nothing to do; 1 an error, or of one\n"
"region; 2 wrong usage.\n"
"\n"
"See shptctl-restore(8).\n";

struct work {
	const char *sysroot; /* or NULL */
	bool dry_run;
	bool all;
	int root;
	struct regions_conf conf;
	struct libshpt_region *regions; /* those that there are */
	size_t n;
};

/* --- what a region is now --- */

/* By its name only where it is not shown which file it is: that is for root. */
static bool is_wanted(const struct work *w, const struct conf_region *wanted,
		      const struct libshpt_region *region)
{
	char *path;
	bool is;

	if (!*region->backing)
		return *wanted->name && !strcmp(region->name, wanted->name);
	path = w->sysroot ? NULL : realpath(wanted->path, NULL);
	is = !strcmp(region->backing, path ? path : wanted->path);
	free(path);
	return is;
}

static const struct libshpt_region *
registered_as(const struct work *w, const struct conf_region *wanted)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->regions[i].registered &&
		    is_wanted(w, wanted, &w->regions[i]))
			return &w->regions[i];
	return NULL;
}

static const char *quoted_name(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, *name ? " as '%s'" : "%s", name);
	return buf;
}

/* --- in a process of its own: returns or dies --- */

static void check_same(const struct conf_region *wanted,
		       const struct libshpt_region *is)
{
	if (strcmp(is->name, wanted->name) != 0)
		die(EXIT_FAILURE,
		    "%s is registered already, with the name '%s' and not "
		    "'%s': run shptctl unregister %" PRIu64 " first",
		    wanted->path, is->name, wanted->name, is->id);
	if (is->uid != wanted->uid || is->gid != wanted->gid ||
	    is->mode != wanted->mode)
		die(EXIT_FAILURE,
		    "%s is registered already, by user %u, group %u, mode "
		    "%04o: run shptctl unregister %" PRIu64 " first",
		    wanted->path, is->uid, is->gid, is->mode, is->id);
}

static void apply_settings(int fd, const struct conf_region *wanted)
{
	struct shpt_set_reclaim reclaim = { .size = sizeof(reclaim),
					    .mode = wanted->reclaim };
	char *why;

	if (wanted->has_node && (why = set_node(fd, wanted->node)))
		die(EXIT_FAILURE, "node=%d: %s", wanted->node, why);
	if (wanted->reclaim != RECLAIM_UNSET &&
	    ioctl_again(fd, SHPT_IOC_SET_RECLAIM, &reclaim))
		die(EXIT_FAILURE, "cannot set reclaim= of %s: %s", wanted->path,
		    strerror(errno));
}

static void plan_region(const void *work, const void *arg)
{
	const struct work *w = work;
	const struct conf_region *wanted = arg;
	const struct libshpt_region *is = registered_as(w, wanted);
	char name[SHPT_NAME_BYTES + 8], *why;
	struct stat st;

	error_place = print("%s:%lu", w->conf.path, wanted->line);
	if (fstatat(w->root, below_root(wanted->path), &st, 0))
		die(EXIT_FAILURE, "%s: %s", wanted->path, strerror(errno));
	if (is)
		check_same(wanted, is);
	else
		check_name_is_free(w->regions, w->n, wanted->name);
	if (wanted->has_node && (why = plan_node(w->root, wanted->node)))
		die(EXIT_FAILURE, "node=%d: %s", wanted->node, why);
	say("%s: %s%s", wanted->path,
	    is ? "is registered" : "would be registered",
	    quoted_name(wanted->name, name, sizeof(name)));
}

static void restore_region(const void *work, const void *arg)
{
	const struct work *w = work;
	const struct conf_region *wanted = arg;
	char name[SHPT_NAME_BYTES + 8];
	struct libshpt_region region;
	struct reason why;
	uint64_t id;
	int fd;

	error_place = print("%s:%lu", w->conf.path, wanted->line);
	fd = region_open_file(wanted->path, O_RDWR);
	id = region_id(fd);
	if (next_region(w->root, id - 1, &region, &why) != 1 || region.id != id)
		die(EXIT_FAILURE, "%s: its region is gone: run this again",
		    wanted->path);
	if (region.registered)
		check_same(wanted, &region);
	else
		check_name_is_free(w->regions, w->n, wanted->name);
	apply_settings(fd, wanted);
	if (!region.registered) {
		/* Root registers for others: they are the owners. */
		setfsgid(wanted->gid);
		setfsuid(wanted->uid);
		register_open_region(fd, wanted->path, wanted->name,
				     wanted->mode);
	}
	close(fd);
	say("%s: %s%s", wanted->path,
	    region.registered ? "was registered already" : "registered",
	    quoted_name(wanted->name, name, sizeof(name)));
}

static void release_region(const void *work, const void *arg)
{
	const struct libshpt_region *region = arg;
	char name[SHPT_NAME_BYTES + 8];
	int fd = region_open_id(region->id);

	(void)work;
	/* Its owner may have been quicker. */
	if (libshpt_unregister(fd) && errno != ENOENT)
		die(EXIT_FAILURE, "cannot release region %" PRIu64 ": %s",
		    region->id, strerror(errno));
	say("%s: released%s", region->backing,
	    quoted_name(region->name, name, sizeof(name)));
}

/* --- all of them --- */

static size_t restore_all(struct work *w)
{
	size_t failed = 0;

	umask(0); /* The modes are meant as they are written. */
	for (size_t i = 0; i < w->conf.n; i++)
		failed += !in_own_process(w->dry_run ? plan_region :
						       restore_region,
					  w, &w->conf.regions[i]);
	return failed;
}

static bool is_to_release(const struct work *w,
			  const struct libshpt_region *region)
{
	if (!region->registered || w->all)
		return region->registered;
	for (size_t i = 0; i < w->conf.n; i++)
		if (is_wanted(w, &w->conf.regions[i], region))
			return true;
	return false;
}

static void plan_release(const struct libshpt_region *region)
{
	char *what = *region->backing ? print("%s", region->backing) :
					print("region %" PRIu64, region->id);
	char name[SHPT_NAME_BYTES + 8];

	say("%s: would be released%s", what,
	    quoted_name(region->name, name, sizeof(name)));
	free(what);
}

static size_t release_all(const struct work *w)
{
	size_t failed = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct libshpt_region *region = &w->regions[i];

		if (!is_to_release(w, region))
			continue;
		if (w->dry_run)
			plan_release(region);
		else
			failed += !in_own_process(release_region, w, region);
	}
	return failed;
}

/* The file itself need not be there, unless it was named. */
static void read_conf(struct work *w, const char *file)
{
	w->conf.path = file ? file : REGIONS_CONF;
	if (regions_conf_read(&w->conf, w->root) || (errno == ENOENT && !file))
		return;
	die(EXIT_FAILURE, "cannot read %s: %s", w->conf.path, strerror(errno));
}

static int run(struct work *w, const char *file, bool release)
{
	size_t failed = 0;
	bool loaded;

	if (!w->dry_run && geteuid())
		die(EXIT_FAILURE, "only root can do that; --dry-run shows what "
				  "would be done");
	w->root = sysroot_open(w->sysroot ? w->sysroot : "/");
	if (!w->all)
		read_conf(w, file);
	loaded = shpt_is_loaded(w->root);
	if (!loaded && !release && w->conf.n)
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	if (loaded)
		w->n = regions_read(w->root, &w->regions);
	failed += release ? release_all(w) : restore_all(w);
	failed += w->conf.wrong;
	regions_conf_free(&w->conf);
	free(w->regions);
	close(w->root);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int restore(int argc, char **argv)
{
	enum { RELEASE = 256, ALL, CONF_FILE, DRY_RUN, SYSROOT };
	static const struct option options[] = {
		{ "release", no_argument, NULL, RELEASE },
		{ "all", no_argument, NULL, ALL },
		{ "file", required_argument, NULL, CONF_FILE },
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct work w = { 0 };
	const char *file = NULL;
	bool release = false;
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case RELEASE:
			release = true;
			break;
		case ALL:
			w.all = true;
			break;
		case CONF_FILE:
			file = optarg;
			break;
		case DRY_RUN:
			w.dry_run = true;
			break;
		case SYSROOT:
			w.sysroot = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl restore --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl restore --help",
		    argv[optind]);
	if (w.all && (!release || file))
		die(EXIT_USAGE, "--all goes with --release, and needs no file");
	if (w.sysroot && !w.dry_run)
		die(EXIT_USAGE,
		    "--sysroot needs --dry-run: what is below %s cannot be "
		    "changed",
		    w.sysroot);
	return run(&w, file, release);
}
