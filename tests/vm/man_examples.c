/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the man pages of the commands show can be typed, and prints what they
 * show: all but what "make check" has run already, and what takes a server.
 */
#include "shell.h"

static void test(int kind)
{
	(void)kind;
	if (run("command -v jq && command -v python3"))
		SKIP("jq or python3 is missing: apt-get install jq python3");
	CHECK(shell("$SHPT_TEST_SOURCE/tests/man/run-examples vm 2>&1"), "%s",
	      shell_out);
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
