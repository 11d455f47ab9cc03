// SPDX-License-Identifier: GPL-2.0-or-later
/* report.c - print the results: a table for people, JSON for programs */
#include <errno.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum unit { BYTES, SECONDS, COUNT };

struct row {
	const char *name;
	enum unit unit;
	double (*value)(const struct result *);
};

static double page_table_bytes(const struct result *r)
{
	return r->page_table_bytes;
}

static double first_scan(const struct result *r)
{
	return r->first_scan_seconds;
}

static double later_scan(const struct result *r)
{
	return r->later_scan_seconds_median;
}

static double first_faults(const struct result *r)
{
	return r->first_faults;
}

static double later_faults(const struct result *r)
{
	return r->later_faults_max;
}

static double fork_to_first_byte(const struct result *r)
{
	return r->fork_to_first_byte_seconds_median;
}

static double exit_seconds(const struct result *r)
{
	return r->exit_seconds;
}

static double verify_errors(const struct result *r)
{
	return r->verify_errors;
}

static const struct row rows[] = {
	{"page tables of all workers", BYTES, page_table_bytes},
	{"scan by the first worker", SECONDS, first_scan},
	{"scan by a later worker, median", SECONDS, later_scan},
	{"faults of the first worker", COUNT, first_faults},
	{"faults of a later worker, most", COUNT, later_faults},
	{"from fork to the first byte read", SECONDS, fork_to_first_byte},
	{"exit of all workers", SECONDS, exit_seconds},
	{"wrong words read", COUNT, verify_errors},
};

static const char *format(char *buf, size_t size, enum unit unit, double value)
{
	if (unit == COUNT)
		snprintf(buf, size, "%.0f", value);
	else if (unit == SECONDS && value >= 1)
		snprintf(buf, size, "%.2f s", value);
	else if (unit == SECONDS && value >= 1e-3)
		snprintf(buf, size, "%.2f ms", value * 1e3);
	else if (unit == SECONDS)
		snprintf(buf, size, "%.0f us", value * 1e6);
	else if (value >= 1 << 20)
		snprintf(buf, size, "%.1f MiB", value / (1 << 20));
	else
		snprintf(buf, size, "%.0f KiB", value / 1024);
	return buf;
}

static void print_one_backing(const struct result *results, size_t n)
{
	struct libscols_table *table = scols_new_table();
	bool ratio = n == MODES;
	char cell[32];

	if (!table)
		die("no memory for a table");
	printf("%s: %u workers, %llu MiB, %s of %u round%s\n",
	       backing_names[results->backing], results->workers,
	       (unsigned long long)results->bytes >> 20,
	       results->rounds > 1 ? "medians" : "figures", results->rounds,
	       results->rounds > 1 ? "s" : "");
	scols_table_new_column(table, "", 0, 0);
	for (size_t i = 0; i < n; i++)
		scols_table_new_column(table, mode_names[results[i].mode], 0,
				       SCOLS_FL_RIGHT);
	if (ratio)
		scols_table_new_column(table, "plain/shpt", 0, SCOLS_FL_RIGHT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const struct row *row = &rows[i];

		scols_line_set_data(line, 0, row->name);
		for (size_t j = 0; j < n; j++)
			scols_line_set_data(line, j + 1,
					    format(cell, sizeof(cell),
						   row->unit,
						   row->value(&results[j])));
		if (ratio && row->value(&results[SHPT]) > 0) {
			snprintf(cell, sizeof(cell), "%.1f",
				 row->value(&results[PLAIN]) /
					 row->value(&results[SHPT]));
			scols_line_set_data(line, n + 1, cell);
		}
	}
	scols_print_table(table);
	scols_unref_table(table);
	putchar('\n');
}

void report_table(const struct result *results, size_t n)
{
	while (n) {
		size_t same = 1;

		while (same < n && results[same].backing == results->backing)
			same++;
		print_one_backing(results, same);
		results += same;
		n -= same;
	}
}

static json_t *json_result(const struct result *r)
{
	return json_pack("{ss ss sI sI sI sI sf sf sI sI sI sf sf sI}",
		"backing", backing_names[r->backing],
		"mode", mode_names[r->mode],
		"workers", (json_int_t)r->workers,
		"rounds", (json_int_t)r->rounds,
		"bytes", (json_int_t)r->bytes,
		"page_table_bytes", (json_int_t)r->page_table_bytes,
		"first_scan_seconds", r->first_scan_seconds,
		"later_scan_seconds_median", r->later_scan_seconds_median,
		"later_scans_timed", (json_int_t)r->later_scans_timed,
		"first_faults", (json_int_t)r->first_faults,
		"later_faults_max", (json_int_t)r->later_faults_max,
		"fork_to_first_byte_seconds_median",
		r->fork_to_first_byte_seconds_median,
		"exit_seconds", r->exit_seconds,
		"verify_errors", (json_int_t)r->verify_errors);
}

/* Takes the list. */
static void write_json(const char *path, json_t *list)
{
	FILE *out = path ? fopen(path, "we") : stdout;
	json_t *root = json_pack("{si so}", "schema", 1, "results", list);

	if (!out)
		die("cannot write %s: %s", path, strerror(errno));
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putc('\n', out);
	if (path && (ferror(out) | fclose(out)))
		die("cannot write %s: %s", path, strerror(errno));
	json_decref(root);
}

void report_json(const char *path, const struct result *results, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_result(&results[i]));
	write_json(path, list);
}

/* ---- scenario "map" ----------------------------------------------------- */

static const char *const map_columns[] = {
	"backing", "others", "mmap", "p95", "libshpt", "p95", "difference",
};

void report_map_table(const struct map_result *results, size_t n)
{
	struct libscols_table *table = scols_new_table();
	char cell[32];

	if (!table)
		die("no memory for a table");
	printf("%llu MiB, backend %s, %u rounds: nanoseconds to map and unmap, "
	       "medians\n",
	       (unsigned long long)results->bytes >> 20, results->backend,
	       results->rounds);
	for (size_t i = 0; i < sizeof(map_columns) / sizeof(*map_columns); i++)
		scols_table_new_column(table, map_columns[i], 0,
				       i ? SCOLS_FL_RIGHT : 0);
	for (const struct map_result *r = results; r < results + n; r++) {
		const double cells[] = {
			r->others,	r->mmap.median,
			r->mmap.p95,	r->libshpt.median,
			r->libshpt.p95, r->libshpt.median - r->mmap.median,
		};
		struct libscols_line *line = scols_table_new_line(table, NULL);

		scols_line_set_data(line, 0, r->backing);
		for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
			scols_line_set_data(line, i + 1,
					    format(cell, sizeof(cell), COUNT,
						   cells[i]));
	}
	scols_print_table(table);
	scols_unref_table(table);
}

static json_t *json_map_result(const struct map_result *r)
{
	return json_pack("{ss ss sI sI sI sI sI sI sI sI sI sI}",
		"backing", r->backing,
		"backend", r->backend,
		"bytes", (json_int_t)r->bytes,
		"rounds", (json_int_t)r->rounds,
		"others", (json_int_t)r->others,
		"mmap_ns_median", (json_int_t)r->mmap.median,
		"mmap_ns_p95", (json_int_t)r->mmap.p95,
		"mmap_ns_first", (json_int_t)r->mmap.first,
		"libshpt_ns_median", (json_int_t)r->libshpt.median,
		"libshpt_ns_p95", (json_int_t)r->libshpt.p95,
		"libshpt_ns_first", (json_int_t)r->libshpt.first,
		"difference_ns",
		(json_int_t)(r->libshpt.median - r->mmap.median));
}

void report_map_json(const char *path, const struct map_result *results,
		     size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_map_result(&results[i]));
	write_json(path, list);
}
