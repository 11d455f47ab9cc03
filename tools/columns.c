// SPDX-License-Identifier: GPL-2.0-or-later
/* columns.c - print structs as rows of a table, or as objects of JSON */
#define _GNU_SOURCE
#include <grp.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "columns.h"
#include "shptctl.h"

#define MOST_COLUMNS \
	(sizeof(((struct print_options *)0)->columns) / sizeof(void *) - 1)

static void choose_named(struct print_options *p, char *names,
			 const struct column *all)
{
	size_t n = 0;

	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		const struct column *c = all;

		while (c->name && strcasecmp(name, c->name) != 0)
			c++;
		if (!c->name)
			die(EXIT_USAGE, "unknown column '%s'; see --help",
			    name);
		if (n == MOST_COLUMNS)
			die(EXIT_USAGE, "-o has more than %zu columns", n);
		p->columns[n++] = c;
	}
	p->columns[n] = NULL;
	if (!n)
		die(EXIT_USAGE, "-o needs columns; see --help");
}

bool print_option(struct print_options *p, int option, char *arg,
		  const struct column *all)
{
	switch (option) {
	case 'b':
		p->bytes = true;
		return true;
	case 'J':
		p->json = true;
		return true;
	case 'n':
		p->noheadings = true;
		return true;
	case 'o':
		choose_named(p, arg, all);
		return true;
	case 'r':
		p->raw = true;
		return true;
	default:
		return false;
	}
}

void choose_columns(struct print_options *p, const struct column *all)
{
	size_t n = 0;

	if (p->columns[0])
		return;
	for (; all->name; all++)
		if (p->json || all->shown)
			p->columns[n++] = all;
}

void print_columns_help(const struct column *all)
{
	puts("\nColumns:");
	for (; all->name; all++)
		printf("  %-9s %s [%s]\n", all->name, all->help, all->json);
}

static int64_t number(const void *row, const struct column *c)
{
	return *(const int64_t *)((const char *)row + c->offset);
}

static double rate(const void *row, const struct column *c)
{
	double value;

	memcpy(&value, (const char *)row + c->offset, sizeof(value));
	return value;
}

static const char *text(const void *row, const struct column *c)
{
	return *(const char *const *)((const char *)row + c->offset);
}

static bool is_right(const struct column *c)
{
	return c->kind == COLUMN_NUMBER || c->kind == COLUMN_BYTES ||
	       c->kind == COLUMN_RATE;
}

static bool is_text(const struct column *c)
{
	return c->kind == COLUMN_TEXT || c->kind == COLUMN_SENTENCE ||
	       c->kind == COLUMN_STATE;
}

static void format_rate(char *buf, size_t size, double rate)
{
	if (isnan(rate))
		snprintf(buf, size, "-");
	else if (rate < 99999.95)
		snprintf(buf, size, "%.1f", rate);
	else if (rate < 99999950)
		snprintf(buf, size, "%.0fk", rate / 1000);
	else
		snprintf(buf, size, "%.0fM", rate / 1000000);
}

const char *cell_text(const struct print_options *p, const void *row,
		      const struct column *c, char *buf, size_t size)
{
	const struct passwd *user;
	const struct group *group;

	if (is_text(c))
		return text(row, c) && *text(row, c) ? text(row, c) : "-";
	if (c->kind == COLUMN_RATE) {
		format_rate(buf, size, rate(row, c));
		return buf;
	}
	if (number(row, c) == COLUMN_UNKNOWN)
		return "-";
	user = c->kind == COLUMN_USER ? getpwuid(number(row, c)) : NULL;
	group = c->kind == COLUMN_GROUP ? getgrgid(number(row, c)) : NULL;
	if (user)
		return user->pw_name;
	if (group)
		return group->gr_name;
	if (c->kind == COLUMN_BYTES && !p->bytes)
		format_bytes(buf, size, number(row, c));
	else
		snprintf(buf, size, "%" PRId64, number(row, c));
	return buf;
}

static bool wants_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

static void set_colour(struct libscols_cell *cell)
{
	const char *state = scols_cell_get_data(cell);

	if (!strcmp(state, "no"))
		scols_cell_set_color(cell, "red");
	else if (!strcmp(state, "note"))
		scols_cell_set_color(cell, "yellow");
}

static void fill_line(struct libscols_line *line, const struct print_options *p,
		      const void *row)
{
	char buf[32];

	for (size_t i = 0; p->columns[i]; i++) {
		scols_line_set_data(
			line, i,
			cell_text(p, row, p->columns[i], buf, sizeof(buf)));
		if (p->columns[i]->kind == COLUMN_STATE)
			set_colour(scols_line_get_cell(line, i));
	}
}

void print_rows(const struct print_options *p, const void *rows, size_t n,
		size_t size)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		die(EXIT_FAILURE, "no memory for a table");
	scols_table_enable_noheadings(table, p->noheadings);
	scols_table_enable_raw(table, p->raw);
	scols_table_enable_colors(table, wants_colours());
	for (size_t i = 0; p->columns[i]; i++)
		scols_table_new_column(table, p->columns[i]->name, 0,
				       is_right(p->columns[i]) ?
					       SCOLS_FL_RIGHT :
					       0);
	for (size_t row = 0; row < n; row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			die(EXIT_FAILURE, "no memory for a table");
		fill_line(line, p, (const char *)rows + row * size);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

json_t *json_text_or_null(const char *string)
{
	json_t *value = string ? json_string(string) : NULL;

	return value ?: json_null();
}

/* How many bytes of a text are a character of UTF-8, or 0. */
static size_t utf8(const char *text)
{
	for (size_t n = 1; n <= 4 && text[n - 1]; n++) {
		json_t *character = json_stringn(text, n);

		if (!character)
			continue;
		json_decref(character);
		return n;
	}
	return 0;
}

json_t *json_sentence(const char *string)
{
	char *text = string ? escape(string, utf8) : NULL;
	json_t *value = json_text_or_null(text);

	free(text);
	return value;
}

static json_t *json_cell(const void *row, const struct column *c)
{
	if (c->kind == COLUMN_SENTENCE)
		return json_sentence(text(row, c));
	if (is_text(c))
		return json_text_or_null(text(row, c));
	if (c->kind == COLUMN_RATE)
		return isnan(rate(row, c)) ? json_null() :
					     json_real(rate(row, c));
	if (number(row, c) == COLUMN_UNKNOWN)
		return json_null();
	return json_integer(number(row, c));
}

json_t *json_rows(const struct print_options *p, const void *rows, size_t n,
		  size_t size)
{
	json_t *array = json_array();

	for (size_t row = 0; row < n; row++) {
		json_t *object = json_object();

		for (size_t i = 0; p->columns[i]; i++)
			json_object_set_new(
				object, p->columns[i]->json,
				json_cell((const char *)rows + row * size,
					  p->columns[i]));
		json_array_append_new(array, object);
	}
	return array;
}

void print_json_document(json_t *document)
{
	json_dumpf(document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
}
