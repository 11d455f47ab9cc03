/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top.h - what the files of shptctl top know of each other */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "columns.h"

#define NOT_KNOWN COLUMN_UNKNOWN /* of numbers; of rates it is NAN */

/* A region, or a process that maps some. */
struct watched {
	uint64_t id; /* number of the region, or PID */
	uint64_t start; /* of the process: PIDs are used again */
	int64_t saved;
	int64_t peers; /* of a region its guests, of a process its regions */
	int64_t linked; /* chunks, now */
	int64_t tables;
	/* Counted from the beginning, or from when it was first seen. */
	uint64_t links;
	uint64_t faults;
	uint64_t flushes;
	double links_rate; /* per second, since the last look */
	double faults_rate;
	double flushes_rate;
	char *what;
};

struct list {
	struct watched *items;
	size_t n;
};

enum view { REGIONS, PROCESSES, VIEWS };

struct look {
	double at; /* CLOCK_MONOTONIC */
	double seconds; /* since the last one, or NAN */
	struct list lists[VIEWS];
	struct watched sum; /* of the regions */
	size_t unreadable; /* processes that could not be looked at */
};

/* --- look.c --- */

/* Looks; before is the last look, or NULL. To be freed with look_free(). */
struct look *look_take(int root, const struct look *before);
void look_free(struct look *look);

/* --- sort.c --- */

enum sort_key { BY_SAVED, BY_LINKS, BY_FAULTS, BY_FLUSHES, BY_NUMBER };

/* The greatest first; by number, the smallest. What is equal is by number. */
void list_sort(struct list *list, enum sort_key key);

/* What to call them; NULL after the last. */
extern const char *const sort_keys[];

/* --- cells.c: a table of a list --- */

extern const struct column top_columns[];

/* The columns of a view in as; false if p asks for some that it has not. */
bool choose_view(struct print_options *as, const struct print_options *p,
		 enum view view);

/* "saved 1.5M, tables ..."; the caller frees it. */
char *sum_text(const struct print_options *p, const struct watched *sum);

/* --- screen.c --- */

struct top_options {
	int root;
	double delay;
	unsigned long rounds; /* 0: no end */
	enum sort_key key;
	struct print_options print_as;
};

/* Until the user quits. */
void screen_run(struct top_options *o);

#endif /* TOP_H */
