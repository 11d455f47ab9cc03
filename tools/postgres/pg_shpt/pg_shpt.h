/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pg_shpt.h - what the files of the extension know of each other
 *
 * All of it runs in a backend, when somebody asks. Where the shared memory is
 * and what serves it is told by libshpt-preload.so, which the server was started
 * with; what the region is, by the kernel module below /sys; what the server's
 * processes have, by the kernel below /proc.
 */
#ifndef PG_SHPT_H
#define PG_SHPT_H

#include "postgres.h"

#include "libshpt.h"

/* The server's shared memory, as this backend has it mapped. */
struct memory {
	uint64 start;
	uint64 length;
	uint64 linked_bytes;
	bool linked_known;
	uint64 region_id; /* or 0 */
	uint64 chunk_bytes; /* or 0 */
	const char *backend;
	char why[512]; /* why its page tables are not shared, or "" */
};

/* memory.c */
void find_memory(struct memory *memory);
void populate_memory(const struct memory *memory);

/* region.c */
bool region_fact(uint64 id, const char *name, int64 *value);
char *region_hosts(uint64 id);

/* processes.c */
struct linked {
	int64 chunks;
	int64 bytes;
};

int server_processes(pid_t **pids);
bool page_table_bytes(pid_t pid, int64 *bytes);
bool linked_memory(pid_t pid, const struct memory *memory,
		   struct linked *linked);

#endif /* PG_SHPT_H */
