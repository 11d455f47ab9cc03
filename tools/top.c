// SPDX-License-Identifier: GPL-2.0-or-later
/* top.c - shptctl top: regions and processes at work, on a terminal or in text */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "columns.h"
#include "shptctl.h"
#include "top.h"

static const char help[] =
"Usage: shptctl top [OPTION...]\n"
"\n"
"Show what sharing saves and what it does: chunks linked, page faults served and\n"
"flushes, all per second, by region and by process. Keys: q quits, Tab changes\n"
"between regions and processes, s, l, f, u and n sort, arrows scroll.\n"
"\n"
"      --batch          print text, with all regions and processes each time\n"
"  -b, --bytes          print sizes in bytes\n"
"  -d, --delay SECONDS  between two looks, 0.1 to 3600 (default 2)\n"
"  -J, --json           print JSON, a document in a line each time\n"
"  -n, --count N        end after this many times (default: never)\n"
"      --noheadings     print the lines of the tables and nothing else\n"
"  -o, --output COL[,COL...]\n"
"                       print these columns\n"
"  -r, --raw            print no padding, and what is no plain text as \\xNN\n"
"      --sort KEY       by saved (default), links, faults, flushes or number\n"
"      --sysroot DIR    look at the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"With -o a table is printed if it has all of these columns.\n";

static void print_help(void)
{
	fputs(help, stdout);
	print_columns_help(top_columns);
	puts("\nExit status: 0 ended as asked; 1 an error, as when the module is "
	     "not loaded; 2\nwrong usage.\n\nSee shptctl-top(8).");
}

/* UTC, as JSON has it. */
static void format_time(char *buf, size_t size)
{
	time_t now = time(NULL);

	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
}

static void print_text(const struct look *look, const struct top_options *o)
{
	char when[32], *sum = sum_text(&o->print_as, &look->sum);
	struct print_options as;

	format_time(when, sizeof(when));
	if (!o->print_as.noheadings)
		printf("%s, %.1fs: %s\n", when, look->seconds, sum);
	free(sum);
	for (int view = 0; view < VIEWS; view++) {
		const struct list *list = &look->lists[view];

		if (list->n && choose_view(&as, &o->print_as, view))
			print_rows(&as, list->items, list->n,
				   sizeof(*list->items));
	}
	if (o->print_as.noheadings)
		return;
	if (look->unreadable)
		printf("%zu processes only root may look at\n",
		       look->unreadable);
	putchar('\n');
}

static json_t *json_view(const struct look *look, const struct top_options *o,
			 enum view view)
{
	const struct list *list = &look->lists[view];
	struct print_options as;

	if (!choose_view(&as, &o->print_as, view))
		return json_null();
	return json_rows(&as, list->items, list->n, sizeof(*list->items));
}

static void print_json(const struct look *look, const struct top_options *o)
{
	char when[32];
	json_t *root;

	format_time(when, sizeof(when));
	root = json_pack("{si ss sf so so sI}", "schema", 1, "time", when,
			 "seconds", look->seconds, "regions",
			 json_view(look, o, REGIONS), "processes",
			 json_view(look, o, PROCESSES), "unreadable_processes",
			 (json_int_t)look->unreadable);
	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(root);
}

static void sleep_until(double at)
{
	time_t seconds = (time_t)at;
	struct timespec t = {
		.tv_sec = seconds,
		.tv_nsec = (long)((at - (double)seconds) * 1e9),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* The first look is what the rates of the second are reckoned from. */
static void run_batch(struct top_options *o)
{
	struct look *before = look_take(o->root, NULL), *look;

	for (unsigned long i = 0; !o->rounds || i < o->rounds; i++) {
		sleep_until(before->at + o->delay);
		if (!shpt_is_loaded(o->root))
			die(EXIT_FAILURE, "the module has been unloaded");
		look = look_take(o->root, before);
		look_free(before);
		before = look;
		for (int view = 0; view < VIEWS; view++)
			list_sort(&look->lists[view], o->key);
		if (o->print_as.json)
			print_json(look, o);
		else
			print_text(look, o);
		if (fflush(stdout))
			break;
	}
	look_free(before);
}

static double parse_delay(const char *text)
{
	char *end;
	double delay = strtod(text, &end);

	if (end == text || *end || !(delay >= 0.1 && delay <= 3600))
		die(EXIT_USAGE, "'%s' is no number of seconds from 0.1 to 3600",
		    text);
	return delay;
}

static unsigned long parse_count(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n)
		die(EXIT_USAGE, "'%s' is no number of times", text);
	return n;
}

static enum sort_key parse_key(const char *text)
{
	for (int i = 0; sort_keys[i]; i++)
		if (!strcmp(text, sort_keys[i]))
			return i;
	die(EXIT_USAGE,
	    "'%s' is nothing to sort by: saved, links, faults, flushes or "
	    "number",
	    text);
}

static bool chooses(const struct print_options *p)
{
	return p->columns[0] || p->noheadings || p->raw;
}

static void run(struct top_options *o, const char *sysroot, bool batch)
{
	o->root = sysroot_open(sysroot);
	if (!shpt_is_loaded(o->root))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	if (batch)
		run_batch(o);
	else
		screen_run(o);
	close(o->root);
}

int top(int argc, char **argv)
{
	enum { BATCH = 256, NOHEADINGS, SORT, SYSROOT };
	static const struct option options[] = {
		{ "batch", no_argument, NULL, BATCH },
		{ "bytes", no_argument, NULL, 'b' },
		{ "delay", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'J' },
		{ "count", required_argument, NULL, 'n' },
		{ "noheadings", no_argument, NULL, NOHEADINGS },
		{ "output", required_argument, NULL, 'o' },
		{ "raw", no_argument, NULL, 'r' },
		{ "sort", required_argument, NULL, SORT },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct top_options o = { .delay = 2 };
	const char *sysroot = "/";
	bool batch = false;
	int c;

	while ((c = getopt_long(argc, argv, "bd:Jn:o:rhV", options, NULL)) !=
	       -1) {
		switch (c) {
		case BATCH:
			batch = true;
			break;
		case 'd':
			o.delay = parse_delay(optarg);
			break;
		case 'n':
			o.rounds = parse_count(optarg);
			break;
		case NOHEADINGS:
			o.print_as.noheadings = true;
			break;
		case SORT:
			o.key = parse_key(optarg);
			break;
		case SYSROOT:
			sysroot = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!print_option(&o.print_as, c, optarg, top_columns))
				die(EXIT_USAGE, "see shptctl top --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl top --help",
		    argv[optind]);
	batch |= o.print_as.json;
	if (!batch && chooses(&o.print_as))
		die(EXIT_USAGE, "-o, -r and --noheadings are for --batch; see "
				"shptctl top --help");
	run(&o, sysroot, batch);
	return EXIT_SUCCESS;
}
