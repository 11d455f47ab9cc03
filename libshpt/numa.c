// SPDX-License-Identifier: LGPL-2.1-or-later
/* numa.c - NUMA nodes, by libnuma; else see alone.c */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>

#include "internal.h"

int check_node(uint32_t node, struct reason *why)
{
	if (numa_available() < 0)
		return refuse(why, ENOSYS,
			      "node %u: this kernel has no NUMA: leave out the "
			      "node policy",
			      node);
	if (!numa_bitmask_isbitset(numa_all_nodes_ptr, node))
		return refuse(why, ENXIO,
			      "node %u is none that this process may have "
			      "memory from: \"numactl --show\" lists them "
			      "(membind)",
			      node);
	return 0;
}

static int bind_pages(struct range pages, int mode, struct bitmask *nodes)
{
	return (int)mbind((void *)pages.start, pages.end - pages.start, mode,
			  nodes ? nodes->maskp : NULL,
			  nodes ? nodes->size + 1 : 0, 0);
}

/* Where the pages of a mapping are to be allocated. The node is preferred: if
 * it is full, memory from elsewhere is better than none. Where the kernel knows
 * no nodes, all policies are one. */
int place_pages(struct range pages, const struct libshpt_attr *attr,
		struct reason *why)
{
	struct bitmask *nodes;
	int err;

	switch (attr->node_policy) {
	case LIBSHPT_NODE_ONE:
		err = bind_pages(pages, MPOL_DEFAULT, NULL);
		break;
	case LIBSHPT_NODE_LOCAL:
		err = bind_pages(pages, MPOL_LOCAL, NULL);
		break;
	default:
		nodes = numa_allocate_nodemask();
		numa_bitmask_setbit(nodes, attr->node);
		err = bind_pages(pages, MPOL_PREFERRED, nodes);
		numa_bitmask_free(nodes);
	}
	if (err && errno != ENOSYS)
		return refuse(why, errno,
			      "mbind of %zu bytes to nodes as policy %u, node "
			      "%u has it: %m",
			      (size_t)(pages.end - pages.start),
			      attr->node_policy, attr->node);
	return 0;
}

/*
 * The node of the page at @addr, -1 if it is not known. move_pages(2) allocates
 * nothing, but it does not speak of DAX; get_mempolicy(2) reads the page, which
 * allocates nothing on DAX.
 */
int node_of_page(const void *addr, bool dax)
{
	void *page = (void *)((uintptr_t)addr & ~(page_bytes() - 1));
	int node = -1;

	if (dax)
		return get_mempolicy(&node, NULL, 0, page,
				     MPOL_F_NODE | MPOL_F_ADDR) ?
			       -1 :
			       node;
	if (move_pages(0, 1, &page, NULL, &node, 0) || node < 0)
		return -1;
	return node;
}
