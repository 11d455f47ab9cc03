// SPDX-License-Identifier: GPL-2.0-or-later
/* print.c - prints the results as tables, for people */
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const char *format(char *buf, size_t size, enum unit unit, double value)
{
	if (unit == COUNT)
		snprintf(buf, size, "%.0f", value);
	else if (unit == PER_SECOND)
		snprintf(buf, size, "%.0f/s", value);
	else if (unit == SECONDS && fabs(value) >= 1)
		snprintf(buf, size, "%.2f s", value);
	else if (unit == SECONDS && fabs(value) >= 1e-3)
		snprintf(buf, size, "%.2f ms", value * 1e3);
	else if (unit == SECONDS && fabs(value) >= 1e-6)
		snprintf(buf, size, "%.1f us", value * 1e6);
	else if (unit == SECONDS)
		snprintf(buf, size, "%.0f ns", value * 1e9);
	else if (value >= 1 << 20)
		snprintf(buf, size, "%.1f MiB", value / (1 << 20));
	else
		snprintf(buf, size, "%.0f KiB", value / 1024);
	return buf;
}

/* "1024 MiB", "64 GiB" */
static void print_size(uint64_t bytes)
{
	static const char *const units[] = { "MiB", "GiB", "TiB" };
	uint64_t size = bytes >> 20;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && size >= 2048 && size % 1024 == 0) {
		size /= 1024;
		i++;
	}
	printf("%llu %s", (unsigned long long)size, units[i]);
}

static const struct series *find(const struct metric *metric,
				 const struct mode *mode, enum backing backing,
				 uint64_t bytes, unsigned int x)
{
	for (const struct series *s = results.series;
	     s < results.series + results.n; s++)
		if (s->metric == metric && s->mode == mode &&
		    s->backing == backing && s->bytes == bytes && s->x == x)
			return s;
	return NULL;
}

static struct rounds rounds_of(const struct series *s)
{
	return (struct rounds){ s->rounds, s->n, s->median, s->min, s->max };
}

/* How many times better shpt is than ordinary mappings of small pages. */
static void fill_gain(struct libscols_line *line, size_t column,
		      const struct series *plain, const struct series *shpt)
{
	struct rounds base, other;
	double ratio;
	char cell[32];

	if (!plain || !shpt)
		return;
	base = rounds_of(plain);
	other = rounds_of(shpt);
	ratio = ratio_of_rounds(&base, &other, plain->metric->more_is_better)
			.median;
	if (isnan(ratio))
		return;
	snprintf(cell, sizeof(cell), ratio < 0.095 ? "%.2g" : "%.2f", ratio);
	scols_line_set_data(line, column, cell);
}

/* Whether a mode has a column: it may have no such pages to measure. */
static bool has_column(const struct mode *mode, enum backing backing,
		       uint64_t bytes)
{
	for (const struct series *s = results.series;
	     s < results.series + results.n; s++)
		if (s->mode == mode && s->backing == backing &&
		    s->bytes == bytes)
			return true;
	return false;
}

static bool has_gain(enum backing backing, uint64_t bytes)
{
	return has_column(&mode_plain, backing, bytes) &&
	       has_column(&mode_shpt, backing, bytes);
}

/* Returns whether any mode has measured it. */
static bool fill_line(const struct run *run, struct libscols_line *line,
		      const struct metric *metric, enum backing backing,
		      uint64_t bytes, unsigned int x)
{
	const struct mode *const *modes = run->scenario->modes;
	bool measured = false;
	size_t column = 2;
	char cell[64];

	scols_line_set_data(line, 0, metric->title);
	snprintf(cell, sizeof(cell), "%u", x);
	scols_line_set_data(line, 1, cell);
	for (size_t i = 0; modes[i]; i++) {
		const struct series *s;

		if (!has_column(modes[i], backing, bytes))
			continue;
		s = find(metric, modes[i], backing, bytes, x);
		if (s)
			scols_line_set_data(line, column,
					    format(cell, sizeof(cell),
						   metric->unit, s->median));
		measured |= s != NULL;
		column++;
	}
	if (has_gain(backing, bytes))
		fill_gain(line, column,
			  find(metric, &mode_plain, backing, bytes, x),
			  find(metric, &mode_shpt, backing, bytes, x));
	return measured;
}

/* One table: a line for each metric and x, a column for each mode. */
static void print_place(const struct run *run, enum backing backing,
			uint64_t bytes)
{
	struct libscols_table *table = scols_new_table();
	const struct scenario *s = run->scenario;

	if (!table)
		die("no memory for a table");
	scols_table_new_column(table, "", 0, 0);
	scols_table_new_column(table, s->x, 0, SCOLS_FL_RIGHT);
	for (size_t i = 0; s->modes[i]; i++)
		if (has_column(s->modes[i], backing, bytes))
			scols_table_new_column(table, s->modes[i]->name, 0,
					       SCOLS_FL_RIGHT);
	if (has_gain(backing, bytes))
		scols_table_new_column(table, "gain", 0, SCOLS_FL_RIGHT);
	for (const struct metric *m = s->metrics; m->name; m++) {
		for (size_t x = 0; x < run->xs.n; x++) {
			struct libscols_line *line =
				scols_table_new_line(table, NULL);

			if (!fill_line(run, line, m, backing, bytes,
				       run->xs.values[x]))
				scols_table_remove_line(table, line);
		}
	}
	if (scols_table_get_nlines(table)) {
		printf("%s: ", s->name);
		if (s->backings) {
			printf("%s, ", backing_names[backing]);
			print_size(bytes);
			fputs(", ", stdout);
		}
		printf("%s of %u round%s\n",
		       run->rounds > 1 ? "medians" : "figures", run->rounds,
		       run->rounds > 1 ? "s" : "");
		scols_print_table(table);
		putchar('\n');
	}
	scols_unref_table(table);
}

static bool same_reason(const struct skipped *a, const struct skipped *b)
{
	return a->backing == b->backing && !strcmp(a->reason, b->reason);
}

/* Each reason once, with the modes that it concerns. */
static void print_skipped(void)
{
	const struct skipped *end = results.skipped + results.n_skipped;

	for (const struct skipped *s = results.skipped; s < end; s++) {
		const struct skipped *other = results.skipped;

		while (!same_reason(s, other))
			other++;
		if (other < s)
			continue;
		printf("left out: %s", backing_names[s->backing]);
		for (other = s; other < end; other++)
			if (same_reason(s, other))
				printf(", %s", other->mode);
		printf(": %s\n", s->reason);
	}
}

/* Who reads a time has to know whose it is. */
static void print_machine(json_t *machine)
{
	bool emulated = json_is_true(json_object_get(machine, "emulated"));

	printf("on Linux %s, %lld CPUs%s\n\n",
	       json_string_value(json_object_get(machine, "kernel")),
	       json_integer_value(json_object_get(machine, "cpus")),
	       emulated ? ", under emulation: no time is a real machine's" :
			  "");
}

void print_tables(const struct run *run, json_t *machine)
{
	print_machine(machine);
	for (int backing = 0; backing < BACKINGS; backing++)
		for (size_t i = 0; i < run->sizes.n; i++)
			print_place(run, backing, run->sizes.values[i]);
	print_skipped();
}
