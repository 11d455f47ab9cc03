/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostgreSQL 15 as Debian ships it, with libshpt-preload.so: its processes
 * share the page tables of its shared memory, from mmap as from shmget; the
 * children that give the memory back, and the life after a crash, are as
 * without the library.
 */
#include "vmtest.h"
#include "preload.h"
#include "shell.h"

#define BIN	"/usr/lib/postgresql/15/bin/"

static pid_t postmaster;

#define SQL(text)							\
	shell(BIN "psql -h /tmp/pg -U postgres -XqAt "			\
	      "-v ON_ERROR_STOP=1 -c \"" text "\" postgres 2>&1")

#define CHECK_SQL(text, want) do {					\
	const char *got_ = SQL(text);					\
									\
	CHECK(got_ && !strcmp(got_, want "\n"), "%s: '%s', expected '%s'",\
	      text, got_ ? got_ : "an error", want);			\
} while (0)

/* Debian's users can reach neither the checkout nor the device. */
static void prepare(void)
{
	if (access(BIN "initdb", X_OK))
		SKIP("PostgreSQL is missing: apt-get install postgresql-15");
	MUST(chmod(SHPT_DEVICE, 0666));
	MUST_RUN("mkdir -p /tmp/pg && cp %s /tmp/pg/preload.so && "
		 "chown -R postgres /tmp/pg", preload_path());
	MUST_RUN("setpriv --reuid=postgres --clear-groups " BIN "initdb "
		 "-D /tmp/pg/data --no-sync -A trust");
}

static void start(const char *type, const char *capability)
{
	char setting[64], caps[2][64];

	snprintf(setting, sizeof(setting), "shared_memory_type=%s", type);
	snprintf(caps[0], sizeof(caps[0]), "--inh-caps=-all%s", capability);
	snprintf(caps[1], sizeof(caps[1]), "--ambient-caps=-all%s", capability);
	postmaster = MUST(fork());
	if (!postmaster) {
		int log = MUST(open("/tmp/pg/log", O_WRONLY | O_CREAT | O_TRUNC,
				    0644));

		dup2(log, 1);
		dup2(log, 2);
		setenv("LD_PRELOAD", "/tmp/pg/preload.so", 1);
		execlp("setpriv", "setpriv", "--reuid=postgres",
		       "--clear-groups", caps[0], caps[1], BIN "postgres",
		       "-D", "/tmp/pg/data", "-k", "/tmp/pg", "-c", setting,
		       "-c", "listen_addresses=", "-c", "fsync=off",
		       "-c", "shared_buffers=256MB", "-c",
		       "logging_collector=on", NULL);
		_exit(127);
	}
	WAIT_FOR(SQL("select 1"), 30, "no answer; see: %s",
		 shell("cat /tmp/pg/log"));
}

static void stop(void)
{
	MUST(kill(postmaster, SIGINT));
	join(postmaster);
	WAIT_FOR(fact("regions") == 0, 10, "a region is left");
	CHECK_EQ(fact("guests"), 0);
}

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
