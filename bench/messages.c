// SPDX-License-Identifier: GPL-2.0-or-later
/* messages.c - what people see while shpt-bench runs: errors and a bar */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define BAR 20

static struct {
	unsigned int passes, done;
	double begin, last;
	bool shown;
} bar;

void progress_begin(unsigned int passes)
{
	bar.passes = passes;
	bar.begin = now();
}

void progress(unsigned int done)
{
	bar.done = done;
}

void progress_now(const char *format, ...)
{
	double t = now();
	char filled[BAR + 1];
	va_list args;

	if (!bar.passes || !isatty(STDERR_FILENO) || t - bar.last < 0.2)
		return;
	bar.last = t;
	bar.shown = true;
	for (unsigned int i = 0; i < BAR; i++)
		filled[i] = i < BAR * bar.done / bar.passes ? '#' : '.';
	filled[BAR] = 0;
	fprintf(stderr, "\r\033[K[%s] %u/%u ", filled, bar.done, bar.passes);
	if (bar.done)
		fprintf(stderr, "%.0f s left, ",
			(t - bar.begin) / bar.done * (bar.passes - bar.done));
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void progress_end(void)
{
	if (bar.shown)
		fputs("\r\033[K", stderr);
	bar.shown = false;
	bar.passes = 0;
}

static void say(const char *format, va_list args)
{
	progress_end();
	fputs("shpt-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

void usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fputs("Try 'shpt-bench --help'.\n", stderr);
	exit(EXIT_USAGE);
}
