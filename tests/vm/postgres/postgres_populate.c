/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * pg_shpt_populate() spares the server the page faults of its shared memory,
 * those of first writes to FS-DAX too.
 */
#include "extension.h"
#include "session.h"

#define FEW	8	/* faults, such as reclaim may cause */

static char folder[256];

static void put_on_pmem(void)
{
	snprintf(folder, sizeof(folder), "%s/pg", test_env("SHPT_TEST_DAX"));
	MUST_RUN("rm -rf %s && install -d -o postgres %s", folder, folder);
	MUST(setenv("LIBSHPT_BACKING", folder, 1));
}

static void populate(PGconn *s)
{
	CHECK_ASK(s, "select pg_shpt_populate() = size_bytes "
		     "from pg_shpt_region", "t");
}

/* In 64 MB of buffers that nobody has used yet: 32 entries of 2 MiB, or more. */
static void write_buffers(PGconn *s)
{
	MUST_ASK(s, "insert into t select repeat('x', 7000) "
		    "from generate_series(1, 8000)");
	CHECK_ASK(s, "select pg_relation_size('t') / 8192", "8000");
}

static void test(int kind)
{
	long long before;
	uint64_t region;
	PGconn *s;

	prepare();
	MUST_RUN("echo autovacuum = off >>%s/data/postgresql.conf", home);
	if (kind == DAX)
		put_on_pmem();
	buffers = "shared_buffers=128MB";
	start("mmap", "");
	install_extension();
	s = session();
	MUST_ASK(s, "create unlogged table t (filler text); "
		    "alter table t alter filler set storage plain");
	region = only_region();
	populate(s);
	before = region_fact(region, "faults_served");
	write_buffers(s);
	CHECK_LE(region_fact(region, "faults_served"), before + FEW);
	PQfinish(s);
	stop();
	if (kind == DAX)
		MUST_RUN("rmdir %s", folder);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 58);
}
