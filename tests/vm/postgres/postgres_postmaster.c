/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * The postmaster is killed. The others notice, and when the last of them is gone
 * so is the region; the server can be started again.
 */
#include "crash.h"

static void strike(void)
{
	MUST(kill(postmaster, SIGKILL));
	WAIT_FOR(has_ended(), 10, "it outlives SIGKILL");
	WAIT_FOR(fact("regions") == 0, SOON, "a region is left: %s",
		 shell(SAYINGS));
	start("mmap", "");
}

static void test(int kind)
{
	survive(kind, strike);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 58);
}
