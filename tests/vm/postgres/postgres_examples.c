/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the man pages show of PostgreSQL can be typed, and prints what they show,
 * with a cluster as Debian's packages make it.
 */
#include "shell.h"

static void test(int kind)
{
	(void)kind;
	if (run("command -v jq"))
		SKIP("jq is missing: apt-get install jq");
	if (access("/usr/bin/pg_createcluster", X_OK) ||
	    access("/usr/lib/postgresql/15/bin/initdb", X_OK))
		SKIP("PostgreSQL is missing: apt-get install postgresql-15");
	CHECK(shell("$SHPT_TEST_SOURCE/tests/man/run-examples postgres 2>&1"),
	      "%s", shell_out);
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
