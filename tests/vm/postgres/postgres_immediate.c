/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/* An immediate shutdown: nothing more is written, the next start recovers. */
#include "crash.h"

static void strike(void)
{
	MUST(kill(postmaster, SIGQUIT));
	WAIT_FOR(has_ended(), SOON, "it does not end: %s", shell(SAYINGS));
	WAIT_FOR(fact("regions") == 0, 10, "a region is left: %s",
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
