// SPDX-License-Identifier: GPL-2.0-or-later
/* postmaster.c - the process of a cluster's server that starts all others */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "shptctl.h"

static char *status_line(const struct cluster *c, pid_t pid, const char *name)
{
	char *path = print("proc/%d/status", pid);
	char *line = fact_line_with(c->root, path, name);

	free(path);
	return line;
}

static pid_t parent_of(const struct cluster *c, pid_t pid)
{
	static const char name[] = "PPid:";
	char *line = status_line(c, pid, name);
	pid_t parent = line ? atoi(line + strlen(name)) : 0;

	free(line);
	return parent;
}

static bool is_postgres(const struct cluster *c, pid_t pid)
{
	char *line = fact_line(c->root, "proc/%d/comm", pid);
	bool is = line && !strcmp(line, "postgres");

	free(line);
	return is;
}

/* All processes of a server are in its data directory. Who may not see that is
 * told so when he asks for more. */
static bool is_at_home(const struct cluster *c, pid_t pid)
{
	char *path = print("proc/%d/cwd", pid);
	struct stat home, cwd;
	bool is;

	if (fstatat(c->root, path, &cwd, 0))
		is = errno == EACCES;
	else
		is = fstatat(c->root, c->data, &home, 0) == 0 &&
		     home.st_dev == cwd.st_dev && home.st_ino == cwd.st_ino;
	free(path);
	return is;
}

char *postmaster_find(const struct cluster *c, pid_t *postmaster)
{
	char *line = fact_line(c->root, "%s/postmaster.pid", c->data);
	pid_t pid = line ? atoi(line) : 0;

	if (!line && errno == EACCES)
		return print("cannot look into /%s: run this as root, or as "
			     "the cluster's owner",
			     c->data);
	free(line);
	/* The file may be left behind, and the number be another's by now. */
	if (pid && is_postgres(c, pid) && is_at_home(c, pid) &&
	    !is_postgres(c, parent_of(c, pid)))
		*postmaster = pid;
	return NULL;
}

bool postmaster_is_unit(const struct cluster *c)
{
	char *path = print("proc/%d/cgroup", c->postmaster);
	char *unit = print("/postgresql@%s-%s.service", c->version, c->name);
	char *line = fact_line_with(c->root, path, unit);
	bool is = line;

	free(line);
	free(unit);
	free(path);
	return is;
}

bool postmaster_may_share_sysv(const struct cluster *c)
{
	static const char name[] = "CapEff:";
	char *line = c->postmaster ? status_line(c, c->postmaster, name) : NULL;
	unsigned long long has =
		line ? strtoull(line + strlen(name), NULL, 16) : 0;

	free(line);
	return has & (1ULL << CAP_CHECKPOINT_RESTORE | 1ULL << CAP_SYS_ADMIN);
}
