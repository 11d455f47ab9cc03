// SPDX-License-Identifier: GPL-2.0-or-later
/* numa.c - tests of node policies and of what is known of nodes */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <numa.h>
#include <numaif.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

static void *map_on(uint32_t policy, uint32_t node)
{
	struct libshpt_attr attr = { .node_policy = policy, .node = node };

	errno = 0;
	return libshpt_map_attr(NULL, 4 * PAGE, READ_WRITE,
				PLAIN | MAP_ANONYMOUS, -1, 0, &attr,
				sizeof(attr));
}

static int data_node(const void *p)
{
	struct libshpt_info info;

	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_int_eq(info.table_node, -1);
	ck_assert_uint_eq(info.persistent, 0);
	return info.data_node;
}

START_TEST(policies_that_are_none)
{
	ck_assert_ptr_eq(map_on(99, 0), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "node policy 99"));
	ck_assert_ptr_eq(map_on(LIBSHPT_NODE_LOCAL, 1), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "LIBSHPT_NODE_FIXED"));
}
END_TEST

START_TEST(nodes_that_are_not_there)
{
	int err = numa_available() < 0 ? ENOSYS : ENXIO;

	ck_assert_ptr_eq(map_on(LIBSHPT_NODE_FIXED, 4000), MAP_FAILED);
	ck_assert_int_eq(errno, err);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "node 4000"));
	ck_assert_ptr_eq(map_on(LIBSHPT_NODE_FIXED, UINT32_MAX), MAP_FAILED);
	ck_assert_int_eq(errno, err);
}
END_TEST

/* The policy that the kernel has for the page, and its node. */
static int policy_of(void *p, struct bitmask *nodes)
{
	int mode;

	numa_bitmask_clearall(nodes);
	ck_assert_int_eq(get_mempolicy(&mode, nodes->maskp, nodes->size + 1, p,
				       MPOL_F_ADDR),
			 0);
	return mode;
}

START_TEST(pages_where_the_policy_wants_them)
{
	struct bitmask *nodes;
	char *p;

	if (numa_available() < 0) {
		ck_assert_ptr_eq(map_on(LIBSHPT_NODE_FIXED, 0), MAP_FAILED);
		return;
	}
	nodes = numa_allocate_nodemask();
	for (int node = 0; node <= numa_max_node(); node++) {
		if (!numa_bitmask_isbitset(numa_all_nodes_ptr, node))
			continue;
		p = map_on(LIBSHPT_NODE_FIXED, node);
		ck_assert_msg(p != MAP_FAILED, "%s", libshpt_errormsg());
		ck_assert_int_eq(policy_of(p, nodes), MPOL_PREFERRED);
		ck_assert(numa_bitmask_isbitset(nodes, node));
		ck_assert_uint_eq(numa_bitmask_weight(nodes), 1);
		ck_assert_int_eq(data_node(p), -1); /* untouched */
		p[PAGE] = 1;
		ck_assert_int_eq(data_node(p), -1);
		ck_assert_int_eq(data_node(p + PAGE + 1), node);
	}
	ck_assert_int_eq(policy_of(map_on(LIBSHPT_NODE_LOCAL, 0), nodes),
			 MPOL_LOCAL);
	ck_assert_int_eq(policy_of(map_on(LIBSHPT_NODE_ONE, 0), nodes),
			 MPOL_DEFAULT);
	ck_assert_int_eq(policy_of(map_on(LIBSHPT_NODE_DEFAULT, 0), nodes),
			 MPOL_DEFAULT);
	numa_bitmask_free(nodes);
}
END_TEST

/* As where CONFIG_NUMA is off: there is one place for all. */
START_TEST(a_kernel_without_nodes)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { COUNT(code), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter),
			 0);
	ck_assert_ptr_ne(map_on(LIBSHPT_NODE_LOCAL, 0), MAP_FAILED);
	ck_assert_ptr_ne(map_on(LIBSHPT_NODE_ONE, 0), MAP_FAILED);
}
END_TEST

TCase *numa_tests(void)
{
	TCase *t = tcase_create("numa");

	tcase_add_test(t, policies_that_are_none);
	tcase_add_test(t, nodes_that_are_not_there);
	tcase_add_test(t, pages_where_the_policy_wants_them);
	tcase_add_test(t, a_kernel_without_nodes);
	return t;
}
