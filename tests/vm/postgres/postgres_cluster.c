/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "shptctl postgres enable" has a cluster that Debian's own tools made and start
 * share page tables, once it is done what it says is in the way; "status" tells
 * so, the server's log too, and "disable" leaves nothing behind.
 */
#include "vmtest.h"
#include "preload.h"
#include "shell.h"

#define CLUSTER		"15 vmtest"
#define ID		"15/vmtest"
#define ENVIRONMENT	"/etc/postgresql/" ID "/environment"
#define SHPTCTL		"/tmp/pg/tools/shptctl"

/* The user postgres can reach neither the checkout nor the device. */
static void prepare(void)
{
	if (access("/usr/bin/pg_createcluster", X_OK) ||
	    access("/usr/lib/postgresql/15/bin/initdb", X_OK))
		SKIP("PostgreSQL is missing: apt-get install postgresql-15");
	MUST_RUN("rm -rf /tmp/pg/data /tmp/pg/log && "
		 "mkdir -p /tmp/pg/tools /tmp/pg/libshpt/.libs && "
		 "cp %s /tmp/pg/libshpt/.libs && "
		 "cp \"$(command -v shptctl)\" " SHPTCTL, preload_path());
	MUST_RUN("chown root:root " SHPT_DEVICE " && chmod 600 " SHPT_DEVICE);
	MUST_RUN("pg_createcluster --start-conf manual -d /tmp/pg/data "
		 "-l /tmp/pg/log " CLUSTER " -- --no-sync -A trust 2>&1");
	MUST_RUN("pg_conftool " CLUSTER " set shared_buffers 256MB");
	MUST_RUN("printf \"TZ = 'UTC'\" >>" ENVIRONMENT
		 " && cp -p " ENVIRONMENT " /tmp/pg/own");
}

static void check_explain(const char *state)
{
	MUST_RUN(SHPTCTL " explain | grep -q '^device  *%s '", state);
}

/* On a machine that is as new, with the command that it prints. */
static void enable(void)
{
	static const char what[] = "\n  postgres may not open /dev/shpt: ";
	const char *said, *mend;

	check_explain("no");
	said = MUST_RUN(SHPTCTL " postgres enable " ID);
	mend = strstr(said, what);
	CHECK(mend, "enable says: %s", said);
	mend += strlen(what);
	MUST_RUN("%.*s", (int)strcspn(mend, "\n"), mend);
	check_explain("ok");
	said = MUST_RUN(SHPTCTL " postgres enable " ID);
	CHECK(!strstr(said, "in the way"), "then it says: %s", said);
	CHECK(strstr(said, "pg_ctlcluster " CLUSTER " start"),
	      "enable says: %s", said);
}

static void run_server(const char *verb)
{
	const char *got;

	CHECK(shell("pg_ctlcluster " CLUSTER " %s 2>&1", verb), "%s: %s", verb,
	      shell("cat /tmp/pg/log"));
	got = MUST_RUN("psql -p \"$(pg_conftool -s " CLUSTER " show port)\" "
		       "-h /var/run/postgresql -U postgres -XqAt "
		       "-c 'select 6 * 7' postgres");
	CHECK(!strcmp(got, "42\n"), "psql: %s", got);
}

/* Lines of the library's in the log, all of them with this in it. */
static void check_log(int lines, const char *text)
{
	CHECK_EQ(atoi(MUST_RUN("grep libshpt-preload /tmp/pg/log | wc -l")),
		 lines);
	CHECK_EQ(atoi(MUST_RUN("grep libshpt-preload /tmp/pg/log | "
			       "grep -F '%s' | wc -l", text)), lines);
}

static void check_status(const char *name, const char *value)
{
	char want[64];
	const char *said = MUST_RUN(SHPTCTL " postgres status -J " ID);

	snprintf(want, sizeof(want), "\"%s\": %s,", name, value);
	CHECK(strstr(said, want), "no %s in the status: %s", want, said);
}

static void check_sharing(void)
{
	const char *said, *guests;

	CHECK_EQ(fact("regions"), 1);
	check_status("configured", "true");
	check_status("in_effect", "true");
	check_status("restart_needed", "false");
	check_status("backend", "\"shpt\"");
	said = MUST_RUN(SHPTCTL " postgres status -J " ID);
	guests = strstr(said, "\"guests\": ");
	/* Postmaster, checkpointer, two writers, launchers. */
	CHECK(guests && atoi(guests + strlen("\"guests\": ")) >= 5,
	      "no guests: %s", said);
	check_log(1, ": shpt, region ");
}

static void disable(void)
{
	MUST_RUN(SHPTCTL " postgres disable " ID);
	MUST_RUN("cmp /tmp/pg/own " ENVIRONMENT " && "
		 "[ \"$(stat -c '%%a %%U:%%G' /tmp/pg/own)\" = "
		 "\"$(stat -c '%%a %%U:%%G' " ENVIRONMENT ")\" ]");
	check_status("configured", "false");
	check_status("in_effect", "true");
	check_status("restart_needed", "true");
	run_server("restart");
	CHECK_EQ(fact("regions"), 0);
	check_status("in_effect", "false");
	check_status("restart_needed", "false");
	check_log(1, ": shpt, region ");
}

static void test(int kind)
{
	(void)kind;
	prepare();
	enable();
	run_server("start");
	check_sharing();
	disable();
	MUST_RUN("pg_dropcluster --stop " CLUSTER);
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
