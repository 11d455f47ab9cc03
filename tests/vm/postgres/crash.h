/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash.h - a server that crashes while it is written to, and all that has to
 * be right afterwards: what was acknowledged, the files, and that the region
 * is another one, of which nothing is left in the end
 *
 * The memory is in memfds, or its files and the WAL are on one DAX device; then
 * the server waits for its WAL to be there.
 */
#ifndef SHPT_VM_CRASH_H
#define SHPT_VM_CRASH_H

#include "session.h"

#include <sys/statvfs.h>

#define WRITERS		3
#define ACCOUNTS	1000
#define ENOUGH		20	/* transactions of each writer */

/* The last transaction of each that was acknowledged. */
static volatile long *acknowledged;

static inline long long used_kb(const char *folder)
{
	struct statvfs fs;

	MUST(statvfs(folder, &fs));
	return (fs.f_blocks - fs.f_bfree) * fs.f_frsize / KIB;
}

/* What is taken by files that have no name, such as a region's. */
static inline long long nameless_kb(int kind)
{
	const char *dax;

	if (kind != DAX)
		return number_in("/proc/meminfo", "Shmem") - used_kb("/tmp");
	dax = test_env("SHPT_TEST_DAX");
	return used_kb(dax) - atoll(MUST_RUN("du -sk %s", dax));
}

static inline void put_on_pmem(void)
{
	const char *dax = test_env("SHPT_TEST_DAX");
	char folder[256];

	snprintf(folder, sizeof(folder), "%s/pg", dax);
	MUST_RUN("rm -rf %s && install -d -o postgres %s && "
		 "cp -a %s/data/pg_wal %s && rm -r %s/data/pg_wal && "
		 "ln -s %s/pg_wal %s/data && "
		 "echo fsync = on >>%s/data/postgresql.conf",
		 folder, folder, home, folder, home, folder, home, home);
	MUST(setenv("LIBSHPT_BACKING", folder, 1));
}

static inline void check_backing(int kind)
{
	char path[128], text[256];

	snprintf(path, sizeof(path), "/sys/class/misc/shpt/region/%llu/backing",
		 (unsigned long long)only_region());
	text_of(path, text, sizeof(text));
	CHECK(!strncmp(text, kind == DAX ? test_env("SHPT_TEST_DAX") : "/memfd:",
		       7), "the region's file is %s", text);
}

/* Money is moved, and an entry made in the book. */
static void writer(void *arg)
{
	long me = (long)arg, n;
	PGconn *s = session();
	char sql[512];

	for (n = 1;; n++) {
		/* The smaller first: nobody waits for each other. */
		long from = word(me, n) % (ACCOUNTS - 1);
		long to = from + 1 + word(n, me) % (ACCOUNTS - 1 - from);

		snprintf(sql, sizeof(sql),
			 "begin; "
			 "update account set money = money - 1 where id = %ld; "
			 "update account set money = money + 1 where id = %ld; "
			 "insert into book values (%ld, %ld); commit",
			 from, to, me, n);
		if (!ask(s, sql))
			break;
		acknowledged[me] = n;
	}
	CHECK(PQstatus(s) == CONNECTION_BAD, "%s: %s", sql, PQerrorMessage(s));
}

static inline void make_tables(void)
{
	char sql[512];
	PGconn *s = session();

	snprintf(sql, sizeof(sql),
		 "create table account as select id, 0 as money, "
		 "repeat('x', 500) as filler from generate_series(0, %d) id; "
		 "alter table account add primary key (id); "
		 "create table book (writer int, n int, primary key (writer, n))",
		 ACCOUNTS - 1);
	MUST_ASK(s, sql);
	PQfinish(s);
}

static inline void check_tables(void)
{
	PGconn *s = session();
	char sql[256];
	long me, n;

	CHECK_ASK(s, "select sum(money) from account", "0");
	for (me = 0; me < WRITERS; me++) {
		snprintf(sql, sizeof(sql),
			 "select case when count(*) = max(n) then count(*) end "
			 "from book where writer = %ld", me);
		n = atol(MUST_ASK(s, sql));
		/* The last may have been done and nobody told. */
		CHECK(n == acknowledged[me] || n == acknowledged[me] + 1,
		      "of %ld transactions acknowledged %ld are there",
		      acknowledged[me], n);
	}
	PQfinish(s);
}

static inline void start_writers(pid_t *pids)
{
	long i;

	acknowledged = shared(WRITERS * sizeof(*acknowledged));
	for (i = 0; i < WRITERS; i++)
		pids[i] = spawn(writer, (void *)i);
	for (i = 0; i < WRITERS; i++)
		WAIT_FOR(acknowledged[i] >= ENOUGH, SOON,
			 "nothing is written: %s", shell(SAYINGS));
}

/* @strike makes the server crash, and starts it again if it is gone. */
static inline void survive(int kind, void (*strike)(void))
{
	long long before = nameless_kb(kind), meanwhile;
	pid_t pids[WRITERS];
	uint64_t region;
	int i;

	prepare();
	if (kind == DAX)
		put_on_pmem();
	start("mmap", "");
	make_tables();
	check_backing(kind);
	region = only_region();
	start_writers(pids);
	meanwhile = nameless_kb(kind);
	strike();
	for (i = 0; i < WRITERS; i++)
		join(pids[i]);
	check_tables();
	check_backing(kind);
	CHECK(only_region() != region, "it is still the same region");
	/* With the old region it would be twice as much. */
	CHECK_LE(nameless_kb(kind), meanwhile * 3 / 2);
	check_files();
	if (kind == DAX)
		MUST_RUN("rm -r %s/pg", test_env("SHPT_TEST_DAX"));
	CHECK_LE(nameless_kb(kind), before + 4 * KIB);
}

#endif /* SHPT_VM_CRASH_H */
