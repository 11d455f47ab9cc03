/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * 300 connections are guests of one region as long as they are open, while
 * others come and go, and each finds there what another has written. Their page
 * tables together are small however much of the region they have read. A reload
 * reaches them all and changes nothing about the region.
 */
#include "session.h"

#define SESSIONS	300
#define ROWS		2000	/* of a page of 8 KiB each: 8 tables map them */

static PGconn *all[SESSIONS];

static struct {
	volatile bool over;
	volatile long visits;
} *t;

static void come_and_go(void *arg)
{
	(void)arg;
	while (!t->over) {
		PGconn *s = session();

		MUST_ASK(s, "insert into visit values (1)");
		PQfinish(s);
		t->visits++;
	}
}

static void make_tables(PGconn *s)
{
	MUST_ASK(s, "create table t as select 0 as g; "
		    "create table visit (g int); "
		    "create unlogged table wide (g int, filler text); "
		    "alter table wide alter filler set storage plain");
	MUST_ASK(s, "insert into wide select g, repeat('x', 7000) "
		    "from generate_series(1, 2000) g");
	CHECK_EQ(atoi(MUST_ASK(s, "select pg_relation_size('wide') / 8192")),
		 ROWS);
}

static void open_all(long long guests)
{
	char sql[64];
	int i;

	for (i = 0; i < SESSIONS; i++) {
		all[i] = session();
		snprintf(sql, sizeof(sql), "update t set g = %d where g = %d",
			 i + 1, i);
		MUST_ASK(all[i], sql);
	}
	CHECK_GE(fact("guests"), guests + SESSIONS);
	CHECK_GE(fact("links"), guests + SESSIONS);
}

/* Of all these sessions, and those that they share. */
static long long page_tables(uint64_t region)
{
	long long sum = region_fact(region, "table_bytes");
	char path[64];
	int i;

	for (i = 0; i < SESSIONS; i++) {
		snprintf(path, sizeof(path), "/proc/%d/status",
			 PQbackendPID(all[i]));
		sum += number_in(path, "VmPTE") * KIB;
	}
	return sum;
}

/* Ordinary mappings would take 8 tables for each, or 7 that are new to it. */
static void read_all(uint64_t region)
{
	long long before = page_tables(region);
	int i;

	for (i = 0; i < SESSIONS; i++)
		CHECK_EQ(atoi(MUST_ASK(all[i], "select count(*) from wide")),
			 ROWS);
	CHECK_LE(page_tables(region) - before, PAGE * 4 * SESSIONS);
}

static void reload(void)
{
	int i;

	MUST_ASK(all[0], "alter system set work_mem = '5MB'");
	MUST_ASK(all[0], "select pg_reload_conf()");
	for (i = 0; i < SESSIONS; i++)
		WAIT_FOR(!strcmp(MUST_ASK(all[i], "show work_mem"), "5MB"),
			 SOON, "session %d has not read it", i);
	CHECK_ASK(all[0], "select g from t", "300");
}

static void close_all(void)
{
	int i;

	for (i = 0; i < SESSIONS; i++)
		PQfinish(all[i]);
}

static void test(int kind)
{
	long long guests;
	uint64_t region;
	pid_t visitor;
	PGconn *s;

	(void)kind;
	prepare();
	MUST_RUN("printf 'max_connections = 310\n"
		 "max_parallel_workers_per_gather = 0\n' "
		 ">>%s/data/postgresql.conf", home);
	t = shared(sizeof(*t));
	start("mmap", "");
	s = session();
	make_tables(s);
	region = only_region();
	guests = fact("guests");
	visitor = spawn(come_and_go, NULL);
	open_all(guests);
	read_all(region);
	reload();
	CHECK_EQ(only_region(), region);
	CHECK_GE(fact("guests"), guests + SESSIONS);
	close_all();
	t->over = true;
	join(visitor);
	CHECK_GE(t->visits, 20);
	WAIT_FOR(fact("guests") <= guests, SOON, "%lld guests are left of %lld",
		 fact("guests"), guests);
	CHECK_EQ(only_region(), region);
	CHECK_ASK(s, "select g from t", "300");
	CHECK_EQ(atoi(MUST_ASK(s, "select count(*) from visit")), t->visits);
	PQfinish(s);
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
