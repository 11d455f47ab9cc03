// SPDX-License-Identifier: GPL-2.0-or-later
/* top.c - shptctl top: regions and processes at work, on a terminal or in text */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
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
"      --sort KEY       by saved (default), links, faults, flushes or number\n"
"      --sysroot DIR    look at the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 ended as asked; 1 an error, as when the module is not loaded; 2\n"
"wrong usage.\n"
"\n"
"See shptctl-top(8).\n";

static void print_list(const struct list *list, enum view view, bool bytes)
{
	struct libscols_table *table = scols_new_table();
	char cells[CELLS][CELL_BYTES];

	if (!table)
		die(EXIT_FAILURE, "no memory for a table");
	for (size_t i = 0; i < CELLS; i++)
		scols_table_new_column(table, headings[view][i], 0,
				       i < CELLS - 1 ? SCOLS_FL_RIGHT : 0);
	for (size_t i = 0; i < list->n; i++) {
		const struct watched *w = &list->items[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			die(EXIT_FAILURE, "no memory for a table");
		format_cells(w, bytes, cells);
		for (size_t j = 0; j < CELLS - 1; j++)
			scols_line_set_data(line, j, cells[j]);
		scols_line_set_data(line, CELLS - 1, w->what);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

/* UTC, as JSON has it. */
static void format_time(char *buf, size_t size)
{
	time_t now = time(NULL);

	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
}

static void print_text(const struct look *look, const struct top_options *o)
{
	const struct watched *sum = &look->sum;
	char when[32], saved[CELL_BYTES], rates[3][CELL_BYTES];

	format_time(when, sizeof(when));
	format_bytes(saved, sizeof(saved), sum->saved);
	format_rate(rates[0], CELL_BYTES, sum->links_rate);
	format_rate(rates[1], CELL_BYTES, sum->faults_rate);
	format_rate(rates[2], CELL_BYTES, sum->flushes_rate);
	printf("%s, %.1fs: saved %s, %s links/s, %s faults/s, %s flushes/s\n",
	       when, look->seconds, saved, rates[0], rates[1], rates[2]);
	for (int view = 0; view < VIEWS; view++)
		if (look->lists[view].n)
			print_list(&look->lists[view], view, o->bytes);
	if (look->unreadable)
		printf("%zu processes only root may look at\n",
		       look->unreadable);
	putchar('\n');
}

static json_t *json_known(int64_t number)
{
	return number == NOT_KNOWN ? json_null() : json_integer(number);
}

static json_t *json_rate(double rate)
{
	return isnan(rate) ? json_null() : json_real(rate);
}

static json_t *json_list(const struct list *list, enum view view)
{
	bool regions = view == REGIONS;
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++) {
		const struct watched *w = &list->items[i];

		json_array_append_new(
			array,
			json_pack("{sI so so so so so so so so}",
				  regions ? "id" : "pid", (json_int_t)w->id,
				  "saved_bytes", json_known(w->saved),
				  "links_per_second", json_rate(w->links_rate),
				  "faults_per_second",
				  json_rate(w->faults_rate),
				  "flushes_per_second",
				  json_rate(w->flushes_rate),
				  regions ? "guests" : "regions",
				  json_known(w->peers), "links",
				  json_known(w->linked), "table_bytes",
				  json_known(w->tables),
				  regions ? "file" : "command",
				  json_text_or_null(w->what)));
	}
	return array;
}

static void print_json(const struct look *look)
{
	char when[32];
	json_t *root;

	format_time(when, sizeof(when));
	root = json_pack("{si ss so so so sI}", "schema", 1, "time", when,
			 "seconds", json_rate(look->seconds), "regions",
			 json_list(&look->lists[REGIONS], REGIONS), "processes",
			 json_list(&look->lists[PROCESSES], PROCESSES),
			 "unreadable_processes", (json_int_t)look->unreadable);
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
static void run_batch(struct top_options *o, bool json)
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
		if (json)
			print_json(look);
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

static void run(struct top_options *o, const char *sysroot, bool batch,
		bool json)
{
	o->root = sysroot_open(sysroot);
	if (!shpt_is_loaded(o->root))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	if (batch || json)
		run_batch(o, json);
	else
		screen_run(o);
	close(o->root);
}

int top(int argc, char **argv)
{
	enum { BATCH = 256, SORT, SYSROOT };
	static const struct option options[] = {
		{ "batch", no_argument, NULL, BATCH },
		{ "bytes", no_argument, NULL, 'b' },
		{ "delay", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'J' },
		{ "count", required_argument, NULL, 'n' },
		{ "sort", required_argument, NULL, SORT },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct top_options o = { .delay = 2 };
	bool batch = false, json = false;
	const char *sysroot = "/";
	int c;

	while ((c = getopt_long(argc, argv, "bd:Jn:hV", options, NULL)) != -1) {
		switch (c) {
		case BATCH:
			batch = true;
			break;
		case 'b':
			o.bytes = true;
			break;
		case 'd':
			o.delay = parse_delay(optarg);
			break;
		case 'J':
			json = true;
			break;
		case 'n':
			o.rounds = parse_count(optarg);
			break;
		case SORT:
			o.key = parse_key(optarg);
			break;
		case SYSROOT:
			sysroot = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl top --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl top --help",
		    argv[optind]);
	run(&o, sysroot, batch, json);
	return EXIT_SUCCESS;
}
