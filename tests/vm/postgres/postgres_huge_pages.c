/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * huge_pages = try, which is PostgreSQL's default. Where there are enough huge
 * pages the server has them, without a region, and log and view tell why. Where
 * there are too few it has ordinary pages, and shares their page tables.
 */
#include "extension.h"

#define FEW	8
#define ENOUGH	64

static void offer(int pages)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pages);
	write_text("/proc/sys/vm/nr_hugepages", text);
	if (number_in("/proc/meminfo", "HugePages_Free") != pages)
		SKIP("this machine has no %d huge pages to give", pages);
}

/* Lines in which the library says that something is not shared. */
static int refusals(void)
{
	return atoi(MUST_RUN("grep -c ' is not shared: .*whole chunks of 1 "
			     "GiB' %s/log || true", home));
}

static void too_few(void)
{
	offer(FEW);
	start("mmap", "");
	install_extension();
	CHECK_EQ(fact("regions"), 1);
	CHECK_SQL("select backend, why is null, guests > 0, "
		  "unshared_page_table_bytes > 0 from pg_shpt_region",
		  "shpt|t|t|t");
	CHECK_EQ(refusals(), 0);
	CHECK_EQ(number_in("/proc/meminfo", "HugePages_Free"), FEW);
	stop();
}

static void enough(void)
{
	offer(ENOUGH);
	start("mmap", "");
	CHECK_EQ(fact("regions"), 0);
	CHECK_SQL("select backend, why like '%%whole chunks of 1 GiB%%', guests, "
		  "unshared_page_table_bytes, size_bytes / 1048576 between 64 "
		  "and 128 from pg_shpt_region", "hugetlb|t|||t");
	CHECK_EQ(refusals(), 1);
	CHECK_LE(number_in("/proc/meminfo", "HugePages_Free"), ENOUGH - 1);
	CHECK(SQL("create table t as select g from generate_series(1, 1000) g"),
	      "it cannot be written to: %s", shell(SAYINGS));
	CHECK_SQL("select sum(g) from t", "500500");
	stop();
}

static void test(int kind)
{
	(void)kind;
	prepare();
	buffers = "shared_buffers=64MB";
	too_few();
	enough();
	write_text("/proc/sys/vm/nr_hugepages", "0");
}

int main(void)
{
	return vmtest(test, MEMFD, 58);
}
