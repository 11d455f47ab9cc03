// SPDX-License-Identifier: GPL-2.0-or-later
/* cluster.c - a PostgreSQL cluster as Debian's packages set it up */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
	size_t version = strspn(id, "0123456789") ? strspn(id, "0123456789.") :
						    0;
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

void cluster_open(struct cluster *c, int root, const char *id)
{
	memset(c, 0, sizeof(*c));
	c->root = root;
	parse_id(c, id);
	c->dir = print("%s/%s", settings_folder(), id);
}

char *cluster_look(struct cluster *c)
{
	char *path = print("%s/postgresql.conf", c->dir), *data;
	struct stat st;

	if (faccessat(c->root, path, R_OK, 0))
		return print("/%s: %s; see pg_lsclusters", path,
			     strerror(errno));
	free(path);
	data = cluster_setting(c, "data_directory");
	if (!data)
		return print("/%s/postgresql.conf sets no data_directory, "
			     "which Debian's clusters have",
			     c->dir);
	if (fstatat(c->root, below_root(data), &st, 0))
		return print("%s: %s", data, strerror(errno));
	c->data = below_root(data);
	c->owner = st.st_uid;
	return postmaster_find(c, &c->postmaster);
}

/* What ALTER SYSTEM wrote comes last. */
char *cluster_setting(const struct cluster *c, const char *name)
{
	char *path = print("%s/postgresql.conf", c->dir);
	char *value = conf_value(c->root, path, NULL, name), *later;

	free(path);
	path = print("%s/postgresql.auto.conf", c->data ?: "");
	later = c->data ? conf_value(c->root, path, NULL, name) : NULL;
	free(path);
	if (!later)
		return value;
	free(value);
	return later;
}

char *cluster_restart(const struct cluster *c)
{
	const char *verb = c->postmaster ? "restart" : "start";
	const char *option = "";

	/* As pg_ctlcluster decides. It would ask systemd to restart a server
	 * that systemd knows nothing of. */
	if (faccessat(c->root, "run/systemd/system", F_OK, 0) == 0 &&
	    !getenv("PG_CLUSTER_CONF_ROOT")) {
		if (!c->postmaster || postmaster_is_unit(c))
			return print("systemctl %s postgresql@%s-%s", verb,
				     c->version, c->name);
		option = "--skip-systemctl-redirect ";
	}
	return print("pg_ctlcluster %s%s %s %s", option, c->version, c->name,
		     verb);
}
