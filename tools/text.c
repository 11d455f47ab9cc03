// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * text.c - texts that are printed: names and files may contain anything, and a
 * terminal would obey some of it
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "shptctl.h"

/* die() would ask for memory, too. */
_Noreturn static void no_memory(void)
{
	fputs("shptctl: no memory\n", stderr);
	exit(EXIT_FAILURE);
}

char *print(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = vprint(format, args);
	va_end(args);
	return text;
}

char *vprint(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		no_memory();
	return text;
}

/* How many bytes of a text are a character that can be seen, or 0. */
static size_t visible(const char *text)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);

	return n <= MB_CUR_MAX && iswprint(c) ? n : 0;
}

char *escape(const char *text, size_t (*take)(const char *text))
{
	/* \xNN for each byte at most. */
	char *copy = malloc(4 * strlen(text) + 1), *to = copy;
	size_t n;

	if (!copy)
		no_memory();
	for (; *text; text += n) {
		n = take(text);
		if (n) {
			memcpy(to, text, n);
			to += n;
		} else {
			n = 1;
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
		}
	}
	*to = '\0';
	return copy;
}

char *plain(const char *text)
{
	return escape(text, visible);
}

void say(const char *format, ...)
{
	va_list args;
	char *text, *seen;

	va_start(args, format);
	text = vprint(format, args);
	va_end(args);
	seen = plain(text);
	puts(seen);
	free(seen);
	free(text);
}

void format_bytes(char *buf, size_t size, long long bytes)
{
	static const char units[] = "BKMGTPE";
	double value = bytes;
	int unit = 0;

	while ((value >= 1024 || value <= -1024) && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	snprintf(buf, size, "%.1f", value);
	if (!strcmp(buf + strlen(buf) - 2, ".0"))
		buf[strlen(buf) - 2] = '\0';
	snprintf(buf + strlen(buf), size - strlen(buf), "%c", units[unit]);
}

void format_amount(char *buf, size_t size, long long number, bool bytes)
{
	if (bytes)
		snprintf(buf, size, "%lld bytes", number);
	else
		format_bytes(buf, size, number);
}
