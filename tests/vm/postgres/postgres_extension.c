/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The extension pg_shpt shows what the server shares: the numbers that the
 * library and the module have, found by other ways here; to pg_monitor and to
 * nobody else. It populates the region.
 */
#include "postgres.h"

/* A fact of the module, in SQL. */
#define FACT(name)							\
	"pg_read_file('/sys/class/misc/shpt/" name "')::bigint"

#define HOSTS								\
	"pg_shpt_region, jsonb_to_recordset(hosts) as "			\
	"h(access text, node int, page_table_bytes bigint)"

static void install(void)
{
	char tree[4096];

	snprintf(tree, sizeof(tree), "%s", preload_path());
	*strstr(tree, "/libshpt/.libs/") = 0;
	if (!shell("test -f %s/tools/postgres/pg_shpt/pg_shpt.so", tree))
		SKIP("pg_shpt is not built: apt-get install postgresql-server-dev-15, then configure again");
	MUST_RUN("make -s -C %s/tools/postgres install-postgresql 2>&1", tree);
	CHECK(SQL("create extension pg_shpt; "
		  "create role other login; "
		  "create role monitor login in role pg_monitor"),
	      "no extension: %s", shell("cat /tmp/pg/log"));
}

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
	CHECK_SQL("set role monitor; select (select count(*) from "
		  "pg_shpt_region), count(*) > 5 from pg_shpt_process", "1|t");
	CHECK(shell(BIN "psql -h /tmp/pg -U other -XqAt postgres -c "
		    "'table pg_shpt_region' -c 'table pg_shpt_process' 2>&1 | "
		    "grep -c 'permission denied' | grep -qx 2"),
	      "others may look");
}

static void test(int kind)
{
	(void)kind;
	prepare();
	buffers = "shared_buffers=2300MB";
	start("mmap", "");
	install();
	check_region();
	check_processes();
	check_populate();
	check_rights();
	CHECK(SQL("drop extension pg_shpt"), "it cannot be dropped");
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 60);
}
