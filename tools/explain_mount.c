// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_mount.c - can files in this directory share, and which regions keep
 * its file system busy
 *
 * A region holds its file open, and no process that lsof(8) would show does.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "mounts.h"
#include "shptctl.h"

#define MOUNTS "proc/self/mountinfo"

/* "a, b" of "a" and b, with what goes between. */
static void append(char **list, const char *between, const char *what)
{
	char *before = *list;

	*list = before ? print("%s%s%s", before, between, what) :
			 print("%s", what);
	free(before);
}

static void add_holder(struct report *r, const struct libshpt_region *region)
{
	struct holder *h;

	r->holders =
		reallocarray(r->holders, r->n_holders + 1, sizeof(*r->holders));
	if (!r->holders)
		die(EXIT_FAILURE, "no memory for another region");
	h = &r->holders[r->n_holders++];
	h->id = (int64_t)region->id;
	h->name = region->registered ? print("%s", region->name) : NULL;
	h->guests = (int64_t)region->guests;
	h->processes = NULL;
	h->backing = print("%s", region->backing);
}

static void find_holders(struct report *r, const struct machine *m,
			 const struct mount *mount)
{
	struct libshpt_region *regions;
	size_t n = m->loaded ? regions_read(m->root, &regions) : 0;
	struct mount its;

	for (size_t i = 0; i < n; i++) {
		if (mount_of_path(m->root, MOUNTS, regions[i].backing, &its) &&
		    its.id == mount->id)
			add_holder(r, &regions[i]);
		mount_free(&its);
	}
	if (m->loaded)
		free(regions);
}

/* ---- who has them -------------------------------------------------------- */

static bool maps_region(const struct process *p, int64_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_guest(&p->mappings[i]) &&
		    p->mappings[i].inode == (uint64_t)id)
			return true;
	return false;
}

/* A descriptor of a region has the region's number for an inode, too. */
static bool is_open_region(const struct machine *m, int dir, const char *name,
			   int64_t id)
{
	char target[sizeof(GUEST_PATH)] = "";
	struct stat st;

	return m->here &&
	       readlinkat(dir, name, target, sizeof(target) - 1) > 0 &&
	       !strcmp(target, GUEST_PATH) && fstatat(dir, name, &st, 0) == 0 &&
	       st.st_ino == (ino_t)id;
}

static bool has_open(const struct machine *m, pid_t pid, int64_t id)
{
	char *path = print("proc/%d/fd", pid);
	int fd = openat(m->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool has = false;

	free(path);
	while (dir && !has && (entry = readdir(dir)))
		has = is_open_region(m, fd, entry->d_name, id);
	if (dir)
		closedir(dir);
	return has;
}

static void find_users(struct report *r, const struct machine *m)
{
	pid_t *pids;
	size_t n = pids_read(m->root, &pids);

	for (size_t i = 0; i < n; i++) {
		struct process p;

		if (!process_read(m->root, pids[i], &p))
			r->unreadable++;
		for (size_t j = 0; j < r->n_holders; j++) {
			struct holder *h = &r->holders[j];
			char *command, *title;

			if (!maps_region(&p, h->id) &&
			    !has_open(m, p.pid, h->id))
				continue;
			command = process_command(m->root, p.pid);
			title = print("%d %s", p.pid, command);
			append(&h->processes, ", ", title);
			free(title);
			free(command);
		}
		process_free(&p);
	}
	free(pids);
}

/* ---- what is to be said -------------------------------------------------- */

/* Takes what. */
static void add_step(char **steps, const char *verb, char *what,
		     const char *end)
{
	char *step;

	if (!what)
		return;
	step = print("%s %s%s", verb, what, end);
	append(steps, ", and ", step);
	free(step);
	free(what);
}

static void mend_holders(struct report *r)
{
	char *names = NULL, *processes = NULL, *unseen = NULL, *steps = NULL;

	for (size_t i = 0; i < r->n_holders; i++) {
		const struct holder *h = &r->holders[i];
		char *id = h->name && *h->name ? quote(h->name) :
						 print("%" PRId64, h->id);

		if (h->name)
			append(&names, " ", id);
		if (h->processes)
			append(&processes, ", ", h->processes);
		if (!h->name && !h->processes)
			append(&unseen, ", ", id);
		free(id);
	}
	add_step(&steps, "shptctl unregister", names, "");
	add_step(&steps, "stop", processes, "");
	add_step(&steps,
		 "run this as root, on the machine itself and outside of "
		 "containers, to see who has region",
		 unseen, " open");
	mend(r, "to unmount it: %s", steps);
	free(steps);
}

static void check_busy(struct report *r, const struct machine *m,
		       const struct mount *mount)
{
	if (r->n_holders) {
		found(r, "mount", NOTE, "%zu region%s %s from being unmounted",
		      r->n_holders, r->n_holders == 1 ? " keeps" : "s keep",
		      mount->point);
		mend_holders(r);
	} else if (m->loaded && m->here && geteuid()) {
		found(r, "mount", UNKNOWN,
		      "which regions are on %s only root may see",
		      mount->point);
	} else {
		found(r, "mount", OK, "no region is on %s", mount->point);
	}
}

static void check_files(struct report *r, const struct mount *mount)
{
	const char *kind = mount_kind(mount);

	if (kind) {
		found(r, "files", OK, "on %s%s", mount->type,
		      strcmp(kind, "fsdax") ? "" : " with DAX");
	} else {
		found(r, "files", NO, "on %s (%s), without DAX", mount->type,
		      mount->source);
		mend(r, "name a directory on tmpfs, as /dev/shm is, or on a "
			"file system mounted with -o dax=always");
	}
}

void check_mount(struct report *r, const struct machine *m, const char *path)
{
	struct mount mount;

	r->is_directory = true;
	if (!mount_of_path(m->root, MOUNTS, path, &mount))
		die(EXIT_FAILURE, "/" MOUNTS " does not tell what %s is on",
		    path);
	check_files(r, &mount);
	find_holders(r, m, &mount);
	if (r->n_holders)
		find_users(r, m);
	check_busy(r, m, &mount);
	mount_free(&mount);
}
