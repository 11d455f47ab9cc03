// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * alone.c - the core without libnuma and libdaxctl, for libraries that must not
 * bring others into somebody else's process; in place of numa.c and daxctl.c
 */
#include <errno.h>

#include "internal.h"

int check_node(uint32_t node, struct reason *why)
{
	return refuse(why, EOPNOTSUPP,
		      "node %u: this library knows no nodes: use libshpt.so",
		      node);
}

int place_pages(struct range pages, const struct libshpt_attr *attr,
		struct reason *why)
{
	(void)pages;
	return check_node(attr->node, why);
}

int node_of_page(const void *addr, bool dax)
{
	(void)addr;
	(void)dax;
	return -1;
}

/* So it has the alignment that its tools give it if nothing else is asked. */
bool find_device_dax(const char *name, dev_t number, struct device_dax *facts)
{
	(void)name;
	(void)number;
	(void)facts;
	return false;
}
