/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Node policies of libshpt: with the module, the region's tables and new pages
 * of shmem lie where the last to ask wants them; with the other backends, new
 * pages do. libshpt_info() tells the truth about both.
 */
#include "numa.h"
#include "refusal.h"

#define BYTES	(8 * MIB)

static int nodes;

static char *map_on(int fd, uint32_t policy, uint32_t node, uint64_t flags)
{
	struct libshpt_attr attr = {
		.flags = flags,
		.node_policy = policy,
		.node = node,
	};

	return libshpt_map_attr(NULL, BYTES, RW, MAP_SHARED, fd, 0, &attr,
				sizeof(attr));
}

static struct libshpt_info info_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info;
}

/* A page that nobody has touched yet, on a new step each time. */
static char *new_page(char *p)
{
	static size_t step;

	return p + step++ % (BYTES / PAGE) * PAGE;
}

static void tables(int kind, int fd)
{
	for (int node = 0; node < nodes; node++) {
		char *p = map_on(fd, LIBSHPT_NODE_FIXED, node,
				 LIBSHPT_REQUIRE_SHARED);
		char *q;

		CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
		q = new_page(p);
		if (kind == MEMFD)
			CHECK_EQ(info_of(q).data_node, -1);
		run_on_node((node + 1) % nodes);
		store(q, 1);
		CHECK_EQ(tables_of(q).pmd_node, node);
		CHECK_EQ(info_of(q).table_node, node);
		CHECK_EQ(info_of(q).data_node,
			 kind == MEMFD ? node : info_of(p).data_node);
		CHECK_GE(info_of(q).data_node, 0);
		MUST(libshpt_unmap(p, BYTES));
	}
}

static struct {
	int kind, fd, node;
} l;

/* Each writes on its node, and finds tables and page there. */
static void local(void *arg)
{
	char *p, *q;

	(void)arg;
	run_on_node(l.node);
	p = map_on(l.fd, LIBSHPT_NODE_LOCAL, 0, LIBSHPT_REQUIRE_SHARED);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	q = p + BYTES - (l.node + 1) * PAGE;
	store(q, 1);
	CHECK_EQ(tables_of(q).pmd_node, l.node);
	if (l.kind == MEMFD)
		CHECK_EQ(info_of(q).data_node, l.node);
	/* There are as many sets of tables as nodes have come. */
	CHECK_EQ(info_of(q).table_node, l.node ? -1 : 0);
}

/* The region stays, but nobody inherits a mapping: a child's first fault, which
 * decides on its tables, would be the library's. */
static void on_each(int kind, int fd)
{
	int reg = open_region(fd);
	char *p;

	l.kind = kind;
	l.fd = fd;
	for (l.node = 0; l.node < nodes; l.node++)
		join(spawn(local, NULL));
	close(reg);
	p = map_on(fd, LIBSHPT_NODE_ONE, 0, LIBSHPT_REQUIRE_SHARED);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	store(p, 1);
	CHECK_EQ(info_of(p).table_node, -1);
	MUST(libshpt_unmap(p, BYTES));
}

static void refusals(int fd)
{
	int ro = reopen(fd, O_RDONLY);
	struct libshpt_attr attr = {
		.flags = LIBSHPT_REQUIRE_SHARED,
		.node_policy = LIBSHPT_NODE_LOCAL,
	};

	MUST_FAIL(map_on(fd, LIBSHPT_NODE_FIXED, nodes, 0), ENXIO);
	check_sentence(libshpt_errormsg(), "node");
	MUST_FAIL(libshpt_map_attr(NULL, BYTES, PROT_READ, MAP_SHARED, ro, 0,
				   &attr, sizeof(attr)), EACCES);
	check_sentence(libshpt_errormsg(), "nodes");
	close(ro);
}

/* Without the module: the pages. */
static void pages(const char *backend, int fd)
{
	MUST(setenv("LIBSHPT_BACKEND", backend, 1));
	for (int node = 0; node < nodes; node++) {
		char *p = map_on(fd, LIBSHPT_NODE_FIXED, node, 0), *q;

		CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
		CHECK(!strcmp(libshpt_backend_name(info_of(p).backend),
			      backend), "not %s", backend);
		q = new_page(p);
		CHECK_EQ(info_of(q).data_node, -1);
		run_on_node((node + 1) % nodes);
		store(q, 1);
		CHECK_EQ(info_of(q).data_node, node);
		CHECK_EQ(info_of(q).table_node, -1);
		MUST(libshpt_unmap(p, BYTES));
	}
	MUST(unsetenv("LIBSHPT_BACKEND"));
}

static void hugetlb(void)
{
	for (int node = 0; node < nodes; node++) {
		int fd = MUST(memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB));
		char *p;

		MUST(ftruncate(fd, BYTES));
		p = map_on(fd, LIBSHPT_NODE_FIXED, node, 0);
		CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
		run_on_node((node + 1) % nodes);
		store(p, 1);
		CHECK_EQ(info_of(p).data_node, node);
		MUST(libshpt_unmap(p, BYTES));
		close(fd);
	}
}

static void test(int kind)
{
	int fd;

	nodes = several_nodes();
	fd = backing(kind, BYTES);
	if (kind != MEMFD)
		MUST(fallocate(fd, 0, 0, BYTES));
	tables(kind, fd);
	on_each(kind, fd);
	refusals(fd);
	if (kind == MEMFD) {
		pages("plain", backing(kind, BYTES));
		/* Spread over the nodes, so each has enough for all. */
		write_text("/proc/sys/vm/nr_hugepages", "32");
		hugetlb();
		write_text("/proc/sys/vm/nr_hugepages", "0");
	}
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 40);
}
