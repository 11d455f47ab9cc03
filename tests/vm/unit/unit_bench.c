/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each scenario of shpt-bench, as small as it can be, in all modes and on all
 * backings that there are here: none is left out, and each measures something.
 * Not bystander, which unloads the module.
 */
#include "shell.h"

#define ALL_MODES "plain,thp,hugetlb,shpt,shpt+thp"
#define ON_FSDAX  "ext4-dax-4k,ext4-dax-2m,xfs-dax-4k,xfs-dax-2m"

struct scenario {
	const char *arguments;
	int places; /* modes, of each backing */
};

static const struct scenario in_memory[] = {
	{ "memory -m " ALL_MODES " -s 8M", 5 },
	{ "memory -m plain,thp,shpt,shpt+thp -b tmpfs -s 8M", 4 },
	{ "attach -m " ALL_MODES " -s 8M --timed 1", 5 },
	{ "forkstorm -m " ALL_MODES " -s 8M --forks 2", 5 },
	{ "exitstorm -m " ALL_MODES " -s 8M", 5 },
	{ "random -m " ALL_MODES " -s 8M --accesses 200", 5 },
	{ "edges -m " ALL_MODES " -s 8M", 5 },
	{ "invalidate -m " ALL_MODES " -s 8M --holes 1", 5 },
	{ NULL, 0 }
};

static const struct scenario on_dax[] = {
	{ "memory -b " ON_FSDAX ",device-dax -s 8M", 10 },
	{ "attach -b " ON_FSDAX ",device-dax -s 8M --timed 1", 10 },
	{ "edges -b " ON_FSDAX ",device-dax -s 8M", 10 },
	{ "invalidate -b " ON_FSDAX " -s 8M --holes 1", 8 },
	{ "pmem -b " ON_FSDAX ",device-dax -s 8M --operations 20", 10 },
	{ NULL, 0 }
};

static void measure(const struct scenario *s, const char *where)
{
	double began = now();

	CHECK(!run("shpt-bench %s %s -n 2 -r 1 -J /tmp/bench.json 2>&1",
		   s->arguments, where),
	      "shpt-bench %s %s: %s", s->arguments, where, shell_out);
	CHECK(!run("jq -e '.skipped == [] and ([.series[] | .mode + .backing] |"
		   " unique | length) == %d' /tmp/bench.json", s->places),
	      "shpt-bench %s %s left something out: %s", s->arguments, where,
	      MUST_RUN("jq -c .skipped /tmp/bench.json"));
	fprintf(stderr, "%s: %.1f s\n", s->arguments, now() - began);
}

static void measure_all(const struct scenario *s, const char *where)
{
	for (; s->arguments; s++)
		measure(s, where);
}

static void test(int kind)
{
	char where[256];

	if (run("command -v jq"))
		SKIP("jq is missing: apt-get install jq");
	if (kind == MEMFD) {
		MUST_RUN("mkdir -p /tmp/huge && mount -t tmpfs -o huge=advise "
			 "none /tmp/huge");
		measure_all(in_memory, "-d /tmp/huge");
		MUST_RUN("umount /tmp/huge");
		return;
	}
	snprintf(where, sizeof(where), "-d %s -d %s -d %s",
		 test_env("SHPT_TEST_DAX"), test_env("SHPT_TEST_XFS"),
		 test_env("SHPT_TEST_DEVDAX"));
	measure_all(on_dax, where);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 200);
}
