// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * obstacles.c - what keeps a cluster's server from sharing, and what to do
 *
 * Each check looks at one thing and returns what is wrong with it and the
 * command that mends it, or NULL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shptctl.h"

static const char *owner_name(const struct cluster *c)
{
	const struct passwd *user = getpwuid(c->owner);

	return user ? user->pw_name : "?";
}

/* Becomes the cluster's owner, with the groups that pg_ctlcluster gives him. */
static int become_owner(const struct cluster *c)
{
	const struct passwd *user = getpwuid(c->owner);

	if (geteuid() == c->owner)
		return 0;
	if (!user || initgroups(user->pw_name, user->pw_gid) ||
	    setgid(user->pw_gid))
		return -1;
	return setuid(user->pw_uid);
}

/* What a function returns that the owner calls. This asks the kernel and not
 * the mode of a file: there may be access control lists. */
static int as_owner(const struct cluster *c,
		    int (*function)(int dir, const char *path), int dir,
		    const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(become_owner(c) ? EPERM : function(dir, path));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		die(EXIT_FAILURE, "cannot start a process: %s",
		    strerror(errno));
	return WEXITSTATUS(status);
}

static int try_device(int dir, const char *path)
{
	return faccessat(dir, path, R_OK | W_OK, AT_EACCESS) ? errno : 0;
}

static int try_library(int dir, const char *path)
{
	return faccessat(dir, path, R_OK, AT_EACCESS) ? errno : 0;
}

/* As the library makes files there. */
static int try_folder(int dir, const char *path)
{
	int fd = openat(dir, path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	return file_kind(fd) == FILE_OTHER ? EMEDIUMTYPE : 0;
}

/* Of a copy the file system that it is on tells nothing. */
static int try_copied_folder(int dir, const char *path)
{
	return faccessat(dir, path, W_OK | X_OK, AT_EACCESS) ? errno : 0;
}

static bool is_copy(const struct cluster *c)
{
	struct stat root, here;

	return fstat(c->root, &root) || stat("/", &here) ||
	       root.st_dev != here.st_dev || root.st_ino != here.st_ino;
}

static const char *value(const struct preload *p, int variable)
{
	return p->values[variable] ?: "";
}

static bool needs_module(const struct preload *p)
{
	const char *backend = value(p, PRELOAD_BACKEND);

	return !*backend || !strcmp(backend, "shpt");
}

static char *check_device(const struct cluster *c, const struct preload *p)
{
	char *grant, *obstacle;
	struct stat st;

	if (!needs_module(p))
		return NULL;
	if (!shpt_is_loaded(c->root))
		return print("the module is not loaded: %s",
			     load_module(c->root));
	if (fstatat(c->root, "dev/shpt", &st, 0))
		return print("there is no /dev/shpt: see shptctl explain");
	if (!as_owner(c, try_device, c->root, "dev/shpt"))
		return NULL;
	grant = device_grant(c->root, &st, owner_name(c));
	obstacle = print("%s may not open /dev/shpt: %s", owner_name(c), grant);
	free(grant);
	return obstacle;
}

/* The last of those that are preloaded. */
static char *check_library(const struct cluster *c, const struct preload *p)
{
	const char *all = value(p, PRELOAD_LIBRARY);
	const char *last = strrchr(all, ':');
	const char *path = last ? last + 1 : all;
	int err;

	if (!strstr(path, "/libshpt-preload.so"))
		return NULL;
	err = as_owner(c, try_library, c->root, below_root(path));
	if (!err)
		return NULL;
	if (err == ENOENT)
		return print("%s is missing: install shpt there", path);
	return print("%s may not read %s: %s: install shpt where all may",
		     owner_name(c), path, strerror(err));
}

/* As PostgreSQL writes the value of a setting that is a word. */
static bool is_on(const char *word)
{
	return !strcasecmp(word, "on") || !strcasecmp(word, "true") ||
	       !strcasecmp(word, "yes") || !strcmp(word, "1");
}

static bool is_none(const char *number)
{
	return !number || !strcmp(number, "0");
}

/* Huge pages are mapped if there are enough, "try" or "on"; nobody asks shpt. */
static char *check_huge_pages(const struct cluster *c, const struct preload *p)
{
	char *word = cluster_setting(c, "huge_pages"), *obstacle = NULL;
	char *pages = fact_line(c->root, "proc/sys/vm/nr_hugepages");
	char *more = fact_line(c->root, "proc/sys/vm/nr_overcommit_hugepages");
	bool wanted = !strcmp(value(p, PRELOAD_BACKEND), "hugetlb");
	bool tries = !word || !strcasecmp(word, "try");

	if (!wanted && word && is_on(word))
		obstacle = print("huge_pages is %s: pg_conftool %s %s set "
				 "huge_pages off",
				 word, c->version, c->name);
	else if (!wanted && tries && !(is_none(pages) && is_none(more)))
		obstacle = print("huge_pages is try, and there %s %s: "
				 "pg_conftool %s %s set huge_pages off",
				 is_none(pages) ? "can be" : "are",
				 is_none(pages) ? more : pages, c->version,
				 c->name);
	free(word);
	free(pages);
	free(more);
	return obstacle;
}

static char *check_memory_type(const struct cluster *c, const struct preload *p)
{
	char *type = cluster_setting(c, "shared_memory_type");
	char *obstacle = NULL;

	(void)p;
	if (type && strcasecmp(type, "mmap") != 0 &&
	    !postmaster_may_share_sysv(c))
		obstacle = print("shared_memory_type is %s, which takes "
				 "CAP_CHECKPOINT_RESTORE (see "
				 "shptctl-postgres(8)): pg_conftool %s %s set shared_memory_type "
				 "mmap",
				 type, c->version, c->name);
	free(type);
	return obstacle;
}

/* As PostgreSQL takes a size of memory: without a unit it is in its blocks. */
static size_t buffers_bytes(const char *text)
{
	static const struct {
		const char *name;
		double bytes;
	} units[] = { { "", 8192 },	  { "B", 1 },
		      { "kB", 1L << 10 }, { "MB", 1L << 20 },
		      { "GB", 1L << 30 }, { "TB", 1L << 40 } };
	char *unit;
	double number = strtod(text, &unit);

	unit += strspn(unit, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		double bytes = number * units[i].bytes;

		/* What PostgreSQL itself refuses may be any number, or none. */
		if (!strcmp(unit, units[i].name) && bytes >= 0 &&
		    bytes < (double)PTRDIFF_MAX)
			return (size_t)bytes;
	}
	return SIZE_MAX;
}

/* The mapping has all the buffers and little more. */
static char *check_size(const struct cluster *c, const struct preload *p)
{
	char *buffers = cluster_setting(c, "shared_buffers"), *obstacle = NULL;
	const char *min = value(p, PRELOAD_MIN_SIZE);
	size_t bytes = buffers ? buffers_bytes(buffers) : SIZE_MAX, least;
	bool small = bytes < 1 << 20;

	/* As the library does. */
	if (!parse_size(min, &least)) {
		min = "64M";
		least = PRELOAD_MIN_BYTES;
	}
	if (bytes < least)
		obstacle = print("shared_buffers is %s, and what is smaller "
				 "than %s is left alone: shptctl postgres "
				 "enable --min-size %zu%c %s",
				 buffers, min, bytes >> (small ? 10 : 20),
				 small ? 'K' : 'M', c->id);
	free(buffers);
	return obstacle;
}

static char *check_backing(const struct cluster *c, const struct preload *p)
{
	const char *folder = value(p, PRELOAD_BACKING);
	int err = 0;

	if (*folder)
		err = as_owner(c, is_copy(c) ? try_copied_folder : try_folder,
			       c->root, below_root(folder));
	if (!err || (err == EMEDIUMTYPE && !needs_module(p)))
		return NULL;
	if (err == EMEDIUMTYPE)
		return print(
			"%s is neither on DAX nor on tmpfs, so files there "
			"cannot be shared: mount its file system with -o "
			"dax=always, or name another folder with --backing",
			folder);
	if (err == ENOENT)
		return print("%s is missing: make it, for %s to write there, "
			     "or name another folder with --backing",
			     folder, owner_name(c));
	return print("%s can make no file without a name in %s: %s: let the "
		     "user write there, or name another folder with --backing",
		     owner_name(c), folder, strerror(err));
}

static char *(*const checks[])(const struct cluster *,
			       const struct preload *) = {
	check_device,	   check_library, check_huge_pages,
	check_memory_type, check_size,	  check_backing,
};
_Static_assert(sizeof(checks) / sizeof(*checks) == OBSTACLES,
	       "there is room for what all checks find");

size_t cluster_obstacles(const struct cluster *c, const struct preload *p,
			 char *obstacles[])
{
	size_t n = 0;

	for (size_t i = 0; i < OBSTACLES; i++) {
		obstacles[n] = checks[i](c, p);
		n += obstacles[n] != NULL;
	}
	return n;
}

size_t print_obstacles(const struct cluster *c, const struct preload *p)
{
	char *obstacles[OBSTACLES];
	size_t n = cluster_obstacles(c, p, obstacles);

	if (n)
		puts("Still in the way:");
	for (size_t i = 0; i < n; i++) {
		say("  %s", obstacles[i]);
		free(obstacles[i]);
	}
	return n;
}
