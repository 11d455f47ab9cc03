// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * processes.c - the processes of the machine, and what they have mapped
 *
 * From /proc/PID/maps. A process may end while it is looked at: then it has
 * nothing mapped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "processes.h"
#include "shptctl.h"

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

size_t pids_read(int root, pid_t **pids)
{
	int fd = openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;
	char *end;

	if (!proc)
		die(EXIT_FAILURE, "cannot read /proc: %s", strerror(errno));
	*pids = NULL;
	while ((entry = readdir(proc))) {
		long pid = strtol(entry->d_name, &end, 10);

		if (*end || pid <= 0 || pid > INT32_MAX)
			continue;
		*pids = reallocarray(*pids, n + 1, sizeof(**pids));
		if (!*pids)
			die(EXIT_FAILURE, "no memory for %zu processes", n + 1);
		(*pids)[n++] = (pid_t)pid;
	}
	closedir(proc);
	if (n)
		qsort(*pids, n, sizeof(**pids), compare_pids);
	return n;
}

/* A line such as "7f1000000000-7f1040000000 rw-s 00000000 00:0f 9  /a path" */
static bool parse_mapping(const char *line, struct process_mapping *m)
{
	char perms[5];
	int path = 0;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64
		   " %n",
		   &m->start, &m->end, perms, &m->offset, &m->major, &m->minor,
		   &m->inode, &path) < 7 ||
	    strlen(perms) != 4 || !path || m->start >= m->end ||
	    m->offset + (m->end - m->start) < m->offset)
		return false;
	m->writable = perms[1] == 'w';
	m->executable = perms[2] == 'x';
	m->shared = perms[3] == 's';
	m->path = print("%s", line + path);
	return true;
}

static void add_mapping(struct process *p, const struct process_mapping *m)
{
	p->mappings = reallocarray(p->mappings, p->n + 1, sizeof(*p->mappings));
	if (!p->mappings)
		die(EXIT_FAILURE, "no memory for %zu mappings", p->n + 1);
	p->mappings[p->n++] = *m;
}

bool process_read(int root, pid_t pid, struct process *p)
{
	char *path = print("proc/%d/maps", pid), *line = NULL;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct process_mapping m;
	size_t size = 0;

	memset(p, 0, sizeof(*p));
	p->pid = pid;
	free(path);
	if (!f)
		return errno != EACCES && errno != EPERM;
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (parse_mapping(line, &m))
			add_mapping(p, &m);
	}
	free(line);
	fclose(f);
	return true;
}

void process_free(struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->mappings[i].path);
	free(p->mappings);
}

char *process_command(int root, pid_t pid)
{
	return fact_line(root, "proc/%d/comm", pid) ?: print("?");
}

char *process_status(int root, pid_t pid, const char *name)
{
	char *path = print("proc/%d/status", pid);
	char *line = fact_line_with(root, path, name);
	char *value = NULL;

	if (line && !strncmp(line, name, strlen(name)))
		value = print("%.*s", (int)strcspn(line + strlen(name), "\n"),
			      line + strlen(name));
	free(line);
	free(path);
	return value;
}

int64_t process_tables(int root, pid_t pid)
{
	char *value = process_status(root, pid, "VmPTE:");
	int64_t bytes = INT64_MIN;
	uint64_t kib;

	if (value && sscanf(value, "%" SCNu64, &kib) == 1)
		bytes = (int64_t)(kib * 1024);
	free(value);
	return bytes;
}

const char *process_library(const struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (strstr(p->mappings[i].path, "/libshpt.so") ||
		    strstr(p->mappings[i].path, "/libshpt-preload.so"))
			return p->mappings[i].path;
	return NULL;
}

char *process_variable(int root, pid_t pid, const char *name)
{
	char *path = print("proc/%d/environ", pid), *entry = NULL;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	size_t size = 0, length = strlen(name);
	char *value = NULL;

	free(path);
	if (!f)
		return NULL;
	errno = 0;
	while (!value && getdelim(&entry, &size, '\0', f) > 0)
		if (!strncmp(entry, name, length) && entry[length] == '=')
			value = print("%s", entry + length + 1);
	if (!value && !ferror(f))
		errno = 0;
	free(entry);
	fclose(f);
	return value;
}

size_t process_min_bytes(int root, pid_t pid)
{
	char *min = process_variable(root, pid, "LIBSHPT_MIN_SIZE");
	size_t bytes;

	if (!min || !parse_size(min, &bytes))
		bytes = PRELOAD_MIN_BYTES;
	free(min);
	return bytes;
}

void say_unreadable(size_t n)
{
	if (n)
		fprintf(stderr,
			"shptctl: %zu process%s could not be looked at%s\n", n,
			n == 1 ? "" : "es",
			geteuid() ? ": run this as root" : ", even by root");
}
