// SPDX-License-Identifier: GPL-2.0-or-later
/* figure.c - which numbers belong in one picture, and what they show */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recordings.h"

/* In the order of a table's columns. */
static const char *const known_modes[] = { "plain", "thp",	"hugetlb",
					   "shpt",  "shpt+thp", NULL };

/* What a narrow screen cuts off is at the end. */
const char *const glance_modes[] = { "shpt", "shpt+thp", "hugetlb", "thp",
				     NULL };

static void *allocate(size_t n, size_t size)
{
	void *array = calloc(n + 1, size);

	if (!array)
		die("no memory for the figures");
	return array;
}

/*
 * Where x is the same in all of a metric's points and their sizes are not, they
 * are drawn over the sizes.
 */
static bool is_over_sizes(const struct recording *run,
			  const struct metric *metric)
{
	const struct point *first = NULL;
	bool sizes_differ = false;

	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *p = &run->points[i];

		if (p->metric != metric)
			continue;
		first = first ?: p;
		if (p->x != first->x || strcmp(p->x_name, first->x_name) != 0)
			return false;
		sizes_differ |= p->size_bytes != first->size_bytes;
	}
	return sizes_differ;
}

static bool belongs(const struct figure *f, const struct point *p)
{
	return p->metric == f->metric && !strcmp(p->backing, f->backing) &&
	       !strcmp(p->x_name, f->x_name) &&
	       (f->over_sizes || p->size_bytes == f->size_bytes);
}

static double x_of(const struct figure *f, const struct point *p)
{
	return f->over_sizes ? (double)p->size_bytes : p->x;
}

static size_t find_mode(const struct figure *f, const char *mode)
{
	size_t i = 0;

	while (i < f->n_modes && strcmp(f->modes[i], mode) != 0)
		i++;
	return i;
}

static size_t find_x(const struct figure *f, double x)
{
	size_t i = 0;

	while (i < f->n_xs && f->xs[i] != x)
		i++;
	return i;
}

static int rank(const char *mode)
{
	int i = 0;

	while (known_modes[i] && strcmp(mode, known_modes[i]) != 0)
		i++;
	return i;
}

/* Stable, so that unknown modes stay in the order of the file. */
static void add_mode(struct figure *f, const char *mode)
{
	size_t i = f->n_modes++;

	for (; i && rank(f->modes[i - 1]) > rank(mode); i--)
		f->modes[i] = f->modes[i - 1];
	f->modes[i] = mode;
}

static void add_x(struct figure *f, double x)
{
	size_t i = f->n_xs++;

	for (; i && f->xs[i - 1] > x; i--)
		f->xs[i] = f->xs[i - 1];
	f->xs[i] = x;
}

static void fill(struct figure *f)
{
	const struct recording *run = f->run;

	f->modes = allocate(run->n_points, sizeof(*f->modes));
	f->xs = allocate(run->n_points, sizeof(*f->xs));
	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *p = &run->points[i];

		if (!belongs(f, p))
			continue;
		if (find_mode(f, p->mode) == f->n_modes)
			add_mode(f, p->mode);
		if (find_x(f, x_of(f, p)) == f->n_xs)
			add_x(f, x_of(f, p));
	}
	f->cells = allocate(f->n_modes * f->n_xs, sizeof(const struct point *));
	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *p = &run->points[i];

		if (belongs(f, p))
			f->cells[find_mode(f, p->mode) * f->n_xs +
				 find_x(f, x_of(f, p))] = p;
	}
}

static bool is_in_one(const struct recording *run, const struct point *p)
{
	for (size_t i = 0; i < run->n_figures; i++)
		if (belongs(&run->figures[i], p))
			return true;
	return false;
}

static void make_figures_of(struct recording *run, const struct metric *metric)
{
	bool over_sizes = is_over_sizes(run, metric);

	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *p = &run->points[i];
		struct figure *figure = &run->figures[run->n_figures];

		if (p->metric != metric || is_in_one(run, p))
			continue;
		*figure = (struct figure){
			.run = run,
			.metric = metric,
			.backing = p->backing,
			.x_name = p->x_name,
			.over_sizes = over_sizes,
			.size_bytes = p->size_bytes,
		};
		fill(figure);
		run->n_figures++;
	}
}

void make_figures(struct recording *run)
{
	run->figures = allocate(run->n_points, sizeof(*run->figures));
	run->n_figures = 0;
	for (size_t i = 0; i < run->n_metrics; i++)
		make_figures_of(run, &run->metrics[i]);
}

const struct point *figure_cell(const struct figure *figure, size_t mode,
				size_t x)
{
	return figure->cells[mode * figure->n_xs + x];
}

const struct point *figure_find(const struct figure *figure, const char *mode,
				size_t x)
{
	size_t i = find_mode(figure, mode);

	return i < figure->n_modes ? figure_cell(figure, i, x) : NULL;
}

/* Whether all modes have the same there. */
static bool is_level(const struct figure *figure, size_t x)
{
	double first = figure_cell(figure, 0, x)->median;

	for (size_t mode = 1; mode < figure->n_modes; mode++) {
		const struct point *p = figure_cell(figure, mode, x);

		if (p && p->median != first)
			return false;
	}
	return true;
}

size_t figure_telling_x(const struct figure *figure)
{
	for (size_t x = figure->n_xs; x-- > 0;) {
		if (!figure_cell(figure, 0, x))
			continue;
		for (size_t mode = 1; mode < figure->n_modes; mode++)
			if (figure_cell(figure, mode, x))
				return x;
	}
	return figure->n_xs;
}

/* 1: better; -1: worse; 0: neither, or printed as 1.00 */
static int side_of(const struct point *base, const struct point *other)
{
	double ratio = base && other ? ratio_of(base, other).median : 1;

	return (ratio > 1.005) - (ratio < 0.995);
}

size_t figure_other_side(const struct figure *figure, const char *mode,
			 size_t x)
{
	int side = side_of(figure_cell(figure, 0, x),
			   figure_find(figure, mode, x));

	for (size_t i = 0; i < x; i++) {
		int here = side_of(figure_cell(figure, 0, i),
				   figure_find(figure, mode, i));

		if (here * side < 0)
			return i;
	}
	return figure->n_xs;
}

void figure_x(char buf[VALUE_BYTES], const struct figure *figure, size_t x)
{
	if (figure->over_sizes)
		format_value(buf, BYTES, figure->xs[x]);
	else
		format_x(buf, figure->x_name, figure->xs[x]);
}

void figure_where(char *buf, size_t size, const struct figure *figure, size_t x)
{
	char value[VALUE_BYTES];

	figure_x(value, figure, x);
	if (figure->over_sizes)
		snprintf(buf, size, "%s", value);
	else
		snprintf(buf, size, "%s = %s", figure->x_name, value);
}

void figure_what(char *buf, size_t size, const struct figure *figure)
{
	char value[VALUE_BYTES];

	format_value(value, BYTES, (double)figure->size_bytes);
	if (!strcmp(figure->backing, "none"))
		snprintf(buf, size, "%s", "");
	else if (figure->over_sizes || !figure->size_bytes)
		snprintf(buf, size, "%s", figure->backing);
	else
		snprintf(buf, size, "%s, %s", figure->backing, value);
}

void figure_place(char *buf, size_t size, const struct figure *figure, size_t x)
{
	char where[128];

	figure_what(buf, size, figure);
	figure_where(where, sizeof(where), figure, x);
	snprintf(buf + strlen(buf), size - strlen(buf), "%s%s",
		 *buf ? ", " : "", where);
}

enum glance figure_glance(const struct figure *figure, size_t x)
{
	if (x == figure->n_xs ||
	    (is_level(figure, x) && !figure_cell(figure, 0, x)->median))
		return GLANCE_NONE;
	if (strcmp(figure->modes[0], "plain") != 0)
		return GLANCE_OTHER;
	for (const char *const *mode = glance_modes; *mode; mode++)
		if (figure_find(figure, *mode, x))
			return GLANCE_USUAL;
	return GLANCE_OTHER;
}

static void say_ratio(FILE *out, const struct point *base,
		      const struct point *other)
{
	const struct ratio ratio = ratio_of(base, other);
	char *spread = spread_of(base, other, &ratio);
	char value[VALUE_BYTES];

	format_comparison(value, other, &ratio);
	fputs(value, out);
	if (*spread)
		fprintf(out, " (%s)", spread);
	free(spread);
}

static void say_comparison(FILE *out, const struct figure *figure,
			   const char *mode, size_t x)
{
	const struct point *base = figure_cell(figure, 0, x);
	const struct point *other = figure_find(figure, mode, x);
	size_t least = figure_other_side(figure, mode, x);
	bool more = base->metric->more_is_better;
	char where[128];

	if (isnan(ratio_of(base, other).median)) {
		fprintf(out, "%s has ", mode);
		say_ratio(out, base, other);
		format_value(where, base->metric->unit, base->median);
		fprintf(out, " where %s has %s", base->mode, where);
		return;
	}
	fprintf(out, "%s\u00a0/\u00a0%s is ", more ? mode : base->mode,
		more ? base->mode : mode);
	say_ratio(out, base, other);
	if (least == figure->n_xs)
		return;
	fputs(", but ", out);
	say_ratio(out, figure_cell(figure, 0, least),
		  figure_find(figure, mode, least));
	figure_where(where, sizeof(where), figure, least);
	fprintf(out, " at %s", where);
}

static void say_value(FILE *out, const char *who, const char *verb,
		      const struct point *p)
{
	char value[VALUE_BYTES];

	format_value(value, p->metric->unit, p->median);
	fprintf(out, "%s %s %s", who, verb, value);
}

static void say_findings(FILE *out, const struct figure *figure)
{
	size_t x = figure_telling_x(figure);
	bool compare = x < figure->n_xs;
	const char *between = "";
	char where[128];

	if (!compare)
		x = figure->n_xs - 1;
	figure_where(where, sizeof(where), figure, x);
	fprintf(out, "At %s, ", where);
	if (compare && is_level(figure, x)) {
		say_value(out, "all", "have", figure_cell(figure, 0, x));
		return;
	}
	for (size_t mode = compare; mode < figure->n_modes; mode++) {
		const struct point *p = figure_cell(figure, mode, x);

		if (!p)
			continue;
		fputs(between, out);
		if (compare)
			say_comparison(out, figure, p->mode, x);
		else
			say_value(out, p->mode, "has", p);
		between = "; ";
	}
}

char *figure_sentences(const struct figure *figure)
{
	const char *text = figure->metric->explanation;
	size_t length = strlen(text), size;
	char *sentences;
	FILE *out = open_memstream(&sentences, &size);

	if (!out)
		die("no memory for a sentence");
	fprintf(out, "%s%s %s is better. ", text,
		length && text[length - 1] == '.' ? "" : ".",
		figure->metric->more_is_better ? "Higher" : "Lower");
	say_findings(out, figure);
	fputc('.', out);
	if (fclose(out))
		die("no memory for a sentence");
	return sentences;
}
