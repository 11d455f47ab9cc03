/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recordings.h - results as scenarios wrote them, to be shown or compared */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../bench.h"

/* --- read.c: result.schema.json says what each member means --- */

/* One element of "series". */
struct point {
	const struct metric *metric;
	const char *mode;
	const char *backing;
	const char *x_name;
	double x;
	int64_t size_bytes;
	double *rounds;
	size_t n_rounds;
	double median;
	double min;
	double max;
	double predicted; /* NAN: theory says nothing */
};

/* What one picture and one table show: a metric of one backing. */
struct figure {
	const struct recording *run;
	const struct metric *metric;
	const char *backing;
	const char *x_name;
	bool over_sizes; /* x is size_bytes, and not what x_name names */
	int64_t size_bytes; /* if not over_sizes */
	const char **modes; /* the one to compare with is the first */
	size_t n_modes;
	double *xs; /* ascending */
	size_t n_xs;
	const struct point **cells; /* [mode * n_xs + x], NULL: not measured */
};

/* One run. The strings belong to root, which is never freed. */
struct recording {
	char *path;
	json_t *root;
	const char *scenario;
	const char *title;
	json_t *machine;
	json_t *parameters;
	json_t *skipped;
	bool emulated;
	json_int_t complaints; /* -1: nobody looked */
	struct metric *metrics;
	size_t n_metrics;
	struct point *points;
	size_t n_points;
	struct figure *figures; /* once make_figures() has made them */
	size_t n_figures;
};

struct recordings {
	struct recording *list;
	size_t n;
};

/*
 * Reads a file, of one run or of several, or all *.json of a folder. What is no
 * result ends the program with a message that says where. No string that is read has control
 * characters.
 */
void recordings_read(struct recordings *runs, const char *path);

const char *machine_text(const struct recording *run, const char *name);

/* The facts of a machine which decide whether times can be compared. */
extern const char *const machine_identity[]; /* ends with NULL */

/* Of a fact that only one of them has nothing is known. */
bool same_fact(const char *name, const struct recording *a,
	       const struct recording *b);
bool same_machine(const struct recording *a, const struct recording *b);
bool made_on_one_machine(const struct recordings *runs);
bool made_under_emulation(const struct recordings *runs);

/* Whether both are of the same metric, mode, backing, size and x. */
bool same_point(const struct point *a, const struct point *b);

/* --- value.c --- */

#define VALUE_BYTES 32

void format_value(char buf[VALUE_BYTES], enum unit unit, double value);

/* A fact or a parameter; to be freed. Bytes are known by the name. */
char *format_json(const char *name, const json_t *value);

/* A fact's name, for people. */
const char *fact_title(const char *name);

/* What is not the same of another machine: "nodes 2, ..."; to be freed. */
char *other_machine(const struct recording *first, const struct recording *run);

/* x as it stands on an axis: in bytes where its name says so. */
void format_x(char buf[VALUE_BYTES], const char *x_name, double x);

/* How many times better a mode is than the one it is compared with. */
struct ratio ratio_of(const struct point *base, const struct point *other);

/* The median of a ratio; where there is none, that of the point that is compared. */
void format_comparison(char buf[VALUE_BYTES], const struct point *point,
		       const struct ratio *ratio);

/*
 * Whether it means anything that all rounds of one are better than all of the
 * other. Of five each, chance alone does that once in 126 times, of three each
 * once in ten times: of many figures that is some.
 */
bool enough_rounds(const struct point *a, const struct point *b);

/* "8.37 to 10.3"; empty where there is no spread that could be seen. */
#define SPREAD_BYTES (2 * VALUE_BYTES + 4)

void format_spread(char buf[SPREAD_BYTES], const struct point *p);

/*
 * The same of their ratio, or of the other's values where there is none; where a
 * round came out at 0 or below "in noise: shpt -22.1 to 19 ms". To be freed.
 */
char *spread_of(const struct point *base, const struct point *other,
		const struct ratio *ratio);

/* --- figure.c --- */

void make_figures(struct recording *run);

const struct point *figure_cell(const struct figure *figure, size_t mode,
				size_t x);
/* The same by name; NULL also for a mode that the figure does not have. */
const struct point *figure_find(const struct figure *figure, const char *mode,
				size_t x);

/* The greatest x at which there is something to compare; n_xs if nowhere. */
size_t figure_telling_x(const struct figure *figure);

/*
 * The least x below that one where the mode's ratio is on the other side of 1;
 * n_xs if there is none.
 */
size_t figure_other_side(const struct figure *figure, const char *mode,
			 size_t x);

/* "500", "1 GiB" */
void figure_x(char buf[VALUE_BYTES], const struct figure *figure, size_t x);
/* "processes = 500", "1 GiB" */
void figure_where(char *buf, size_t size, const struct figure *figure,
		  size_t x);
/* "memfd, 1 GiB": what is the same in all of the figure; may be empty */
void figure_what(char *buf, size_t size, const struct figure *figure);
/* Both: "memfd, 1 GiB, processes = 500" */
void figure_place(char *buf, size_t size, const struct figure *figure,
		  size_t x);

/*
 * At a glance: figures of the usual modes have a line each, the others one for
 * each mode, and those that show nothing at all, or 0 everywhere, none.
 */
enum glance { GLANCE_NONE, GLANCE_USUAL, GLANCE_OTHER };

enum glance figure_glance(const struct figure *figure, size_t x);

/* What is compared with "plain" at a glance, in that order; ends with NULL. */
extern const char *const glance_modes[];

/* What is measured, which way is better, what it shows; to be freed. */
char *figure_sentences(const struct figure *figure);

/* --- plot.c --- */

/* To be freed; NULL where there is no gnuplot, which is said on stderr once. */
char *plot_svg(const struct figure *figure);

/* --- html.c, markdown.c --- */

void html_write(FILE *out, const struct recordings *runs);
void markdown_write(FILE *out, const struct recordings *runs);

#endif /* RECORDINGS_H */
