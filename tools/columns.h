/* SPDX-License-Identifier: GPL-2.0-or-later */
/* columns.h - structs as rows of a table, or as objects of JSON */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum column_kind {
	COLUMN_NUMBER, /* int64_t; COLUMN_UNKNOWN is shown as "-" */
	COLUMN_BYTES, /* int64_t */
	COLUMN_RATE, /* double, per second; NAN is shown as "-" */
	COLUMN_USER, /* int64_t; the name in a table, the number in JSON */
	COLUMN_GROUP, /* the same */
	COLUMN_TEXT, /* const char *; NULL and "" are shown as "-" */
	COLUMN_SENTENCE, /* the same; JSON has it even if it is not UTF-8 */
	COLUMN_STATE, /* the same; on a terminal "no" and "note" have colours */
};

#define COLUMN_UNKNOWN INT64_MIN

/* The arrays end with a column without a name. */
struct column {
	const char *name;
	const char *json;
	size_t offset; /* in the struct */
	enum column_kind kind;
	bool shown; /* when nobody asks for others */
	const char *help;
};

/* How a verb has been asked to print. */
struct print_options {
	bool bytes;
	bool json;
	bool noheadings;
	bool raw;
	const struct column *columns[32]; /* NULL after the last */
};

/* The letters and long options that these come with, for getopt_long(3). */
#define PRINT_LETTERS "bJno:r"
#define PRINT_OPTIONS                                                         \
	{ "bytes", no_argument, NULL, 'b' }, { "json", no_argument, NULL, 'J' }, \
	{ "noheadings", no_argument, NULL, 'n' },                             \
	{ "output", required_argument, NULL, 'o' },                           \
	{ "raw", no_argument, NULL, 'r' }

#define PRINT_HELP                                                            \
"  -b, --bytes          print sizes in bytes\n"                                \
"  -J, --json           print JSON: all columns, under the names in brackets\n" \
"  -n, --noheadings     print the table's lines and nothing else\n"            \
"  -o, --output COL[,COL...]\n"                                                \
"                       print these columns\n"                                 \
"  -r, --raw            print no padding, and what is no plain text as \\xNN\n"

/* False if it is none of these; ends the program if it is used wrongly. */
bool print_option(struct print_options *p, int option, char *arg,
		  const struct column *all);

/* Unless -o has chosen: those that are shown, or in JSON all. */
void choose_columns(struct print_options *p, const struct column *all);

void print_columns_help(const struct column *all);

/* What is in a column of a row, in buf or not. */
const char *cell_text(const struct print_options *p, const void *row,
		      const struct column *c, char *buf, size_t size);

/* Rows of size bytes each. */
void print_rows(const struct print_options *p, const void *rows, size_t n,
		size_t size);
json_t *json_rows(const struct print_options *p, const void *rows, size_t n,
		  size_t size);

/* null for what is not UTF-8, and for NULL: JSON has no bytes. */
json_t *json_text_or_null(const char *string);

/* \xNN for each byte that is not UTF-8; null for NULL. */
json_t *json_sentence(const char *string);

/* To stdout; takes the reference. */
void print_json_document(json_t *document);

#endif /* COLUMNS_H */
