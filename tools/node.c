// SPDX-License-Identifier: GPL-2.0-or-later
/* node.c - the NUMA nodes of a region's page tables: words for them, changes */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "shptctl.h"

int parse_node(const char *text)
{
	unsigned long node;
	char *end;

	if (!strcmp(text, "one"))
		return SHPT_NODE_ONE;
	if (!strcmp(text, "local"))
		return SHPT_NODE_LOCAL;
	node = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || node > INT32_MAX)
		die(EXIT_USAGE,
		    "'%s' is no node: one, local, or a number of "
		    "numactl --hardware",
		    text);
	return (int)node;
}

char *set_node(int region, int node)
{
	struct shpt_set_node args = { .size = sizeof(args), .node = node };

	if (!ioctl(region, SHPT_IOC_SET_NODE, &args))
		return NULL;
	switch (errno) {
	case EINVAL:
	case ENXIO:
		return print("there is no node %d, or it has no memory or no "
			     "CPU; see numactl --hardware",
			     node);
	case EACCES:
		return print("it may only be read by this user");
	case ENOPKG:
		return print("the helper of the module did not run; see "
			     "shptctl explain");
	default:
		return print("%s", strerror(errno));
	}
}
