/* SPDX-License-Identifier: GPL-2.0-or-later */
/* processes.h - what processes have mapped, for the verbs that look at them */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What one page table of the lowest level maps; the size of any table. */
#define TABLE_SPAN ((uint64_t)2 << 20)
#define TABLE_BYTES 4096

/* --- processes.c --- */

struct process_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file */
	bool writable;
	bool executable;
	bool shared;
	unsigned int major;
	unsigned int minor;
	uint64_t inode; /* of a guest's mapping: the id of its region */
	char *path;
};

struct process {
	pid_t pid;
	size_t n;
	struct process_mapping *mappings; /* by address */
};

/* In ascending order, to be freed; returns how many. */
size_t pids_read(int root, pid_t **pids);

/* False if that is not allowed. To be freed in any case. */
bool process_read(int root, pid_t pid, struct process *p);
void process_free(struct process *p);

/* The name of its program, to be freed. */
char *process_command(int root, pid_t pid);

/* Bytes of its own page tables, or INT64_MIN if that is not to be known. */
int64_t process_tables(int root, pid_t pid);

/* The path of libshpt.so or libshpt-preload.so in it, or NULL. */
const char *process_library(const struct process *p);

/*
 * The value of a variable that it was started with, to be freed; NULL and errno,
 * which is 0 if there is no such variable.
 */
char *process_variable(int root, pid_t pid, const char *name);

/* What LIBSHPT_MIN_SIZE has libshpt-preload.so leave alone, as far as it is to be
 * known: smaller mappings. */
size_t process_min_bytes(int root, pid_t pid);

/* The line of /proc/PID/status that begins so, behind that; or NULL. */
char *process_status(int root, pid_t pid, const char *name);

/* What all verbs say of processes that they may not look at. */
void say_unreadable(size_t n);

/* --- kind.c --- */

/* Guests of shpt are mapped from its own files, whose paths begin so. */
#define GUEST_PATH "shpt:"

bool is_guest(const struct process_mapping *m);

/*
 * What could be mapped with shpt in place of this: shmem, fsdax or devdax. NULL
 * if it cannot be shared, or is.
 */
const char *mapping_kind(int root, pid_t pid, const struct process_mapping *m);

/* --- pagemap.c --- */

/* Of a process; -1 and errno. */
int pagemap_open(int root, pid_t pid);

/* How many chunks of a guest's mapping are linked. */
int64_t pagemap_links(int pagemap, const struct process_mapping *m);

/*
 * The address of the first page from at on that the process has mapped, or end;
 * huge: it is mapped by a 2 MiB entry, which has no page table below.
 */
uint64_t pagemap_next(int pagemap, uint64_t at, uint64_t end, bool *huge);

#endif /* PROCESSES_H */
