// SPDX-License-Identifier: GPL-2.0-or-later
/* node.c - the NUMA nodes of a region's page tables: words for them, changes */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "shptctl.h"

#define NODES "sys/devices/system/node"

bool parse_node(const char *text, int *node)
{
	unsigned long number;
	char *end;

	if (!strcmp(text, "one")) {
		*node = SHPT_NODE_ONE;
	} else if (!strcmp(text, "local")) {
		*node = SHPT_NODE_LOCAL;
	} else {
		number = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end || number > INT32_MAX)
			return false;
		*node = (int)number;
	}
	return true;
}

static char *no_such_node(int node)
{
	return print("there is no node %d, or it has no memory or no CPU; see "
		     "numactl --hardware",
		     node);
}

/* Of a list as /sys has them: "0-1,3". */
static bool list_has(const char *list, int node)
{
	long first, last;
	char *end;

	for (; *list; list = end + (*end == ',')) {
		first = last = strtol(list, &end, 10);
		if (end == list)
			return false;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (node >= first && node <= last)
			return true;
	}
	return false;
}

char *plan_node(int root, int node)
{
	static const char *const lists[] = { "has_memory", "has_cpu" };
	bool has = true;

	for (size_t i = 0; i < 2 && node >= 0 && has; i++) {
		char *list = fact_line(root, NODES "/%s", lists[i]);

		has = !list || list_has(list, node);
		free(list);
	}
	return has ? NULL : no_such_node(node);
}

char *set_node(int region, int node)
{
	struct shpt_set_node args = { .size = sizeof(args), .node = node };

	if (!ioctl(region, SHPT_IOC_SET_NODE, &args))
		return NULL;
	switch (errno) {
	case EINVAL:
	case ENXIO:
		return no_such_node(node);
	case EACCES:
		return print("it may only be read by this user");
	case ENOPKG:
		return print("the helper of the module did not run; see "
			     "shptctl explain");
	default:
		return print("%s", strerror(errno));
	}
}
