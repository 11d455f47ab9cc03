// SPDX-License-Identifier: GPL-2.0-or-later
/* plot.c - pictures of figures, by gnuplot */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recordings.h"

#define WIDTH 420
#define HEIGHT 330
#define LINE 17 /* of text, in pixels */

/* As many characters as surely fit in the width. */
#define TITLE_CHARS 46
#define LINE_CHARS 58

/*
 * All are as far from white as from black, so that they can be told from
 * either; the signs are for who cannot tell the colours.
 */
static const struct style {
	const char *mode;
	const char *colour;
	int sign;
} styles[] = {
	{ "plain", "#808080", 5 },     { "thp", "#b5679a", 9 },
	{ "hugetlb", "#d06a1e", 13 },  { "shpt", "#1f83c6", 7 },
	{ "shpt+thp", "#1c9a6c", 11 },
};

/* For modes that only one scenario has. */
static const struct style spare[] = {
	{ NULL, "#9a7d0a", 4 },	 { NULL, "#8a63d2", 6 },
	{ NULL, "#c94f4f", 8 },	 { NULL, "#3f8f8f", 10 },
	{ NULL, "#6f7f2f", 12 },
};

static const struct style *style_of(const struct figure *f, size_t mode)
{
	const size_t n = sizeof(spare) / sizeof(*spare);

	for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		if (!strcmp(styles[i].mode, f->modes[mode]))
			return &styles[i];
	return &spare[mode % n];
}

/* Between single quotes gnuplot takes all for itself but these. */
static void put_quoted(FILE *script, const char *text, int length)
{
	fputc('\'', script);
	for (; *text && length; text++, length--) {
		if (*text == '\'')
			fputc('\'', script);
		fputc(*text, script);
	}
	fputc('\'', script);
}

/* How many bytes of the text go in a line; a character stays in one. */
static int line_length(const char *text, int most)
{
	int characters = 0, end = 0, space = 0;

	for (; text[end]; end++) {
		if (((unsigned char)text[end] & 0xc0) == 0x80)
			continue;
		if (characters++ == most)
			return space ? space : end;
		if (text[end] == ' ')
			space = end;
	}
	return end;
}

/* One or more lines of the heading; returns the number of the next. */
static int put_heading(FILE *script, int line, const char *text, int most,
		       const char *attributes)
{
	while (*text) {
		int length = line_length(text, most);

		fputs("set label ", script);
		put_quoted(script, text, length);
		fprintf(script, " at screen 0.5, screen %g center front %s\n",
			1 - (line + 0.8) * LINE / HEIGHT, attributes);
		text += length;
		text += *text == ' ';
		line++;
	}
	return line;
}

static void put_headings(FILE *script, const struct figure *f, bool logarithmic)
{
	char place[256], line[512];
	int n;

	n = put_heading(script, 0, f->metric->title, TITLE_CHARS,
			"font 'sans-serif,15'");
	if (f->n_xs > 1)
		figure_what(place, sizeof(place), f);
	else
		figure_place(place, sizeof(place), f, 0);
	snprintf(line, sizeof(line), "%s%s%s is better%s", place,
		 *place ? "; " : "",
		 f->metric->more_is_better ? "higher" : "lower",
		 logarithmic ? "; logarithmic" : "");
	n = put_heading(script, n, line, LINE_CHARS, "");
	if (f->run->emulated) {
		snprintf(line, sizeof(line), "measured under emulation (%s)",
			 machine_text(f->run, "accelerator"));
		n = put_heading(script, n, line, LINE_CHARS,
				"textcolor rgb '#c25a00'");
	}
	fprintf(script, "set tmargin at screen %g\n",
		1 - (n + 0.7) * LINE / HEIGHT);
}

/* What is less is as good as 0, and beyond what logarithms are taken of. */
#define LEAST 1e-30

struct range {
	double min;
	double max;
	bool logarithmic;
};

static void widen(struct range *range, double value)
{
	range->min = fmin(range->min, value);
	range->max = fmax(range->max, value);
}

/* A round that is not above 0 is at the lower end of a logarithmic axis. */
static struct range range_of(const struct figure *f)
{
	struct range medians = { INFINITY, -INFINITY, false }, all = medians;

	for (size_t i = 0; i < f->n_modes * f->n_xs; i++) {
		const struct point *p = f->cells[i];

		if (!p)
			continue;
		widen(&medians, p->median);
		widen(&all, p->min);
		widen(&all, p->max);
		if (!isnan(p->predicted))
			widen(&all, p->predicted);
	}
	all.logarithmic = f->n_xs > 1 && medians.min > LEAST &&
			  medians.max > 40 * medians.min;
	if (all.logarithmic && all.min < LEAST)
		all.min = medians.min;
	return all;
}

/* Four to seven round steps, for bytes powers of two. */
static double linear_step(enum unit unit, double length)
{
	double gap = pow(10, floor(log10(length / 4)));

	if (unit == BYTES)
		return fmax(1, exp2(round(log2(length / 4))));
	while (length / gap > 6)
		gap *= length / gap > 12 ? 5 : 2;
	return gap;
}

static void put_tick(FILE *script, enum unit unit, double at, const char *comma)
{
	char text[VALUE_BYTES];

	format_value(text, unit, at);
	fprintf(script, "%s'%s' %.17g", comma, text, at);
}

static void put_logarithmic_y(FILE *script, enum unit unit, struct range *range)
{
	double base = unit == BYTES ? 2 : 10;
	int low = (int)floor(log(range->min) / log(base));
	int high = (int)ceil(log(range->max) / log(base));
	int gap = (high - low + 5) / 6;
	const char *comma = "";

	fputs("set logscale y\nset ytics (", script);
	for (int power = low; power < high + gap; power += gap) {
		put_tick(script, unit, pow(base, power), comma);
		comma = ", ";
	}
	range->min = pow(base, low) * 0.8;
	fprintf(script, ")\nset yrange [%.17g:%.17g]\n", range->min,
		pow(base, high));
}

static void put_linear_y(FILE *script, enum unit unit, struct range range)
{
	double top = fmax(range.max, 0), bottom = fmin(range.min, 0);
	double gap = linear_step(unit, fmax(top - bottom, LEAST));
	int first = (int)floor(bottom / gap);
	const char *comma = "";

	top = fmax(top + (top - bottom) * 0.15, gap);
	fputs("set ytics (", script);
	for (int i = first; i * gap < top; i++) {
		put_tick(script, unit, i * gap, comma);
		comma = ", ";
	}
	fprintf(script, ")\nset yrange [%.17g:%.17g]\n", first * gap, top);
}

struct axis {
	double min;
	double max;
	bool logarithmic;
};

/* A step along the axis, as a part of its length. */
static double along(const struct axis *axis, double x, double part)
{
	if (axis->logarithmic)
		return x * pow(axis->max / axis->min, part);
	return x + (axis->max - axis->min) * part;
}

/* Where x is on the axis, from 0 to 1. */
static double place(const struct axis *axis, double x)
{
	if (axis->logarithmic)
		return log(x / axis->min) / log(axis->max / axis->min);
	return (x - axis->min) / (axis->max - axis->min);
}

/* Ticks where something was measured, as far as their texts have room. */
static void put_x_ticks(FILE *script, const struct figure *f,
			const struct axis *axis)
{
	double last = INFINITY;
	const char *comma = "";
	char text[VALUE_BYTES];

	fputs("set xtics (", script);
	for (size_t i = f->n_xs; i-- > 0;) {
		if (last - place(axis, f->xs[i]) < 0.15)
			continue;
		last = place(axis, f->xs[i]);
		if (f->over_sizes)
			format_value(text, BYTES, f->xs[i]);
		else
			format_x(text, f->x_name, f->xs[i]);
		fprintf(script, "%s'%s' %.17g", comma, text, f->xs[i]);
		comma = ", ";
	}
	fputs(")\n", script);
}

static struct axis put_x(FILE *script, const struct figure *f)
{
	struct axis axis = { .min = f->xs[0], .max = f->xs[f->n_xs - 1] };

	axis.logarithmic = axis.min > LEAST && axis.max > 15 * axis.min;
	put_x_ticks(script, f, &axis);
	fputs("set xlabel ", script);
	put_quoted(script, f->over_sizes ? "size" : f->x_name, -1);
	fprintf(script, " offset 0,0.7\n%sset xrange [%.17g:%.17g]\n",
		axis.logarithmic ? "set logscale x\n" : "",
		along(&axis, axis.min, -0.05), along(&axis, axis.max, 0.05));
	return axis;
}

/* Below: ticks, the name of x, and the key in three columns. */
static void put_lower_margin(FILE *script, size_t keys)
{
	size_t lines = (keys + 2) / 3;

	fprintf(script, "set bmargin at screen %g\n",
		(3.7 + (double)lines) * LINE / HEIGHT);
}

/* Beside each other, so that their spreads can be told apart. */
static void put_points(FILE *script, const struct figure *f, size_t mode,
		       const struct axis *axis, double bottom)
{
	double shift = 0.012 * ((double)mode - ((double)f->n_modes - 1) / 2);

	fprintf(script, "$mode%zu << EOD\n", mode);
	for (size_t x = 0; x < f->n_xs; x++) {
		const struct point *p = figure_cell(f, mode, x);

		if (p)
			fprintf(script, "%.17g %.17g %.17g %.17g %g\n",
				along(axis, f->xs[x], shift), p->median,
				fmax(p->min, bottom), p->max, p->predicted);
	}
	fputs("EOD\n", script);
}

static bool has_prediction(const struct figure *f)
{
	for (size_t i = 0; i < f->n_modes * f->n_xs; i++)
		if (f->cells[i] && !isnan(f->cells[i]->predicted))
			return true;
	return false;
}

static void put_lines(FILE *script, const struct figure *f, double bottom)
{
	bool predicted = has_prediction(f);
	struct axis axis = put_x(script, f);

	put_lower_margin(script, f->n_modes + predicted);
	for (size_t mode = 0; mode < f->n_modes; mode++)
		put_points(script, f, mode, &axis, bottom);
	fputs("plot ", script);
	for (size_t mode = 0; mode < f->n_modes; mode++) {
		const struct style *style = style_of(f, mode);

		fprintf(script,
			"%s$mode%zu using 1:2:3:4 with yerrorlines lw 1.8 "
			"lc rgb '%s' pt %d ps 0.6 title ",
			mode ? ", " : "", mode, style->colour, style->sign);
		put_quoted(script, f->modes[mode], -1);
		if (predicted)
			fprintf(script,
				", $mode%zu using 1:5 with lines lw 1 dt 2 "
				"lc rgb '%s' notitle",
				mode, style->colour);
	}
	if (predicted)
		fputs(", NaN with lines lw 1 dt 2 lc rgb 'black' title "
		      "'predicted'",
		      script);
	fputc('\n', script);
}

/*
 * Below the axis: the mode, and its median, as above the bars are the spreads.
 * They are labels, because the texts of ticks would be formats.
 */
static void put_bar_names(FILE *script, const struct figure *f)
{
	char text[VALUE_BYTES];

	fputs("unset xtics\nset bmargin 3.6\n", script);
	for (size_t mode = 0; mode < f->n_modes; mode++) {
		fputs("set label ", script);
		put_quoted(script, f->modes[mode], -1);
		fprintf(script, " at %zu, graph 0 center offset 0,-0.7\n",
			mode);
		format_value(text, f->metric->unit,
			     figure_cell(f, mode, 0)->median);
		fprintf(script,
			"set label '%s' at %zu, graph 0 center offset 0,-1.7\n",
			text, mode);
	}
}

static void put_bars(FILE *script, const struct figure *f)
{
	put_bar_names(script, f);
	fprintf(script, "set xrange [-0.6:%g]\n$bars << EOD\n",
		(double)f->n_modes - 0.4);
	for (size_t mode = 0; mode < f->n_modes; mode++) {
		const struct point *p = figure_cell(f, mode, 0);

		fprintf(script, "%zu %.17g %.17g %.17g 0x%s %g\n", mode,
			p->median, p->min, p->max,
			style_of(f, mode)->colour + 1, p->predicted);
	}
	fputs("EOD\nunset key\nset boxwidth 0.7\nset style fill solid 1\n"
	      "plot $bars using 1:2:5 with boxes lc rgb variable, "
	      "'' using 1:($4>$3?$3:NaN):(0):($4-$3) with vectors "
	      "heads size graph 0.01,90 lc rgb 'black', "
	      "'' using ($1-0.35):6:(0.7):(0) with vectors nohead dt 2 "
	      "lc rgb 'black'\n",
	      script);
}

static void put_script(FILE *script, const struct figure *f)
{
	struct range range = range_of(f);

	fprintf(script,
		"set terminal svg size %d,%d dynamic noenhanced "
		"font 'sans-serif,13'\n"
		"set encoding utf8\n"
		"set border 3\n"
		"set grid ytics lc rgb '#cccccc' lt 1\n"
		"set xtics nomirror offset 0,0.3\nset ytics nomirror\n"
		"set key outside bottom center horizontal Left reverse "
		"samplen 2 width -1 maxcols 3\n",
		WIDTH, HEIGHT);
	put_headings(script, f, range.logarithmic);
	if (range.logarithmic)
		put_logarithmic_y(script, f->metric->unit, &range);
	else
		put_linear_y(script, f->metric->unit, range);
	if (f->n_xs > 1)
		put_lines(script, f, range.min);
	else
		put_bars(script, f);
}

/* False if there is no gnuplot. */
static bool run_gnuplot(FILE *script, FILE *svg)
{
	char *const argv[] = { "gnuplot", "--default-settings", NULL };
	posix_spawn_file_actions_t actions;
	int status, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(script), 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(svg), 1);
	error = posix_spawnp(&pid, *argv, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error == ENOENT)
		return false;
	if (error)
		die("cannot run gnuplot: %s", strerror(error));
	if (waitpid(pid, &status, 0) != pid || status)
		die("gnuplot failed on a picture; its message is above");
	return true;
}

static char *read_all(FILE *in)
{
	size_t size = 0;
	char *text = NULL;

	rewind(in);
	if (getdelim(&text, &size, '\0', in) < 0)
		die("gnuplot has drawn nothing");
	return text;
}

char *plot_svg(const struct figure *figure)
{
	static bool missing;
	FILE *script, *svg;
	char *text = NULL;

	if (missing)
		return NULL;
	script = tmpfile();
	svg = tmpfile();
	if (!script || !svg)
		die("cannot make a temporary file: %s", strerror(errno));
	put_script(script, figure);
	fflush(script);
	lseek(fileno(script), 0, SEEK_SET);
	missing = !run_gnuplot(script, svg);
	if (missing)
		fputs("shpt-bench: gnuplot is missing, so the page has tables "
		      "and no pictures: apt-get install gnuplot-nox\n",
		      stderr);
	else
		text = read_all(svg);
	fclose(script);
	fclose(svg);
	return text;
}
