/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PostgreSQL 15 as Debian ships it, with libshpt-preload.so: its processes
 * share the page tables of its shared memory, from mmap as from shmget; the
 * children that give the memory back, and the life after a crash, are as
 * without the library.
 */
#include "postgres.h"

/* Whether the server's process of this title has a guest mapped. */
static bool is_mapped_by(const char *title)
{
	char path[64], line[1024];
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", process(title));
	maps = fopen(path, "re");
	CHECK(maps, "there is no '%s': %s", title, shell(SAYINGS));
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, " shpt:");
	fclose(maps);
	return found;
}

static void check_sharing(void)
{
	WAIT_FOR(fact("regions") == 1, 10, "%lld regions", fact("regions"));
	/* Postmaster, checkpointer, two writers, launchers. */
	CHECK_GE(fact("guests"), 5);
	CHECK_GE(fact("links"), 4);
	CHECK(is_mapped_by("postgres: checkpointer"), "it shares nothing");
	CHECK(!is_mapped_by("postgres: logger"),
	      "the logger did not unmap what it inherited");
}

static void serve(const char *type, const char *capability)
{
	start(type, capability);
	CHECK(SQL("drop table if exists t; "
		  "create table t as select g, repeat('x', 500) "
		  "from generate_series(1, 5000) g"), "create table failed");
	check_sharing();
	crash();
	CHECK_SQL("select count(*), sum(g) from t", "5000|12502500");
	check_sharing();
	check_files();
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
	CHECK(shell("grep -q CAP_CHECKPOINT_RESTORE /tmp/pg/log"),
	      "nothing is said: %s", shell("cat /tmp/pg/log"));
	stop();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
