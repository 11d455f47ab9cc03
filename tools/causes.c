// SPDX-License-Identifier: GPL-2.0-or-later
/* causes.c - read why chunks were unlinked: a number in a file for each cause */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>

#include "causes.h"
#include "shptctl.h"

static int is_cause(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

size_t causes_read(int root, const char *dir, struct cause **causes)
{
	char *path = print("%s/unlinks_by", dir);
	struct dirent **entries;
	int n = scandirat(root, path, &entries, is_cause, alphasort);

	*causes = NULL;
	if (n > 0) {
		*causes = calloc(n, sizeof(**causes));
		if (!*causes)
			die(EXIT_FAILURE, "no memory for %d causes", n);
		for (int i = 0; i < n; i++) {
			const char *name = entries[i]->d_name;
			char *line = fact_line(root, "%s/%s", path, name);

			(*causes)[i].name = print("%s", name);
			(*causes)[i].unlinks = line ? atoll(line) : 0;
			free(line);
			free(entries[i]);
		}
		free(entries);
	}
	free(path);
	return n > 0 ? n : 0;
}

void causes_free(struct cause *causes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(causes[i].name);
	free(causes);
}
