/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * The module cannot be unloaded under a server that uses it. Without the module
 * the server runs as it always did, and says once why; it goes on so when the
 * module comes, and shares from its next start.
 */
#include "session.h"

#include <sys/syscall.h>

#define PARAMETERS	"/sys/module/shpt/parameters"

static char donor[512];

static void refuse(void)
{
	PGconn *s;

	start("mmap", "");
	s = session();
	only_region();
	MUST_FAIL(syscall(SYS_delete_module, "shpt", O_NONBLOCK), EWOULDBLOCK);
	MUST_ASK(s, "create table t as select g from "
		    "generate_series(1, 1000) g");
	CHECK_ASK(s, "select sum(g) from t", "500500");
	PQfinish(s);
	stop();
}

static void unload_module(void)
{
	text_of(PARAMETERS "/donor", donor, sizeof(donor));
	CHECK(*donor, "which donor was the module loaded with?");
	donor[strcspn(donor, "\n")] = 0;
	CHECK(shell("rmmod shpt 2>&1"), "it does not unload");
}

static void load_module(void)
{
	MUST_RUN("insmod %s/../shpt/shpt.ko donor=%s",
		 test_env("SHPT_TEST_MODULES"), donor);
	WAIT_FOR(access(SHPT_DEVICE, F_OK) == 0, 10, "there is no device");
	MUST(chmod(SHPT_DEVICE, 0666));
}

static void run_without(void)
{
	PGconn *s;

	start("mmap", "");
	s = session();
	CHECK_ASK(s, "select sum(g) from t", "500500");
	CHECK_EQ(lines_of(postmaster, "maps", " shpt:"), 0);
	CHECK_EQ(atoi(MUST_RUN("grep -c 'not shared:.*modprobe shpt' %s/log",
			       home)), 1);
	load_module();
	CHECK_ASK(s, "select sum(g) from t", "500500");
	CHECK_EQ(fact("regions"), 0);
	PQfinish(s);
	stop();
}

static void test(int kind)
{
	PGconn *s;

	(void)kind;
	prepare();
	refuse();
	unload_module();
	run_without();
	start("mmap", "");
	s = session();
	CHECK_ASK(s, "select sum(g) from t", "500500");
	only_region();
	PQfinish(s);
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 58);
}
