/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * 300 connections are guests of one region as long as they are open, and each
 * finds there what another has written. A reload reaches them all and changes
 * nothing about the region.
 */
#include "session.h"

#define SESSIONS	300

static PGconn *all[SESSIONS];

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

static void test(int kind)
{
	long long guests;
	uint64_t region;
	PGconn *s;
	int i;

	(void)kind;
	prepare();
	MUST_RUN("echo max_connections = 310 >>%s/data/postgresql.conf", home);
	start("mmap", "");
	s = session();
	MUST_ASK(s, "create table t as select 0 as g");
	region = only_region();
	guests = fact("guests");
	open_all(guests);
	reload();
	CHECK_EQ(only_region(), region);
	CHECK_GE(fact("guests"), guests + SESSIONS);
	for (i = 0; i < SESSIONS; i++)
		PQfinish(all[i]);
	WAIT_FOR(fact("guests") <= guests, SOON, "%lld guests are left of %lld",
		 fact("guests"), guests);
	CHECK_EQ(only_region(), region);
	CHECK_ASK(s, "select g from t", "300");
	PQfinish(s);
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
