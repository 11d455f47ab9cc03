// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_library.c - does a process ask for shared page tables: is a library of
 * shpt in it, and what has that been told
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "mounts.h"
#include "shptctl.h"

/* ---- what asks for sharing ----------------------------------------------- */

/* The program's interpreter, which is what heeds LD_PRELOAD. */
static bool is_static(const struct subject *s)
{
	for (size_t i = 0; i < s->p.n; i++) {
		const char *slash = strrchr(s->p.mappings[i].path, '/');

		if (slash && !strncmp(slash, "/ld-", 4) && strstr(slash, ".so"))
			return false;
	}
	return true;
}

/* Whether it has rights that its caller had not, as by the setuid bit. */
static bool is_secure(const struct subject *s)
{
	char *path = print("proc/%d/auxv", s->p.pid);
	int fd = openat(s->m->root, path, O_RDONLY | O_CLOEXEC);
	Elf64_auxv_t entry;
	bool secure = false;

	free(path);
	while (fd >= 0 && read(fd, &entry, sizeof(entry)) == sizeof(entry))
		if (entry.a_type == AT_SECURE)
			secure = entry.a_un.a_val;
	if (fd >= 0)
		close(fd);
	return secure;
}

/*
 * "15/main", if it is a server of a cluster that Debian's packages have made:
 * it is told where its settings are, and its children's titles name it.
 */
static char *cluster_of(const struct subject *s)
{
	char *path = print("proc/%d/cmdline", s->p.pid), *arg = NULL, *id = NULL;
	int fd = openat(s->m->root, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char version[16], name[NAME_MAX];
	size_t size = 0;

	free(path);
	if (!f)
		return NULL;
	while (!id && getdelim(&arg, &size, '\0', f) > 0)
		if (sscanf(arg,
			   "config_file=/etc/postgresql/%15[0-9.]/%254[^/]/",
			   version, name) == 2 ||
		    sscanf(arg, "postgres: %15[0-9.]/%254[^: ]: ", version,
			   name) == 2)
			id = print("%s/%s", version, name);
	free(arg);
	fclose(f);
	return id;
}

static void mend_start(struct report *r, const struct subject *s)
{
	char *id = cluster_of(s);

	if (id)
		mend(r, "shptctl postgres enable %s  # says how to restart it",
		     id);
	else
		mend(r, "start it anew with: shptctl exec -- %s ...",
		     s->command);
	free(id);
}

static void check_unloaded(struct report *r, const struct subject *s)
{
	char *preload = process_variable(s->m->root, s->p.pid, "LD_PRELOAD");
	bool wanted = preload && strstr(preload, "libshpt-preload.so");

	if (is_static(s)) {
		found(r, "library", NO,
		      "it is linked statically, and LD_PRELOAD has no effect");
		mend(r, "link it dynamically, or with libshpt");
	} else if (is_secure(s)) {
		found(r, "library", NO,
		      "it is setuid or the like, and LD_PRELOAD has no effect");
		mend(r, "run it as the user that it is to be, without the "
			"setuid bit and file capabilities");
	} else if (wanted) {
		found(r, "library", NO,
		      "LD_PRELOAD=%s, but libshpt-preload.so is not loaded",
		      preload);
		mend(r,
		     "see what ld.so has said on its stderr: it has to find "
		     "the file there, and user %s to be allowed to read it",
		     s->user);
	} else {
		found(r, "library", NO,
		      "neither libshpt.so nor libshpt-preload.so is loaded");
		mend_start(r, s);
	}
	free(preload);
}

void check_library(struct report *r, const struct subject *s)
{
	const char *library = process_library(&s->p);

	if (library && strstr(library, "-preload.so") && is_secure(s)) {
		found(r, "library", NO,
		      "%s leaves what is setuid or the like alone", library);
		mend(r, "run it as the user that it is to be, without the "
			"setuid bit and file capabilities");
	} else if (library) {
		found(r, "library", OK, "%s", library);
	} else if (is_sharing(s)) {
		found(r, "library", OK, "none, and it shares by itself");
	} else {
		check_unloaded(r, s);
	}
}

/* ---- the settings of the library ----------------------------------------- */

static char *why_backing(const struct subject *s, const char *folder)
{
	char *mounts = print("proc/%d/mountinfo", s->p.pid), *why = NULL;
	struct mount m;

	if (mount_of_path(s->m->root, mounts, folder, &m) && !mount_kind(&m))
		why = print("LIBSHPT_BACKING=%s, which is on %s without DAX",
			    folder, m.type);
	mount_free(&m);
	free(mounts);
	return why;
}

static void mend_setting(struct report *r, const struct subject *s,
			 const char *option, const char *variable)
{
	char *id = cluster_of(s);

	if (id)
		mend(r,
		     "shptctl postgres enable %s '' %s  # says how to "
		     "restart it",
		     option, id);
	else
		mend(r, "start it anew without %s", variable);
	free(id);
}

void check_settings(struct report *r, const struct subject *s)
{
	int root = s->m->root;
	char *backend = process_variable(root, s->p.pid, "LIBSHPT_BACKEND");
	char *min = process_variable(root, s->p.pid, "LIBSHPT_MIN_SIZE");
	char *folder = process_variable(root, s->p.pid, "LIBSHPT_BACKING");
	char *why = folder && *folder ? why_backing(s, folder) : NULL;
	size_t bytes;

	if (backend && *backend && strcmp(backend, "shpt") != 0) {
		found(r, "settings", NO,
		      "LIBSHPT_BACKEND=%s has it ask for no shared page "
		      "tables",
		      backend);
		mend_setting(r, s, "--backend", "LIBSHPT_BACKEND");
	} else if (why) {
		found(r, "settings", NO, "%s", why);
		mend_setting(r, s, "--backing", "LIBSHPT_BACKING");
	} else if (min && *min && !parse_size(min, &bytes)) {
		found(r, "settings", NOTE,
		      "LIBSHPT_MIN_SIZE=%s is no size, 64M is used", min);
		mend(r, "write a number, or one with K, M or G, such as 64M");
	} else {
		found(r, "settings", OK, "LIBSHPT_MIN_SIZE is %s",
		      min && *min ? min : "64M");
	}
	free(why);
	free(folder);
	free(min);
	free(backend);
}
