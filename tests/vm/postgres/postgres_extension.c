/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * The extension pg_shpt shows what the server shares: the numbers that the
 * library and the module have, found by other ways here; to pg_monitor and to
 * nobody else. It populates the region. Dropping it changes nothing but itself.
 */
#include "extension.h"
#include "numa.h"
#include "registry.h"
#include "session.h"

/* A fact of the module, in SQL. */
#define FACT(name)							\
	"pg_read_file('/sys/class/misc/shpt/" name "')::bigint"

#define HOSTS								\
	"pg_shpt_region, jsonb_to_recordset(hosts) as "			\
	"h(access text, node int, page_table_bytes bigint)"

/* What is told of the one region there is. */
static void check_region(void)
{
	CHECK_SQL("select backend, why is null, size_bytes / 1048576 between "
		  "2300 and 2600, linked_bytes > 0, region_id::text = "
		  "pg_ls_dir('/sys/class/misc/shpt/region') "
		  "from pg_shpt_region; "
		  "select guests >= 5, guests = " FACT("guests") ", "
		  "faults_served > 0, faults_served <= " FACT("faults_served")
		  " from pg_shpt_region; "
		  "select bool_or(access = 'write'), bool_and(node is null), "
		  "count(*) = " FACT("hosts") ", sum(h.page_table_bytes) = "
		  FACT("table_bytes") " from " HOSTS,
		  "shpt|t|t|t|t\nt|t|t|t\nt|t|t|t");
}

/*
 * Everyone who has a guest has the first chunk linked, by fork(2); the second,
 * of buffers that are not in use yet, nobody. The logger is no guest any more:
 * it has unmapped what it inherited.
 */
static void check_processes(void)
{
	CHECK_SQL("select sum(linked_chunks) = " FACT("links") ", "
		  "count(*) filter (where linked_chunks > 0) >= 5, "
		  "max(linked_chunks) from pg_shpt_process; "
		  "select p.linked_bytes = r.linked_bytes from pg_shpt_region r, "
		  "pg_shpt_process p where pid = pg_backend_pid(); "
		  "select linked_chunks in (1, 2), linked_bytes > 0, "
		  "page_table_bytes > 0 from pg_stat_activity "
		  "join pg_shpt_process using (pid) where backend_type in "
		  "('checkpointer', 'client backend'); "
		  "select linked_chunks, linked_bytes from pg_shpt_process "
		  "left join pg_stat_activity as a using (pid) where a.pid is "
		  "null and pid <> split_part(pg_read_file('postmaster.pid'), "
		  "E'\\n', 1)::int",
		  "t|t|2\nt\nt|t|t\nt|t|t\n0|0");
}

/*
 * All of it would take long here: a part that is done before the query is
 * cancelled is there, for all. Each guest would have the page tables of it.
 */
static void check_populate(void)
{
	long long before = fact("table_bytes");

	CHECK(SQL("set statement_timeout = '1s'; select pg_shpt_populate()") ||
	      shell("grep -q 'due to statement timeout' /tmp/pg/data/log/*"),
	      "it cannot be populated");
	CHECK_GE(fact("table_bytes"), before + (16 << 20) / 512);
	/* Page tables that are shared are counted once. */
	CHECK_SQL("select unshared_page_table_bytes - page_table_bytes > "
		  "(guests - 2) * (64 << 20) / 512 from pg_shpt_region; "
		  "select abs(max(r.page_table_bytes) - sum(p.page_table_bytes) "
		  "- " FACT("table_bytes") ") < 65536 "
		  "from pg_shpt_region r, pg_shpt_process p", "t\nt");
}

static void check_rights(void)
{
	CHECK(SQL("create role other login; "
		  "create role monitor login in role pg_monitor"),
	      "no roles: %s", shell(SAYINGS));
	CHECK_SQL("set role monitor; select (select count(*) from "
		  "pg_shpt_region), count(*) > 5 from pg_shpt_process", "1|t");
	CHECK(shell(BIN "psql -h /tmp/pg -U other -XqAt postgres -c "
		    "'table pg_shpt_region' -c 'table pg_shpt_process' 2>&1 | "
		    "grep -c 'permission denied' | grep -qx 2"),
	      "others may look");
}

/* Where the page tables have to lie, a host is told of that lies there. */
static void check_node(void)
{
	int region;

	if (nr_nodes() < 2)
		return;
	region = MUST(try_open_id(only_region()));
	set_node(region, 1);
	close(region);
	CHECK_SQL("select bool_or(node = 1 and h.page_table_bytes > 0) "
		  "from " HOSTS, "t");
}

/* All but the logger. The postmaster is not among the active. */
static long long guests_expected(PGconn *s)
{
	return atoi(MUST_ASK(s, "select count(*) + 1 from pg_stat_activity"));
}

/* Who looks keeps it from being dropped, and does without it afterwards. */
static void check_drop(void)
{
	PGconn *looker = session(), *other = session();
	uint64_t region = only_region();
	long long guests;

	WAIT_FOR((guests = guests_expected(other)) == fact("guests"), 10,
		 "%lld guests, expected %lld", fact("guests"), guests);
	MUST_ASK(looker, "prepare again as select backend from pg_shpt_region");
	CHECK_ASK(looker, "execute again", "shpt");
	MUST_ASK(looker, "begin; declare c cursor for table pg_shpt_process; "
			 "fetch 2 from c");
	MUST_ASK(other, "set lock_timeout = '100ms'");
	CHECK(!ask(other, "drop extension pg_shpt"),
	      "it is dropped under a cursor");
	CHECK(strstr(PQerrorMessage(other), "lock timeout"), "drop: %s",
	      PQerrorMessage(other));
	CHECK(atoi(MUST_ASK(looker, "fetch from c")), "no more processes");
	MUST_ASK(looker, "commit");
	MUST_ASK(other, "drop extension pg_shpt");
	CHECK(!ask(looker, "execute again"), "it is there yet");
	CHECK(strstr(PQerrorMessage(looker), "pg_shpt"), "execute: %s",
	      PQerrorMessage(looker));
	CHECK_EQ(only_region(), region);
	CHECK_EQ(fact("guests"), guests);
	CHECK_EQ(lines_of(PQbackendPID(looker), "maps", " shpt:"), 1);
	PQfinish(looker);
	PQfinish(other);
}

static void test(int kind)
{
	(void)kind;
	prepare();
	/* Its workers would come and go while guests are counted. */
	MUST_RUN("echo autovacuum = off >>%s/data/postgresql.conf", home);
	buffers = "shared_buffers=2300MB";
	start("mmap", "");
	install_extension();
	check_region();
	check_processes();
	check_populate();
	check_rights();
	check_node();
	check_drop();
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 70);
}
