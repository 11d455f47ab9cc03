/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shptctl.h - what the files of shptctl know of each other */
#ifndef SHPTCTL_H
#define SHPTCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <internal.h> /* of libshpt, which is linked with its objects */

#define EXIT_USAGE 2

/* --- main.c --- */

/* Prints "shptctl VERB: ..." and ends the program. */
_Noreturn void die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int list(int argc, char **argv);
int explain(int argc, char **argv);
int register_region(int argc, char **argv);
int unregister_regions(int argc, char **argv);

/* --- facts.c: what the machine tells --- */

/* A directory that stands for "/"; ends the program if it is none. */
int sysroot_open(const char *path);

/*
 * The first line of a file, without its newline, or NULL and errno. The path
 * is relative to dir and is a printf(3) format; the caller frees the line.
 */
char *fact_line(int dir, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool shpt_is_loaded(int sysroot);

/* All regions by id, in *regions, to be freed; returns how many. */
size_t regions_read(int sysroot, struct libshpt_region **regions);

/* --- device.c: regions, to be steered; end the program if it fails --- */

/* The region of a file, made if there is none yet; flags as of open(2). */
int region_open_file(const char *path, int flags);
int region_open_id(uint64_t id);

#endif /* SHPTCTL_H */
