// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * steer.c - what the verbs that change regions have in common: their options,
 * and which region an argument means
 *
 * With --dry-run nothing but /sys is looked at where that is enough, so it can
 * be asked of the copy of another machine's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shptctl.h"

bool steer_option(struct steering *s, int option, const char *arg)
{
	switch (option) {
	case STEER_DRY_RUN:
		s->dry_run = true;
		return true;
	case STEER_SYSROOT:
		s->sysroot = arg;
		return true;
	default:
		return false;
	}
}

void steer_begin(struct steering *s)
{
	if (s->sysroot && !s->dry_run)
		die(EXIT_USAGE,
		    "--sysroot needs --dry-run: what is below %s "
		    "cannot be changed",
		    s->sysroot);
	s->root = sysroot_open(s->sysroot ? s->sysroot : "/");
	if (!shpt_is_loaded(s->root))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	s->n = regions_read(s->root, &s->regions);
}

void steer_end(struct steering *s)
{
	free(s->regions);
	close(s->root);
}

char *region_title(const struct libshpt_region *region)
{
	const char *name = *region->name ? region->name : region->backing;
	char *seen, *title;

	if (!*name)
		return print("region %" PRIu64, region->id);
	seen = plain(name);
	title = print("region %" PRIu64 " (%s)", region->id, seen);
	free(seen);
	return title;
}

const struct libshpt_region *region_named(const struct libshpt_region *regions,
					  size_t n, const char *name)
{
	name += *name == '/';
	for (size_t i = 0; i < n; i++)
		if (*regions[i].name && !strcmp(regions[i].name, name))
			return &regions[i];
	return NULL;
}

const struct libshpt_region *
region_numbered(const struct libshpt_region *regions, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (regions[i].id == id)
			return &regions[i];
	return NULL;
}

bool is_region_number(const char *what, uint64_t *id)
{
	char *end;

	*id = strtoull(what, &end, 10);
	return *what >= '0' && *what <= '9' && !*end;
}

bool is_ours(const struct libshpt_region *region)
{
	return !geteuid() || (region->registered && region->uid == geteuid());
}

const struct libshpt_region *region_backed(const struct libshpt_region *regions,
					   size_t n, const char *path)
{
	char *real = realpath(path, NULL);
	const struct libshpt_region *found = NULL;

	for (size_t i = 0; i < n && !found; i++)
		if (!strcmp(regions[i].backing, path) ||
		    (real && !strcmp(regions[i].backing, real)))
			found = &regions[i];
	free(real);
	return found;
}

const struct libshpt_region *region_find(const struct libshpt_region *regions,
					 size_t n, const char *what)
{
	const struct libshpt_region *found = region_named(regions, n, what);
	uint64_t id;

	if (!found && is_region_number(what, &id))
		return region_numbered(regions, n, id);
	return found ? found : region_backed(regions, n, what);
}

/* Which is made by that if there is none yet, and would end with us. */
static void open_file(struct steering *s, const char *path)
{
	struct reason why;
	uint64_t id;

	if (access(path, F_OK))
		die(EXIT_FAILURE,
		    "'%s' is the name or number of no region, and as a file: "
		    "%s; see shptctl list",
		    path, strerror(errno));
	s->fd = region_open_file(path, O_RDWR);
	id = region_id(s->fd);
	if (!id || next_region(s->root, id - 1, &s->region, &why) != 1 ||
	    s->region.id != id || (!s->region.registered && !s->region.guests))
		die(EXIT_FAILURE,
		    "no process maps %s with shpt, and it is not registered, "
		    "so nothing of it would stay; run: shptctl register %s",
		    path, path);
}

void steer_find(struct steering *s, const char *what)
{
	const struct libshpt_region *found =
		region_find(s->regions, s->n, what);
	uint64_t id;

	s->fd = -1;
	if (found)
		s->region = *found;
	else if (s->sysroot || is_region_number(what, &id))
		die(EXIT_FAILURE, "there is no region '%s'; see shptctl list",
		    what);
	else
		open_file(s, what);
}

int steer_open(const struct steering *s)
{
	int fd = s->fd;

	/* Its mode may allow more than its owner and root. */
	if (fd < 0 && *s->region.name)
		fd = region_open_name(s->region.name);
	return fd < 0 ? region_open_id(s->region.id) : fd;
}

bool in_own_process(void (*act)(const void *work, const void *arg),
		    const void *work, const void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die(EXIT_FAILURE, "cannot start a process: %s",
		    strerror(errno));
	if (!pid) {
		act(work, arg);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
