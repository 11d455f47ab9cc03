// SPDX-License-Identifier: GPL-2.0-or-later
/* list.c - shptctl list: the regions that there are, and what they save */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl list [OPTION...]\n"
"\n"
"List the regions: the files whose page tables processes share.\n"
"\n"
"  -b, --bytes          print sizes in bytes\n"
"  -J, --json           print JSON: all columns, under the names in brackets\n"
"  -n, --noheadings     print no headings\n"
"  -o, --output COL[,COL...]\n"
"                       print these columns\n"
"      --sysroot DIR    read DIR/sys in place of /sys\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Columns:\n";

/* Columns that show a fact carry its number, the two others these. */
enum { ID = -1, BACKING = -2 };

static const struct column {
	const char *name;
	int fact;
	bool bytes;
	bool shown; /* when nobody asks for others */
	const char *help;
} columns[] = {
	{ "REGION", ID, false, true, "number of the region" },
	{ "SIZE", BACKING_BYTES, true, true, "size of the file" },
	{ "HOSTS", HOSTS, false, false, "sets of page tables" },
	{ "GUESTS", GUESTS, false, true, "processes that map it" },
	{ "LINKS", LINKS, false, true, "linked chunks (1 GiB) of all guests" },
	{ "TABLES", TABLE_BYTES, true, true,
	  "the page tables that are shared" },
	{ "PARKED", PARKED_BYTES, true, false,
	  "the guests' own tables, empty while linked" },
	{ "SAVED", SAVED_BYTES, true, true,
	  "what the guests' own page tables would be, less TABLES and PARKED" },
	{ "FAULTS", FAULTS_SERVED, false, false, "page faults served" },
	{ "FLUSHES", FLUSHES, false, false,
	  "times that a change flushed the guests' TLBs" },
	{ "UNLINKS", UNLINKS, false, false, "chunks unlinked so far" },
	{ "BACKING", BACKING, false, true, "path of the file; root only" },
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static const char *json_name(const struct column *column)
{
	return column->fact == ID      ? "id" :
	       column->fact == BACKING ? "backing" :
					 fact_names[column->fact];
}

static void print_help(void)
{
	fputs(help, stdout);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("  %-8s %s [%s]\n", columns[i].name, columns[i].help,
		       json_name(&columns[i]));
	puts("\nExit status: 0 listed, also when there are no regions; 1 an "
	     "error, as when the\nmodule is not loaded; 2 wrong usage.");
}

/* 1.5M, as util-linux writes sizes; a saving can be negative. */
static void format_bytes(char *buf, size_t size, long long bytes)
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

static void print_table(const struct region *regions, size_t n,
			const struct column *const chosen[], size_t n_chosen,
			bool headings, bool bytes)
{
	struct libscols_table *table = scols_new_table();
	char cell[32];

	if (!table)
		die(EXIT_FAILURE, "no memory for a table");
	scols_table_enable_noheadings(table, !headings);
	for (size_t i = 0; i < n_chosen; i++)
		scols_table_new_column(
			table, chosen[i]->name, 0,
			chosen[i]->fact == BACKING ? 0 : SCOLS_FL_RIGHT);
	for (size_t i = 0; i < n; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const struct region *r = &regions[i];

		if (!line)
			die(EXIT_FAILURE, "no memory for a table");
		for (size_t j = 0; j < n_chosen; j++) {
			const struct column *c = chosen[j];

			if (c->fact == BACKING) {
				scols_line_set_data(line, j, r->backing ?: "-");
				continue;
			}
			if (c->fact == ID)
				snprintf(cell, sizeof(cell), "%" PRIu64, r->id);
			else if (c->bytes && !bytes)
				format_bytes(cell, sizeof(cell),
					     r->facts[c->fact]);
			else
				snprintf(cell, sizeof(cell), "%lld",
					 r->facts[c->fact]);
			scols_line_set_data(line, j, cell);
		}
	}
	scols_print_table(table);
	scols_unref_table(table);
}

static json_t *json_value(const struct region *r, const struct column *c)
{
	json_t *path;

	if (c->fact == ID)
		return json_integer(r->id);
	if (c->fact != BACKING)
		return json_integer(r->facts[c->fact]);
	/* NULL too for a path that is not UTF-8, which JSON cannot carry. */
	path = r->backing ? json_string(r->backing) : NULL;
	return path ?: json_null();
}

static void print_json(const struct region *regions, size_t n,
		       const struct column *const chosen[], size_t n_chosen)
{
	json_t *array = json_array();
	json_t *root = json_pack("{si so}", "schema", 1, "regions", array);

	for (size_t i = 0; i < n; i++) {
		json_t *object = json_object();

		for (size_t j = 0; j < n_chosen; j++)
			json_object_set_new(object, json_name(chosen[j]),
					    json_value(&regions[i], chosen[j]));
		json_array_append_new(array, object);
	}
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static const struct column *find_column(const char *name)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (!strcasecmp(name, columns[i].name))
			return &columns[i];
	die(EXIT_USAGE, "unknown column '%s'; see shptctl list --help", name);
}

int list(int argc, char **argv)
{
	enum { SYSROOT = 256 };
	static const struct option options[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	const struct column *chosen[2 * COLUMNS];
	bool bytes = false, json = false, headings = true;
	const char *root = "/";
	struct region *regions;
	size_t n, n_chosen = 0;
	int c, sysroot;

	while ((c = getopt_long(argc, argv, "bJno:hV", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			bytes = true;
			break;
		case 'J':
			json = true;
			break;
		case 'n':
			headings = false;
			break;
		case 'o':
			n_chosen = 0;
			for (char *name = strtok(optarg, ","); name;
			     name = strtok(NULL, ",")) {
				if (n_chosen == 2 * COLUMNS)
					die(EXIT_USAGE, "too many columns");
				chosen[n_chosen++] = find_column(name);
			}
			if (!n_chosen)
				die(EXIT_USAGE, "-o needs columns; see shptctl "
						"list --help");
			break;
		case SYSROOT:
			root = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl list --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl list "
		    "--help",
		    argv[optind]);
	if (!n_chosen)
		for (size_t i = 0; i < COLUMNS; i++)
			if (json || columns[i].shown)
				chosen[n_chosen++] = &columns[i];

	sysroot = sysroot_open(root);
	if (!shpt_is_loaded(sysroot))
		die(EXIT_FAILURE, "the module is not loaded; run: modprobe "
				  "shpt");
	n = regions_read(sysroot, &regions);
	if (json)
		print_json(regions, n, chosen, n_chosen);
	else if (n)
		print_table(regions, n, chosen, n_chosen, headings, bytes);
	else
		fputs("shptctl list: no regions\n", stderr);
	regions_free(regions, n);
	close(sysroot);
	return EXIT_SUCCESS;
}
