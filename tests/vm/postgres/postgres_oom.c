/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * In a memory cgroup with a limit a query takes more than there is, and the
 * kernel kills that backend. The server begins anew within the same limit.
 */
#include "crash.h"

#include <sys/prctl.h>

#define LEFT	(160 * MIB)

static const char *cgroup;

static void strike(void)
{
	PGconn *s = session();
	int backend = PQbackendPID(s);
	char limit[32];

	snprintf(limit, sizeof(limit), "%lld",
		 read_number(cgroup_file(cgroup, "memory.current")) +
			 (long long)LEFT);
	write_text(cgroup_file(cgroup, "memory.max"), limit);
	CHECK(!ask(s, "select length(repeat(repeat('x', 1000000), 1000))"),
	      "1 GB can be had where %s bytes are the limit", limit);
	CHECK(PQstatus(s) == CONNECTION_BAD, "the backend lives: %s",
	      PQerrorMessage(s));
	PQfinish(s);
	CHECK_GE(number_in(cgroup_file(cgroup, "memory.events"), "oom_kill"),
		 1);
	WAIT_FOR(!run("grep -qF 'server process (PID %d) was terminated by "
		      "signal 9' %s/data/log/*", backend, home), SOON,
		 "it was not backend %d that was killed: %s", backend,
		 shell(SAYINGS));
}

static void test(int kind)
{
	cgroup = new_cgroup("postgres");
	enter_cgroup(cgroup);
	/*
	 * An exiting process no longer counts as the victim that is waited for
	 * once its memory is unmapped, but it frees it a little later, up to
	 * 10,000 pages at a time. With huge pages that is all it has, and who
	 * wants memory in between has another process killed: the postmaster.
	 */
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	survive(kind, strike);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 58);
}
