/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shptctl restore registers what a file names, with owner, mode and settings,
 * and a second time changes nothing; what is wrong with one region keeps no
 * other from it; --release lets go of these, and with --all of all.
 */
#include "registry.h"
#include "shell.h"

#define CHECK_RUN(status, text, ...) do {				\
	int got_ = run(__VA_ARGS__);					\
									\
	CHECK(got_ == (status) && strstr(shell_out, text),			\
	      "%s: status %d and '%s', expected %d and '%s'",		\
	      #__VA_ARGS__, got_, shell_out, status, text);			\
} while (0)

static char dir[64];
static char conf[128];

/* What the file is, without dir before each line, and to the shell. */
#define CONF "sed 's|^|%s/|' >%s <<'EOT'\n%s\nEOT\n"

static void test(int kind)
{
	uint64_t pool, other, mine;

	forget_all();
	(void)kind;
	snprintf(dir, sizeof(dir), "/dev/shm/vmtest.%d", getpid());
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	MUST_RUN("mkdir %s && cd %s && truncate -s 1M pool other mine", dir,
		 dir);
	MUST_RUN("shptctl register --name vmtest-mine %s/mine", dir);
	mine = find_region("name", "vmtest-mine");

	MUST_RUN(CONF, dir, conf,
		 "pool name=vmtest mode=0666 user=daemon reclaim=always node=0\n"
		 "nosuch\n"
		 "other colour=red\n"
		 "other");
	CHECK_RUN(1, "registered as 'vmtest'",
		  "umask 077; shptctl restore --file %s 2>&1", conf);
	CHECK(strstr(shell_out, "conf:2: cannot open ") &&
	      strstr(shell_out, "conf:3: 'colour' is no option"),
	      "the lines that are wrong are not named: '%s'", shell_out);
	pool = find_region("name", "vmtest");
	CHECK(pool, "no region has the name");
	snprintf(shell_out, sizeof(shell_out), "%s/other", dir);
	other = find_region("backing", shell_out);
	CHECK(other, "the region behind those that are wrong is not there");
	CHECK_RUN(0, "daemon daemon 0666",
		  "shptctl list -no NAME,OWNER,GROUP,MODE | grep vmtest");
	CHECK_RUN(0, "always", "cat " REGIONS "/%llu/reclaim_mode",
		  (long long)pool);
	CHECK_RUN(0, "0", "cat " REGIONS "/%llu/node", (long long)pool);

	CHECK_RUN(1, "pool: was registered already as 'vmtest'",
		  "shptctl restore --file %s 2>&1", conf);
	CHECK_EQ(find_region("name", "vmtest"), pool);
	MUST_RUN(CONF, dir, conf, "pool name=vmtest mode=0600 user=daemon");
	CHECK_RUN(1, "is registered already, by user 1, group 1, mode 0666",
		  "shptctl restore --file %s 2>&1", conf);
	MUST_RUN(CONF, dir, conf, "pool name=vmtest2");
	CHECK_RUN(1, "with the name 'vmtest' and not 'vmtest2'",
		  "shptctl restore --file %s 2>&1", conf);
	MUST_RUN(CONF, dir, conf, "other name=vmtest-mine");
	CHECK_RUN(1, "is registered already, with the name ''",
		  "shptctl restore --file %s 2>&1", conf);

	MUST_RUN(CONF, dir, conf, "pool name=vmtest\nother\nnosuch");
	CHECK_RUN(0, "would be released as 'vmtest'",
		  "shptctl restore --release --dry-run --file %s", conf);
	CHECK_EQ(fact("registered"), 3);
	CHECK_RUN(0, "released as 'vmtest'",
		  "shptctl restore --release --file %s", conf);
	GONE(pool);
	GONE(other);
	CHECK_EQ(find_region("name", "vmtest-mine"), mine);
	CHECK_RUN(0, "released as 'vmtest-mine'",
		  "shptctl restore --release --all");
	GONE(mine);
	CHECK_RUN(0, "", "shptctl restore --release --all");
	MUST_RUN("rm -r %s", dir);
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
