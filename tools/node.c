// SPDX-License-Identifier: GPL-2.0-or-later
/* node.c - the NUMA nodes of a region's page tables: words for them, changes */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "shptctl.h"

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
