// SPDX-License-Identifier: GPL-2.0-or-later
/* hosts.c - read the hosts of a region: a line for each in its file "nodes" */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>

#include "columns.h"
#include "hosts.h"
#include "shptctl.h"

static bool parse_host(const char *line, struct host *host)
{
	char access[8];

	if (sscanf(line, "%7s %" SCNd64 " %" SCNd64, access, &host->node,
		   &host->table_bytes) != 3)
		return false;
	if (host->node < 0)
		host->node = COLUMN_UNKNOWN;
	host->access = print("%s", access);
	return true;
}

size_t hosts_read(int root, const char *dir, struct host **hosts)
{
	char *path = print("%s/nodes", dir), *next = NULL;
	struct stat st;
	char *text = file_text(root, path, 0, &st);
	size_t n = 0;

	*hosts = NULL;
	for (char *line = text ? strtok_r(text, "\n", &next) : NULL; line;
	     line = strtok_r(NULL, "\n", &next)) {
		*hosts = reallocarray(*hosts, n + 1, sizeof(**hosts));
		if (!*hosts)
			die(EXIT_FAILURE, "no memory for %zu hosts", n + 1);
		if (!parse_host(line, &(*hosts)[n++]))
			die(EXIT_FAILURE,
			    "/%s has the line '%s': use module and shptctl of "
			    "one version",
			    path, line);
	}
	free(text);
	free(path);
	return n;
}

void hosts_free(struct host *hosts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(hosts[i].access);
	free(hosts);
}
