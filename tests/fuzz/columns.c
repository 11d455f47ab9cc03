// SPDX-License-Identifier: GPL-2.0-or-later
/* columns.c - target: the columns that -o names, and what is printed in them */
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "fuzz.h"

struct row {
	int64_t number;
	int64_t bytes;
	const char *text;
};

static const struct column all[] = {
	{ "NUMBER", "number", offsetof(struct row, number), COLUMN_NUMBER, true,
	  "" },
	{ "BYTES", "bytes", offsetof(struct row, bytes), COLUMN_BYTES, true,
	  "" },
	{ "TEXT", "text", offsetof(struct row, text), COLUMN_TEXT, true, "" },
	{ "SENTENCE", "sentence", offsetof(struct row, text), COLUMN_SENTENCE,
	  true, "" },
	{ 0 }
};

static void print_row(void *arg)
{
	char *names = arg, *text = strchr(names, ' ');
	struct row row = { INT64_MIN + 1, INT64_MAX, NULL };
	struct print_options p = { 0 };

	if (text)
		*text++ = '\0';
	row.text = text;
	print_option(&p, 'o', names, all);
	choose_columns(&p, all);
	print_rows(&p, &row, 1, sizeof(row));
	print_json_document(json_rows(&p, &row, 1, sizeof(row)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);

	returns(print_row, text);
	free(text);
	return 0;
}
