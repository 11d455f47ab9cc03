/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostgreSQL 15 as Debian ships it, with libshpt-preload.so: its processes
 * share the page tables of its shared memory, from mmap as from shmget; the
 * children that give the memory back, and the life after a crash, are as
 * without the library.
 */
#include "vmtest.h"
#include "postgres.h"

/* Processes that have a guest mapped, by their titles. */
static int mapped_by(const char *title)
{
	return atoi(MUST_RUN("grep -ls ' shpt:' /dev/null "
			     "$(grep -als '%s' /proc/[0-9]*/cmdline | "
			     "sed s/cmdline/maps/) | wc -l", title));
}

static void check_sharing(void)
{
	WAIT_FOR(fact("regions") == 1, 10, "%lld regions", fact("regions"));
	/* Postmaster, checkpointer, two writers, launchers. */
	CHECK_GE(fact("guests"), 5);
	CHECK_GE(fact("links"), 4);
	CHECK_EQ(mapped_by("postgres: checkpointer"), 1);
	/* It unmapped all that it inherited. */
	CHECK_EQ(mapped_by("postgres: logger"), 0);
}

static void crash(void)
{
	MUST_RUN("kill -9 $(grep -al 'postgres: [c]heckpointer' "
		 "/proc/[0-9]*/cmdline | cut -d/ -f3)");
	WAIT_FOR(mapped_by("postgres: checkpointer") == 0 || !SQL("select 1"),
		 10, "nobody noticed the crash");
	WAIT_FOR(SQL("select 1") &&
		 mapped_by("postgres: checkpointer") == 1, 30,
		 "it does not recover: %s", shell("cat /tmp/pg/log"));
}

static void serve(const char *type, const char *capability)
{
	start(type, capability);
	CHECK(SQL("drop table if exists t; "
		  "create table t as select g, repeat('x', 500) "
		  "from generate_series(1, 20000) g"), "create table failed");
	CHECK_SQL("select count(*), sum(g) from t", "20000|200010000");
	check_sharing();
	crash();
	CHECK_SQL("select count(*), sum(g) from t", "20000|200010000");
	check_sharing();
	stop();
}

static void test(int kind)
{
	(void)kind;
	prepare();
	serve("mmap", "");
	serve("sysv", ",+checkpoint_restore");
	/* Without the right to open a segment it is as it always was. */
	start("sysv", "");
	CHECK_EQ(fact("regions"), 0);
	CHECK_SQL("select count(*), sum(g) from t", "20000|200010000");
	CHECK(shell("grep -q CAP_CHECKPOINT_RESTORE /tmp/pg/log"),
	      "nothing is said: %s", shell("cat /tmp/pg/log"));
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
