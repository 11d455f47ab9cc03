/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * A primary and its streaming standby on one machine: each has a region of its
 * own, and what happens to the one server's is nothing to the other.
 */
#include "session.h"

#define PRIMARY	"/tmp/pg"
#define STANDBY	"/tmp/pg.standby"

static uint64_t ids[2];

static void start_standby(void)
{
	MUST_RUN("install -d -o postgres " STANDBY);
	CHECK(shell("setpriv --reuid=postgres --clear-groups " BIN
		    "pg_basebackup -h " PRIMARY " -D " STANDBY "/data -R "
		    "-c fast --no-sync >" STANDBY "/said 2>&1"),
	      "pg_basebackup: %s", shell("cat " STANDBY "/said"));
	home = STANDBY;
	start("mmap", "");
	WAIT_FOR(regions(ids, 2) == 2, 10, "%lld regions", fact("regions"));
}

static void wait_for(PGconn *s, const char *sum)
{
	WAIT_FOR(!strcmp(MUST_ASK(s, "select sum(g) from t"), sum), SOON,
		 "what the primary writes does not arrive: %s",
		 shell(SAYINGS));
}

/* Its checkpointer is killed: it begins anew, in another region. */
static PGconn *crash_standby(PGconn *standby)
{
	MUST(kill(process("postgres: checkpointer"), SIGKILL));
	while (ask(standby, "select 1"))
		usleep(1000);
	PQfinish(standby);
	standby = session();
	WAIT_FOR(fact("regions") == 2, 10, "%lld regions", fact("regions"));
	return standby;
}

static bool is_there(uint64_t id)
{
	uint64_t now_there[2] = { 0 };

	CHECK_EQ(regions(now_there, 2), 2);
	return now_there[0] == id || now_there[1] == id;
}

static void test(int kind)
{
	PGconn *primary, *standby;
	uint64_t region;
	pid_t first;

	(void)kind;
	prepare();
	start("mmap", "");
	first = postmaster;
	primary = session();
	region = only_region();
	MUST_ASK(primary, "create table t as select 1 as g");
	start_standby();
	standby = session();
	wait_for(standby, "1");
	MUST_ASK(primary, "insert into t values (10)");
	wait_for(standby, "11");

	standby = crash_standby(standby);
	CHECK(is_there(region), "the primary's region is gone");
	CHECK(!is_there(ids[0]) || !is_there(ids[1]),
	      "the standby has its old region");
	MUST_ASK(primary, "insert into t values (100)");
	wait_for(standby, "111");

	/* The primary ends, and the standby takes its place. */
	PQfinish(primary);
	MUST(kill(first, SIGINT));
	CHECK_EQ(waitpid(first, NULL, 0), first);
	WAIT_FOR(regions(ids, 1) == 1 && ids[0] != region, 10,
		 "the primary's region is left");
	CHECK_ASK(standby, "select pg_promote()", "t");
	MUST_ASK(standby, "insert into t values (1000)");
	CHECK_ASK(standby, "select sum(g) from t", "1111");
	PQfinish(standby);
	check_files();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
