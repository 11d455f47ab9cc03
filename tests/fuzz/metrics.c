// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * metrics.c - target: any text as the value of a label for Prometheus
 *
 * What is read back, as Prometheus does it, is that text, or nothing if it is
 * not UTF-8.
 */
#include "../../tools/metrics.c" /* the label is nobody else's */

#include "fuzz.h"

static char *label_of(const char *text)
{
	FILE *before = stdout;
	char *label = NULL;
	size_t length;

	stdout = open_memstream(&label, &length);
	expect(stdout);
	print_label("x", text);
	fclose(stdout);
	stdout = before;
	return label;
}

/* In place; NULL if it is no label. */
static char *unescape(char *label)
{
	char *from = label + strlen("x=\""), *to = from, *value = from;

	if (strncmp(label, "x=\"", from - label) != 0)
		return NULL;
	for (; *from && *from != '"'; from++) {
		if (*from == '\n')
			return NULL;
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (!strchr("n\\\"", *++from) || !*from)
			return NULL;
		*to++ = (char)(*from == 'n' ? '\n' : *from);
	}
	if (strcmp(from, "\"") != 0)
		return NULL;
	*to = '\0';
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), *label = label_of(text), *value;

	value = unescape(label);
	expect(value && (!*value || !strcmp(value, text)));
	free(label);
	free(text);
	return 0;
}
