/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compare.h - what two results have in common, and how it is printed */
#ifndef COMPARE_H
#define COMPARE_H

#include "recordings.h"

enum verdict { SAME, NOISE, BETTER, WORSE, UNSURE, VERDICTS };

/* A measurement that both have. */
struct pair {
	const struct recording *run;
	const struct point *a;
	const struct point *b;
	enum verdict verdict;
};

/* What is known when all has been looked at. */
struct comparison {
	const char *paths[2];
	double threshold; /* 0.05: 5 % */
	struct recordings sides[2];
	struct pair *pairs;
	size_t n;
	size_t counts[VERDICTS];
	json_t *only[2];
	json_t *differences;
};

/* A measurement as an object: its file, scenario, metric, mode and so on. */
json_t *json_key(const struct recording *run, const struct point *p);

/* --- print_comparison.c --- */

#define MOST_COLUMNS 32

struct print_options {
	bool bytes;
	bool changed;
	bool json;
	bool noheadings;
	bool raw;
	size_t columns[MOST_COLUMNS];
	size_t n_columns; /* 0: those that are shown when nobody asks */
};

/* Names with commas between them; wrong ones end the program. */
void choose_columns(struct print_options *options, char *names);
void print_columns_help(void);

void print_comparison(const struct print_options *options,
		      const struct comparison *c);

#endif /* COMPARE_H */
