/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postgres.c - PostgreSQL 15 with libshpt-preload.so where there is no module
 *
 * With LIBSHPT_BACKEND=plain its memory is the library's all the same. What the
 * server does to it over its life, and how it finds out that somebody still uses
 * it, has to be as without the library.
 */
#include <sched.h>
#include <sys/mount.h>

#include "../vm/postgres.h"

/* Folder, processes and SysV segments of its own, which go with the test. */
static void isolate(void)
{
	if (geteuid())
		SKIP("this takes root, who can become postgres");
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID))
		SKIP("unshare: %s", strerror(errno));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (mkdir("/tmp/pg", 0755) && errno != EEXIST)
		FAIL("/tmp/pg: %s", strerror(errno));
	MUST(mount("none", "/tmp/pg", "tmpfs", 0, "mode=755"));
}

static void live(const char *type, const char *capability, const char *call)
{
	start(type, capability);
	CHECK(SQL("drop table if exists t; create table t as "
		  "select g from generate_series(1, 5000) g"),
	      "create table failed");
	crash();
	CHECK_SQL("select count(*), sum(g) from t", "5000|12502500");
	stop();
	CHECK(shell("grep -q ': %s of .*: plain$' /tmp/pg/log", call),
	      "the library serves nothing: %s", shell(SAYINGS));
}

/*
 * It is killed, and one of its processes lives on. Another server has to notice,
 * or the two ruin the files. It looks how often the segment is attached.
 */
static void leave_one(const char *type, const char *capability)
{
	pid_t left;

	start(type, capability);
	WAIT_FOR((left = process("postgres: walwriter")), 10,
		 "there is no walwriter: %s", shell(SAYINGS));
	MUST(kill(left, SIGSTOP));
	MUST(kill(postmaster, SIGKILL));
	WAIT_FOR(has_ended(), 10, "it outlives SIGKILL");
	launch(type, capability);
	WAIT_FOR(has_ended(), 10, "it runs beside a process of another server");
	CHECK(shell("grep -q 'still in use' /tmp/pg/log"), "it says: %s",
	      shell(SAYINGS));
	MUST(kill(left, SIGKILL));
	CHECK_EQ(waitpid(left, NULL, 0), left);
	/* The others end by themselves, and on a busy machine not at once. */
	WAIT_FOR(waitpid(-1, NULL, WNOHANG) < 0, 10,
		 "a process of the killed server is left");
	start(type, capability);
	CHECK_SQL("select count(*), sum(g) from t", "5000|12502500");
	stop();
}

static void test(int kind)
{
	(void)kind;
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	MUST(setenv("LIBSHPT_BACKEND", "plain", 1));
	MUST(setenv("LIBSHPT_VERBOSE", "1", 1));
	prepare();
	live("mmap", "", "mmap");
	live("sysv", ",+checkpoint_restore", "shmat");
	leave_one("sysv", ",+checkpoint_restore");
}

int main(void)
{
	isolate();
	return vmtest(test, MEMFD, 60);
}
