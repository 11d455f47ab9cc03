// SPDX-License-Identifier: GPL-2.0-or-later
/* cluster.c - a PostgreSQL cluster as Debian's packages set it up */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shptctl.h"

/* Where the settings of all clusters are: postgresql-common's own variable. */
static const char *settings_folder(void)
{
	const char *folder = getenv("PG_CLUSTER_CONF_ROOT");

	return below_root(folder && *folder ? folder : "/etc/postgresql");
}

static void parse_id(struct cluster *c, const char *id)
{
	size_t version = strspn(id, "0123456789.");
	const char *name = id + version + 1;

	if (!version || id[version] != '/' || !*name || *name == '.' ||
	    strpbrk(name, "/ '\""))
		die(EXIT_USAGE,
		    "'%s' is no cluster: VERSION/CLUSTER, such as 15/main; see "
		    "pg_lsclusters",
		    id);
	c->id = id;
	c->version = print("%.*s", (int)version, id);
	c->name = name;
}

/* The process in its own file, unless that was left behind. */
static pid_t find_postmaster(const struct cluster *c)
{
	char *line = fact_line(c->root, "%s/postmaster.pid", c->data);
	int pid = line ? atoi(line) : 0;

	if (!line && errno == EACCES)
		die(EXIT_FAILURE,
		    "cannot look into /%s: run this as root, or as the "
		    "cluster's owner",
		    c->data);
	free(line);
	line = fact_line(c->root, "proc/%d/comm", pid);
	if (!line || strcmp(line, "postgres"))
		pid = 0;
	free(line);
	return pid;
}

void cluster_open(struct cluster *c, int root, const char *id)
{
	struct stat st;
	char *data;

	parse_id(c, id);
	c->root = root;
	c->dir = print("%s/%s", settings_folder(), id);
	data = print("%s/postgresql.conf", c->dir);
	if (faccessat(root, data, R_OK, 0))
		die(EXIT_FAILURE, "/%s: %s; see pg_lsclusters", data,
		    strerror(errno));
	free(data);
	c->data = "";
	data = cluster_setting(c, "data_directory");
	if (!data)
		die(EXIT_FAILURE,
		    "/%s/postgresql.conf sets no data_directory, which Debian's "
		    "clusters have",
		    c->dir);
	c->data = below_root(data);
	if (fstatat(root, c->data, &st, 0))
		die(EXIT_FAILURE, "/%s: %s", c->data, strerror(errno));
	c->owner = st.st_uid;
	c->postmaster = find_postmaster(c);
}

/* What ALTER SYSTEM wrote comes last. */
char *cluster_setting(const struct cluster *c, const char *name)
{
	char *path = print("%s/postgresql.conf", c->dir);
	char *value = conf_value(c->root, path, NULL, name), *later;

	free(path);
	path = print("%s/postgresql.auto.conf", c->data);
	later = *c->data ? conf_value(c->root, path, NULL, name) : NULL;
	free(path);
	if (!later)
		return value;
	free(value);
	return later;
}

char *cluster_restart(const struct cluster *c)
{
	const char *verb = c->postmaster ? "restart" : "start";

	if (faccessat(c->root, "run/systemd/system", F_OK, 0) == 0)
		return print("systemctl %s postgresql@%s-%s", verb, c->version,
			     c->name);
	return print("pg_ctlcluster %s %s %s", c->version, c->name, verb);
}

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

/* Asks the kernel and not the mode: there may be access control lists. */
static bool owner_may(const struct cluster *c, int dir, const char *path,
		      int access)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(become_owner(c) ||
		      faccessat(dir, path, access, AT_EACCESS));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(EXIT_FAILURE, "cannot start a process: %s",
		    strerror(errno));
	return status == 0;
}

static char *check_device(const struct cluster *c)
{
	const struct group *group;
	struct stat st;

	if (fstatat(c->root, "dev/shpt", &st, 0))
		return print("there is no /dev/shpt: see shptctl explain");
	if (owner_may(c, c->root, "dev/shpt", R_OK | W_OK))
		return NULL;
	group = getgrgid(st.st_gid);
	if (!group || st.st_gid == 0 || !(st.st_mode & S_IWGRP))
		return print("%s may not open /dev/shpt, which no group may: "
			     "see shptctl explain",
			     owner_name(c));
	return print("%s may not open /dev/shpt: usermod --append --groups %s "
		     "%s",
		     owner_name(c), group->gr_name, owner_name(c));
}

static char *check_library(const struct cluster *c)
{
	char *path = preload_library(), *obstacle = NULL;

	if (!owner_may(c, AT_FDCWD, path, R_OK))
		obstacle = print("%s may not read %s: install shpt where all "
				 "may",
				 owner_name(c), path);
	free(path);
	return obstacle;
}

/* As PostgreSQL writes the value of a setting that is a word. */
static bool is_on(const char *value)
{
	return !strcasecmp(value, "on") || !strcasecmp(value, "true") ||
	       !strcasecmp(value, "yes") || !strcmp(value, "1");
}

/* Huge pages are mapped if there are enough, "try" or "on"; nobody asks shpt. */
static char *check_huge_pages(const struct cluster *c)
{
	char *value = cluster_setting(c, "huge_pages"), *obstacle = NULL;
	char *pages = fact_line(c->root, "proc/sys/vm/nr_hugepages");
	bool tries = !value || !strcasecmp(value, "try");

	if (value && is_on(value))
		obstacle = print("huge_pages is %s", value);
	else if (tries && pages && strcmp(pages, "0"))
		obstacle = print("huge_pages is try, and there are %s", pages);
	free(value);
	free(pages);
	if (!obstacle)
		return NULL;
	value = obstacle;
	obstacle = print("%s: pg_conftool %s %s set huge_pages off", value,
			 c->version, c->name);
	free(value);
	return obstacle;
}

static char *check_memory_type(const struct cluster *c)
{
	char *value = cluster_setting(c, "shared_memory_type");
	char *obstacle = NULL;

	if (value && strcasecmp(value, "mmap"))
		obstacle = print("shared_memory_type is %s, which takes "
				 "CAP_CHECKPOINT_RESTORE (see shptctl(8)): "
				 "pg_conftool %s %s set shared_memory_type "
				 "mmap",
				 value, c->version, c->name);
	free(value);
	return obstacle;
}

size_t cluster_obstacles(const struct cluster *c, char *obstacles[])
{
	char *all[OBSTACLES] = {
		shpt_is_loaded(c->root) ?
			check_device(c) :
			print("the module is not loaded: modprobe shpt"),
		check_library(c),
		check_huge_pages(c),
		check_memory_type(c),
	};
	size_t n = 0;

	for (size_t i = 0; i < OBSTACLES; i++)
		if (all[i])
			obstacles[n++] = all[i];
	return n;
}
