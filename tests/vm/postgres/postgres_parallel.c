/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * Parallel queries: their workers are guests of the server's region, and the
 * dynamic shared memory of each query is ordinary memory, as it always was.
 */
#include "session.h"

#define ROWS	20000

/* One in a hundred rows sleeps, so that the workers can be looked at. */
static void look_at_worker(PGconn *s)
{
	PGresult *result;
	pid_t worker;

	CHECK(PQsendQuery(s, "select count(pg_sleep(0.03)) from t "
			     "where g % 100 = 0"),
	      "%s", PQerrorMessage(s));
	WAIT_FOR((worker = process("postgres: parallel worker")), 10,
		 "there is no worker: %s", shell(SAYINGS));
	CHECK_EQ(lines_of(worker, "maps", " shpt:"), 1);
	CHECK_GE(lines_of(worker, "maps", " /dev/shm/PostgreSQL."), 1);
	CHECK_EQ(fact("regions"), 1);
	result = PQgetResult(s);
	CHECK(PQresultStatus(result) == PGRES_TUPLES_OK, "%s",
	      PQerrorMessage(s));
	CHECK_EQ(atoi(PQgetvalue(result, 0, 0)), ROWS / 100);
	PQclear(result);
	CHECK(!PQgetResult(s), "there is more");
}

/* A hash table that all of them build, and an index. */
static void build(PGconn *s)
{
	CHECK_ASK(s, "select (count(*), sum(a.g))::text from t a "
		     "join t b on a.g = b.g + 1", "(19999,200009999)");
	MUST_ASK(s, "create index on t (h, g)");
	CHECK_ASK(s, "select sum(g) from t where h = 3", "28567143");
}

/* Files of dynamic shared memory. */
static int dynamic(void)
{
	return atoi(MUST_RUN("ls /dev/shm | wc -l"));
}

static void test(int kind)
{
	uint64_t region;
	PGconn *s;
	int before;

	(void)kind;
	prepare();
	start("mmap", "");
	s = session();
	MUST_ASK(s, "create table t as select g, g % 7 as h "
		    "from generate_series(1, 20000) g; analyze t");
	MUST_ASK(s, "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; "
		    "set min_parallel_table_scan_size = 0; "
		    "set max_parallel_workers_per_gather = 2");
	region = only_region();
	before = dynamic();
	look_at_worker(s);
	build(s);
	CHECK_EQ(only_region(), region);
	PQfinish(s);
	/* Some of it is the session's, and went with it. */
	WAIT_FOR(dynamic() == before, 10, "it is left: %s",
		 shell("ls -l /dev/shm"));
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 58);
}
