// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * region.c - facts about a region, as the kernel module tells of it
 *
 * They are not there if /sys is not, as in some containers.
 */
#include "pg_shpt.h"

#include "lib/stringinfo.h"
#include "storage/fd.h"

static FILE *open_fact(uint64 id, const char *name)
{
	char path[MAXPGPATH];

	snprintf(path, sizeof(path),
		 "/sys/class/misc/shpt/region/" UINT64_FORMAT "/%s", id, name);
	return AllocateFile(path, "r");
}

bool region_fact(uint64 id, const char *name, int64 *value)
{
	FILE *file = open_fact(id, name);
	long long number;
	bool found;

	if (!file)
		return false;
	found = fscanf(file, "%lld", &number) == 1;
	FreeFile(file);
	if (found)
		*value = number;
	return found;
}

/*
 * The hosts as a text in JSON, or NULL. The module has a line for each: its
 * access, its node, -1 if it is on any, and the bytes of its tables.
 */
char *region_hosts(uint64 id)
{
	FILE *file = open_fact(id, "nodes");
	unsigned long bytes;
	StringInfoData json;
	char access[16];
	int node;

	if (!file)
		return NULL;
	initStringInfo(&json);
	while (fscanf(file, "%15s %d %lu", access, &node, &bytes) == 3) {
		appendStringInfo(&json, "%s{\"access\": \"%s\", \"node\": ",
				 json.len ? ", " : "[", access);
		if (node < 0)
			appendStringInfoString(&json, "null");
		else
			appendStringInfo(&json, "%d", node);
		appendStringInfo(&json, ", \"page_table_bytes\": %lu}", bytes);
	}
	FreeFile(file);
	appendStringInfoString(&json, json.len ? "]" : "[]");
	return json.data;
}
