/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shptctl.h - what the files of shptctl know of each other */
#ifndef SHPTCTL_H
#define SHPTCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_USAGE 2

/* --- main.c --- */

/* Prints "shptctl VERB: ..." and ends the program. */
_Noreturn void die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int list(int argc, char **argv);
int explain(int argc, char **argv);
int register_region(int argc, char **argv);
int unregister_regions(int argc, char **argv);

/* --- facts.c: what the module tells below /sys --- */

enum fact {
	BACKING_BYTES,
	HOSTS,
	GUESTS,
	LINKS,
	TABLE_BYTES,
	PARKED_BYTES,
	SAVED_BYTES,
	FAULTS_SERVED,
	FLUSHES,
	UNLINKS,
	FACTS
};
extern const char *const fact_names[FACTS];

struct region {
	uint64_t id;
	char *backing; /* path, or NULL if the user may not know it */
	char *name; /* may be empty; or NULL if it is not registered */
	char *mode; /* these three of a registered one only */
	long long uid, gid;
	long long facts[FACTS];
};

/* A directory that stands for "/"; ends the program if it is none. */
int sysroot_open(const char *path);

/*
 * The first line of a file, without its newline, or NULL and errno. The path
 * is relative to dir and is a printf(3) format; the caller frees the line.
 */
char *fact_line(int dir, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool shpt_is_loaded(int sysroot);

/* All regions by id, in *regions; returns how many. */
size_t regions_read(int sysroot, struct region **regions);
void regions_free(struct region *regions, size_t n);

/* --- device.c: regions, to be steered; end the program if it fails --- */

/* The region of a file, made if there is none yet; flags as of open(2). */
int region_open_file(const char *path, int flags);
int region_open_id(uint64_t id);

#endif /* SHPTCTL_H */
