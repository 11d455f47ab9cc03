/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numa.h - what the tests on machines with several NUMA nodes have in common
 *
 * tests/vm/run --nodes N gives such a machine.
 */
#ifndef NUMA_H
#define NUMA_H

#include "vmtest.h"

#include <sched.h>
#include <sys/syscall.h>

#include "shpt_test.h"

#define MAX_NODES	8
#define MPOL_BIND	2

/* The nodes of this machine are 0 and up. */
static inline int nr_nodes(void)
{
	char path[64];
	int n = 0;

	do
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d",
			 n);
	while (!access(path, F_OK) && ++n < MAX_NODES);
	return n;
}

static inline int several_nodes(void)
{
	int n = nr_nodes();

	if (n < 2)
		SKIP("this machine has one NUMA node; see tests/vm/run --nodes");
	return n;
}

/* The calling process runs on the CPUs of a node from now on. */
static inline void run_on_node(int node)
{
	unsigned int first, last;
	cpu_set_t cpus;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	f = fopen(path, "re");
	CHECK(f, "%s: %s", path, strerror(errno));
	CPU_ZERO(&cpus);
	while (fscanf(f, "%u", &first) == 1) {
		last = first;
		if (fscanf(f, "-%u", &last) == EOF && ferror(f))
			FAIL("%s: %s", path, strerror(errno));
		while (first <= last)
			CPU_SET(first++, &cpus);
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
	CHECK(CPU_COUNT(&cpus), "node %d has no CPU", node);
	MUST(sched_setaffinity(0, sizeof(cpus), &cpus));
}

/* The calling process's own memory comes from a node from now on. */
static inline void allocate_on_node(int node)
{
	unsigned long mask = 1UL << node;

	MUST(syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)));
}

static inline void set_node(int reg, int node)
{
	struct shpt_set_node req = { .size = sizeof(req), .node = node };
	int ret;

	do
		ret = ioctl(reg, SHPT_IOC_SET_NODE, &req);
	while (ret < 0 && errno == EINTR);
	CHECK(ret == 0, "SHPT_IOC_SET_NODE %d: %s", node, strerror(errno));
}

/* Where the tables lie that translate an address of the caller. */
static inline struct shpt_test_tables tables_of(const void *p)
{
	struct shpt_test_tables tables = { .addr = (uintptr_t)p };
	int dev = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));

	MUST(ioctl(dev, SHPT_TEST_TABLES, &tables));
	close(dev);
	return tables;
}

#endif /* NUMA_H */
