/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - a server of PostgreSQL, asked by libpq
 *
 * A test that names this header builds with libpq, too.
 */
#ifndef SHPT_VM_SESSION_H
#define SHPT_VM_SESSION_H

#include "postgres.h"

#include <postgresql/libpq-fe.h>

/* Up to this many seconds for what the server does by itself. */
#define SOON	60

static inline void say_nothing(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* A connection, or NULL while the server takes none. */
static inline PGconn *try_session(void)
{
	char where[256];
	PGconn *s;

	snprintf(where, sizeof(where), "host=%s user=postgres", home);
	s = PQconnectdb(where);
	PQsetNoticeProcessor(s, say_nothing, NULL);
	if (PQstatus(s) == CONNECTION_OK)
		return s;
	PQfinish(s);
	return NULL;
}

static inline PGconn *session(void)
{
	PGconn *s;

	WAIT_FOR((s = try_session()), SOON, "no session: %s", shell(SAYINGS));
	return s;
}

/*
 * The first value that the last statement gives, "" if there is none, in a
 * buffer of the process; NULL if the server says no, or nothing any more.
 */
static inline const char *ask(PGconn *s, const char *sql)
{
	static char value[256];
	PGresult *result = PQexec(s, sql);
	ExecStatusType status = PQresultStatus(result);

	snprintf(value, sizeof(value), "%s",
		 PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ? value :
									 NULL;
}

#define MUST_ASK(s, sql) ({						\
	const char *value_ = ask(s, sql);				\
									\
	CHECK(value_, "%s: %s", sql, PQerrorMessage(s));		\
	value_;								\
})

#define CHECK_ASK(s, sql, want) do {					\
	const char *got_ = MUST_ASK(s, sql);				\
									\
	CHECK(!strcmp(got_, want), "%s: '%s', expected '%s'", sql, got_,\
	      want);							\
} while (0)

/* How many lines of a file of /proc/PID have this in them. */
static inline int lines_of(pid_t pid, const char *file, const char *text)
{
	char path[64], line[1024];
	int lines = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "re");
	CHECK(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		lines += strstr(line, text) != NULL;
	fclose(f);
	return lines;
}

/* The numbers of all regions there are; returns how many. */
static inline int regions(uint64_t *ids, int max)
{
	DIR *folder = opendir("/sys/class/misc/shpt/region");
	struct dirent *entry;
	int n = 0;

	CHECK(folder, "no folder of regions: %s", strerror(errno));
	while ((entry = readdir(folder))) {
		if (*entry->d_name != '.' && n++ < max)
			ids[n - 1] = strtoull(entry->d_name, NULL, 10);
	}
	closedir(folder);
	return n;
}

/* The one region there is, once there is only one. */
static inline uint64_t only_region(void)
{
	uint64_t id = 0;

	WAIT_FOR(regions(&id, 1) == 1, 10, "there are %lld regions: %s",
		 fact("regions"), shell(SAYINGS));
	return id;
}

#endif /* SHPT_VM_SESSION_H */
