// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dkms.c - what DKMS has of shpt: for which kernels it is built, and if it could
 * not be built for this one, why
 *
 *	/var/lib/dkms/shpt/VERSION/KERNEL/ARCH/module/shpt.ko	built
 *	/var/lib/dkms/shpt/VERSION/build/make.log		it failed
 *	/usr/src/shpt-VERSION/dkms.conf				the sources
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

#define TREE "var/lib/dkms/shpt"
#define SOURCES "usr/src"
#define SOURCE_PREFIX "shpt-"

void for_each_name(int root, const char *path,
		   void (*look)(void *arg, const char *name), void *arg)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			look(arg, entry->d_name);
	closedir(dir);
}

struct search {
	const struct machine *m;
	struct dkms *d;
};

static void keep_newest(struct dkms *d, const char *version)
{
	if (d->version && strverscmp(d->version, version) >= 0)
		return;
	free(d->version);
	d->version = print("%s", version);
}

/* Beside the versions there are links for kernels. */
static void see_version(void *arg, const char *name)
{
	struct search *s = arg;
	char *path = print(TREE "/%s", name);
	struct stat st;

	if (fstatat(s->m->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		keep_newest(s->d, name);
	free(path);
}

static void see_source(void *arg, const char *name)
{
	struct search *s = arg;
	char *path = print(SOURCES "/%s/dkms.conf", name);

	if (!strncmp(name, SOURCE_PREFIX, strlen(SOURCE_PREFIX)) &&
	    faccessat(s->m->root, path, F_OK, 0) == 0)
		keep_newest(s->d, name + strlen(SOURCE_PREFIX));
	free(path);
}

static void see_kernel(void *arg, const char *name)
{
	struct search *s = arg;
	struct dkms *d = s->d;
	char *path = print(TREE "/%s/%s/%s/module", d->version, name,
			   s->m->processor);
	char *others = d->others;

	if (faccessat(s->m->root, path, F_OK, 0)) {
		free(path);
		return;
	}
	free(path);
	if (!strcmp(name, s->m->release)) {
		d->built = true;
		return;
	}
	d->others = others ? print("%s, %s", others, name) : print("%s", name);
	free(others);
}

static bool is_error(const char *line)
{
	return strcasestr(line, "error") || strstr(line, "not found") ||
	       strstr(line, "No such file") || strstr(line, "No space");
}

/* The first error of the last attempt, "" if it says none; NULL if that was for
 * another kernel. */
static char *read_error(const struct machine *m, const char *log)
{
	static const char begin[] = "DKMS make.log for ";
	char *want = print(" for kernel %s (", m->release), *line = NULL;
	int fd = openat(m->root, log, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *error = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, begin, strlen(begin))) {
			free(error);
			error = strstr(line, want) ? print("%s", "") : NULL;
		} else if (error && !*error && is_error(line)) {
			free(error);
			error = print("%s", line);
		}
	}
	if (f)
		fclose(f);
	free(line);
	free(want);
	return error;
}

static void find_version(struct search *s)
{
	for_each_name(s->m->root, TREE, see_version, s);
	if (!s->d->version)
		for_each_name(s->m->root, SOURCES, see_source, s);
}

void dkms_read(struct dkms *d, const struct machine *m)
{
	struct search s = { .m = m };
	char *path;

	memset(d, 0, sizeof(*d));
	s.d = d;
	find_version(&s);
	if (!d->version)
		return;
	path = print(TREE "/%s", d->version);
	for_each_name(m->root, path, see_kernel, &s);
	free(path);
	path = print(TREE "/%s/build/make.log", d->version);
	d->error = read_error(m, path);
	free(path);
}

void dkms_free(struct dkms *d)
{
	free(d->version);
	free(d->others);
	free(d->error);
}
