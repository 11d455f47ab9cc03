// SPDX-License-Identifier: GPL-2.0-or-later
/* print_comparison.c - what compare has found: a table for people, or JSON */
#define _GNU_SOURCE
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compare.h"

static const char *const verdict_names[VERDICTS] = {
	"same", "noise", "better", "worse", "unsure",
};

enum {
	COL_FILE,
	COL_SCENARIO,
	COL_METRIC,
	COL_MODE,
	COL_BACKING,
	COL_SIZE,
	COL_X,
	COL_A,
	COL_B,
	COL_RATIO,
	COL_LEAST,
	COL_MOST,
	COL_ROUNDS,
	COL_VERDICT,
	COLUMNS
};

static const struct column {
	const char *name;
	bool shown; /* when nobody asks for others */
	bool number;
	const char *help;
} columns[COLUMNS] = {
	[COL_FILE] = { "FILE", false, false, "name of A's file" },
	[COL_SCENARIO] = { "SCENARIO", true, false, "what was run" },
	[COL_METRIC] = { "METRIC", true, false, "what was measured" },
	[COL_MODE] = { "MODE", true, false,
		       "plain, thp, hugetlb, shpt, shpt+thp ..." },
	[COL_BACKING] = { "BACKING", true, false, "what was mapped" },
	[COL_SIZE] = { "SIZE", true, true, "its size" },
	[COL_X] = { "X", true, false, "what was varied, and how much of it" },
	[COL_A] = { "A", true, true, "median in A" },
	[COL_B] = { "B", true, true, "median in B" },
	[COL_RATIO] = { "RATIO", true, true, "B / A, of the medians" },
	[COL_LEAST] = { "LEAST", true, true, "the least of B / the most of A" },
	[COL_MOST] = { "MOST", true, true, "the most of B / the least of A" },
	[COL_ROUNDS] = { "ROUNDS", false, true, "rounds of A and of B" },
	[COL_VERDICT] = { "VERDICT", true, false, "see below" },
};

static void format(char buf[VALUE_BYTES], const struct print_options *options,
		   enum unit unit, double value)
{
	if (options->bytes)
		snprintf(buf, VALUE_BYTES, "%.9g", value);
	else
		format_value(buf, unit, value);
}

/* None of what is 0; and a rise, such as of page tables, may be below 0. */
static bool have_quotient(double a, double b)
{
	return a > 0 && b >= 0;
}

static void format_quotient(char buf[VALUE_BYTES], double a, double b)
{
	if (have_quotient(a, b))
		snprintf(buf, VALUE_BYTES, "%.3f", b / a);
	else
		snprintf(buf, VALUE_BYTES, "-");
}

static void pair_cell(char *buf, size_t size,
		      const struct print_options *options,
		      const struct pair *pair, size_t column)
{
	const struct point *a = pair->a, *b = pair->b;
	enum unit unit = a->metric->unit;
	const char *const texts[COLUMNS] = {
		[COL_FILE] = basename(pair->run->path),
		[COL_SCENARIO] = pair->run->scenario,
		[COL_METRIC] = a->metric->name,
		[COL_MODE] = a->mode,
		[COL_BACKING] = a->backing,
		[COL_VERDICT] = verdict_names[pair->verdict],
	};
	char value[VALUE_BYTES] = "";

	switch (column) {
	case COL_SIZE:
		format(value, options, BYTES, (double)a->size_bytes);
		break;
	case COL_X:
		format_x(value, a->x_name, a->x);
		break;
	case COL_A:
		format(value, options, unit, a->median);
		break;
	case COL_B:
		format(value, options, unit, b->median);
		break;
	case COL_RATIO:
		format_quotient(value, a->median, b->median);
		break;
	case COL_LEAST:
		format_quotient(value, a->max, b->min);
		break;
	case COL_MOST:
		format_quotient(value, a->min, b->max);
		break;
	case COL_ROUNDS:
		snprintf(value, sizeof(value), "%zu,%zu", a->n_rounds,
			 b->n_rounds);
		break;
	}
	snprintf(buf, size, "%s%s%s", column == COL_X ? a->x_name : "",
		 column == COL_X ? "=" : "", texts[column] ?: value);
}

static bool is_shown(const struct print_options *options,
		     const struct pair *pair)
{
	return !options->changed ||
	       (pair->verdict != SAME && pair->verdict != NOISE);
}

static void print_table(const struct print_options *options,
			const struct comparison *c)
{
	struct libscols_table *table = scols_new_table();
	char buf[512];

	if (!table)
		die("no memory for a table");
	scols_table_enable_noheadings(table, options->noheadings);
	scols_table_enable_raw(table, options->raw);
	for (size_t i = 0; i < options->n_columns; i++) {
		const struct column *column = &columns[options->columns[i]];

		scols_table_new_column(table, column->name, 0,
				       column->number ? SCOLS_FL_RIGHT : 0);
	}
	for (size_t i = 0; i < c->n; i++) {
		struct libscols_line *line;

		if (!is_shown(options, &c->pairs[i]))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line)
			die("no memory for a table");
		for (size_t j = 0; j < options->n_columns; j++) {
			pair_cell(buf, sizeof(buf), options, &c->pairs[i],
				  options->columns[j]);
			scols_line_set_data(line, j, buf);
		}
	}
	scols_print_table(table);
	scols_unref_table(table);
	if (options->noheadings || options->raw)
		return;
	printf("%zu compared:", c->n);
	for (int i = 0; i < VERDICTS; i++)
		printf(" %zu %s%s", c->counts[i], verdict_names[i],
		       i + 1 < VERDICTS ? "," : "\n");
}

static json_t *json_side(const struct point *p)
{
	json_t *rounds = json_array();

	for (size_t i = 0; i < p->n_rounds; i++)
		json_array_append_new(rounds, json_real(p->rounds[i]));
	return json_pack("{sf sf sf so}", "median", p->median, "min", p->min,
			 "max", p->max, "rounds", rounds);
}

static json_t *json_quotient(double a, double b)
{
	return have_quotient(a, b) ? json_real(b / a) : json_null();
}

static json_t *json_pair(const struct pair *pair)
{
	const struct point *a = pair->a, *b = pair->b;
	json_t *json = json_key(pair->run, a);
	json_t *rest = json_pack("{ss ss so so so so so ss}", "unit",
				 unit_names[a->metric->unit], "better",
				 a->metric->more_is_better ? "higher" : "lower",
				 "a", json_side(a), "b", json_side(b), "ratio",
				 json_quotient(a->median, b->median),
				 "ratio_min", json_quotient(a->max, b->min),
				 "ratio_max", json_quotient(a->min, b->max),
				 "verdict", verdict_names[pair->verdict]);

	json_object_update(json, rest);
	json_decref(rest);
	return json;
}

static void print_json(const struct print_options *options,
		       const struct comparison *c)
{
	json_t *list = json_array();
	json_t *root;

	for (size_t i = 0; i < c->n; i++)
		if (is_shown(options, &c->pairs[i]))
			json_array_append_new(list, json_pair(&c->pairs[i]));
	root = json_pack("{si sf sb sb sO so sO sO}", "schema", 1,
			 "threshold_percent", c->threshold * 100, "a_emulated",
			 made_under_emulation(&c->sides[0]), "b_emulated",
			 made_under_emulation(&c->sides[1]), "differences",
			 c->differences, "comparisons", list, "only_a",
			 c->only[0], "only_b", c->only[1]);
	if (!root)
		die("no memory for what is compared");
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(root);
}

void choose_columns(struct print_options *options, char *names)
{
	options->n_columns = 0;
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < COLUMNS && strcasecmp(name, columns[i].name) != 0)
			i++;
		if (i == COLUMNS)
			usage("unknown column '%s'; see shpt-bench compare "
			      "--help",
			      name);
		if (options->n_columns == MOST_COLUMNS)
			usage("-o has more than %d columns", MOST_COLUMNS);
		options->columns[options->n_columns++] = i;
	}
	if (!options->n_columns)
		usage("-o needs columns; see shpt-bench compare --help");
}

void print_columns_help(void)
{
	for (size_t i = 0; i < COLUMNS; i++)
		printf("  %-8s  %s\n", columns[i].name, columns[i].help);
}

void print_comparison(const struct print_options *options,
		      const struct comparison *c)
{
	struct print_options chosen = *options;

	for (size_t i = 0; !options->n_columns && i < COLUMNS; i++)
		if (columns[i].shown)
			chosen.columns[chosen.n_columns++] = i;
	if (options->json)
		print_json(&chosen, c);
	else
		print_table(&chosen, c);
}
