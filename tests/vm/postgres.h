/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postgres.h - a cluster of PostgreSQL 15 as Debian ships it, whose server runs
 * with libshpt-preload.so
 *
 * Its processes are looked at from here, for on a slow machine each psql takes
 * a second; and each wait has an end and shows the log.
 */
#ifndef SHPT_VM_POSTGRES_H
#define SHPT_VM_POSTGRES_H

#include "vmtest.h"
#include "preload.h"
#include "shell.h"

#include <dirent.h>

#define BIN	"/usr/lib/postgresql/15/bin/"

/* The server that is started and looked at here, and the folder of its data,
 * its socket and its log. */
static pid_t postmaster;
static const char *home = "/tmp/pg";
static const char *buffers = "shared_buffers=256MB";
static bool preloads = true; /* libshpt-preload.so, so that it shares */

#define SQL(text)							\
	shell("exec timeout 30 " BIN "psql -h /tmp/pg -U postgres -XqAt "\
	      "-v ON_ERROR_STOP=1 -c \"" text "\" postgres 2>&1")

#define CHECK_SQL(text, want) do {					\
	const char *got_ = SQL(text);					\
									\
	CHECK(got_ && !strcmp(got_, want "\n"), "%s: '%s', expected '%s'",\
	      text, got_ ? got_ : "an error", want);			\
} while (0)

/* What the server says, before it has a logger and after. */
#define SAYINGS "cat /tmp/pg*/log /tmp/pg*/data/log/* 2>&1 || true"

/* A new cluster, a copy of one that is kept for the next test: initdb takes long.
 * Debian's users can reach neither the checkout nor the device. */
static inline void prepare(void)
{
	if (access(BIN "initdb", X_OK))
		SKIP("PostgreSQL is missing: apt-get install postgresql-15");
	if (access(SHPT_DEVICE, F_OK) == 0)
		MUST(chmod(SHPT_DEVICE, 0666));
	MUST_RUN("mkdir -p /tmp/pg && cp %s /tmp/pg/preload.so && "
		 "chown -R postgres /tmp/pg", preload_path());
	MUST_RUN("cd /tmp/pg && { test -d new || setpriv --reuid=postgres "
		 "--clear-groups " BIN "initdb -D new --no-sync -A trust "
		 "--data-checksums && echo fsync = off >>new/postgresql.conf; "
		 "} && "
		 "rm -rf data && cp -a new data");
}

/* Up to @size - 1 bytes of a file; "" if there is none. */
static inline char *text_of(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/* The server that this test started says so in a file. */
static inline bool is_ready(void)
{
	char path[256], text[1024];

	snprintf(path, sizeof(path), "%s/data/postmaster.pid", home);
	return atoi(text_of(path, text, sizeof(text))) == postmaster &&
	       strstr(text, "ready");
}

static inline bool has_ended(void)
{
	return waitpid(postmaster, NULL, WNOHANG) == postmaster;
}

static inline void launch(const char *type, const char *capability)
{
	char setting[64], caps[2][64], data[256], log[256];

	snprintf(data, sizeof(data), "%s/data", home);
	snprintf(log, sizeof(log), "%s/log", home);
	snprintf(setting, sizeof(setting), "shared_memory_type=%s", type);
	snprintf(caps[0], sizeof(caps[0]), "--inh-caps=-all%s", capability);
	snprintf(caps[1], sizeof(caps[1]), "--ambient-caps=-all%s", capability);
	postmaster = MUST(fork());
	if (!postmaster) {
		int fd = MUST(open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644));

		dup2(fd, 1);
		dup2(fd, 2);
		if (preloads)
			setenv("LD_PRELOAD", "/tmp/pg/preload.so", 1);
		execlp("setpriv", "setpriv", "--reuid=postgres",
		       "--clear-groups", caps[0], caps[1], BIN "postgres",
		       "-D", data, "-k", home, "-c", setting,
		       "-c", "listen_addresses=", "-c", buffers,
		       "-c", "logging_collector=on", NULL);
		_exit(127);
	}
}

static inline void start(const char *type, const char *capability)
{
	bool ended = false;

	launch(type, capability);
	WAIT_FOR(is_ready() || (ended = has_ended()), 60,
		 "it does not start: %s", shell(SAYINGS));
	CHECK(!ended, "it ends at once: %s", shell(SAYINGS));
}

static inline void stop(void)
{
	MUST(kill(postmaster, SIGINT));
	WAIT_FOR(has_ended(), 60, "it does not stop: %s", shell(SAYINGS));
	if (access(SHPT_DEVICE, F_OK))
		return;
	WAIT_FOR(fact("regions") == 0, 10, "a region is left");
	CHECK_EQ(fact("guests"), 0);
}

static inline bool is_child(const char *pid)
{
	char path[300], text[512], *after;
	int parent;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	after = strrchr(text_of(path, text, sizeof(text)), ')');
	return after && sscanf(after, ") %*c %d", &parent) == 1 &&
	       parent == postmaster;
}

/* The server's process whose title begins like that, or 0. */
static inline pid_t process(const char *title)
{
	char path[300], text[256];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t pid = 0;

	CHECK(proc, "/proc: %s", strerror(errno));
	while (!pid && (entry = readdir(proc))) {
		if (!atoi(entry->d_name) || !is_child(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		text_of(path, text, sizeof(text));
		if (!strncmp(text, title, strlen(title)))
			pid = atoi(entry->d_name);
	}
	closedir(proc);
	return pid;
}

/* A process dies. The server ends all others and begins anew. */
static inline void crash(void)
{
	pid_t old, new;

	WAIT_FOR((old = process("postgres: checkpointer")), 10,
		 "there is no checkpointer: %s", shell(SAYINGS));
	MUST(kill(old, SIGKILL));
	WAIT_FOR((new = process("postgres: checkpointer")) && new != old, 60,
		 "it does not recover: %s", shell(SAYINGS));
	WAIT_FOR(SQL("select 1"), 60, "no answer: %s", shell(SAYINGS));
}

/* PostgreSQL's own tools find nothing wrong, and it ends. */
static inline void check_files(void)
{
	CHECK(shell(BIN "pg_amcheck -h %s -U postgres --all "
		    "--install-missing >/tmp/pg/amcheck 2>&1", home),
	      "pg_amcheck: %s", shell("cat /tmp/pg/amcheck"));
	stop();
	CHECK(shell(BIN "pg_checksums --check -D %s/data >/tmp/pg/checksums "
		    "2>&1", home),
	      "pg_checksums: %s", shell("cat /tmp/pg/checksums"));
}

#endif /* SHPT_VM_POSTGRES_H */
