/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postgres.h - a cluster of PostgreSQL 15 as Debian ships it, whose server runs
 * with libshpt-preload.so
 */
#ifndef SHPT_VM_POSTGRES_H
#define SHPT_VM_POSTGRES_H

#include "vmtest.h"
#include "preload.h"

#define BIN	"/usr/lib/postgresql/15/bin/"
#define MAX_OUT	4096

static pid_t postmaster;
static const char *buffers = "shared_buffers=256MB";

/* The output of a command, which must succeed; NULL if it does not. */
__attribute__((format(printf, 1, 2)))
static inline const char *shell(const char *fmt, ...)
{
	static char out[MAX_OUT];
	char cmd[MAX_OUT];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	f = popen(cmd, "re");
	CHECK(f, "popen: %s", strerror(errno));
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	return pclose(f) ? NULL : out;
}

#define MUST_RUN(...) ({						\
	const char *out_ = shell(__VA_ARGS__);				\
									\
	if (!out_)							\
		FAIL("%s failed", #__VA_ARGS__);			\
	out_;								\
})

#define SQL(text)							\
	shell(BIN "psql -h /tmp/pg -U postgres -XqAt "			\
	      "-v ON_ERROR_STOP=1 -c \"" text "\" postgres 2>&1")

#define CHECK_SQL(text, want) do {					\
	const char *got_ = SQL(text);					\
									\
	CHECK(got_ && !strcmp(got_, want "\n"), "%s: '%s', expected '%s'",\
	      text, got_ ? got_ : "an error", want);			\
} while (0)

/* A new cluster, of which a copy is kept for the next test: initdb takes long.
 * Debian's users can reach neither the checkout nor the device. */
static inline void prepare(void)
{
	if (access(BIN "initdb", X_OK))
		SKIP("PostgreSQL is missing: apt-get install postgresql-15");
	MUST(chmod(SHPT_DEVICE, 0666));
	MUST_RUN("test -d /tmp/pg-new || setpriv --reuid=postgres "
		 "--clear-groups " BIN "initdb -D /tmp/pg-new --no-sync "
		 "-A trust");
	MUST_RUN("rm -rf /tmp/pg && mkdir /tmp/pg && "
		 "cp -a /tmp/pg-new /tmp/pg/data && cp %s /tmp/pg/preload.so && "
		 "chown postgres /tmp/pg /tmp/pg/preload.so", preload_path());
}

static inline void start(const char *type, const char *capability)
{
	char setting[64], caps[2][64];

	snprintf(setting, sizeof(setting), "shared_memory_type=%s", type);
	snprintf(caps[0], sizeof(caps[0]), "--inh-caps=-all%s", capability);
	snprintf(caps[1], sizeof(caps[1]), "--ambient-caps=-all%s", capability);
	postmaster = MUST(fork());
	if (!postmaster) {
		int log = MUST(open("/tmp/pg/log", O_WRONLY | O_CREAT | O_TRUNC,
				    0644));

		dup2(log, 1);
		dup2(log, 2);
		setenv("LD_PRELOAD", "/tmp/pg/preload.so", 1);
		execlp("setpriv", "setpriv", "--reuid=postgres",
		       "--clear-groups", caps[0], caps[1], BIN "postgres",
		       "-D", "/tmp/pg/data", "-k", "/tmp/pg", "-c", setting,
		       "-c", "listen_addresses=", "-c", "fsync=off",
		       "-c", buffers, "-c", "logging_collector=on", NULL);
		_exit(127);
	}
	WAIT_FOR(SQL("select 1"), 30, "no answer; see: %s",
		 shell("cat /tmp/pg/log"));
}

static inline void stop(void)
{
	MUST(kill(postmaster, SIGINT));
	join(postmaster);
	WAIT_FOR(fact("regions") == 0, 10, "a region is left");
	CHECK_EQ(fact("guests"), 0);
}

#endif /* SHPT_VM_POSTGRES_H */
