// SPDX-License-Identifier: GPL-2.0-or-later
/* list.c - shptctl list: the regions that there are, and what they save */
#define _GNU_SOURCE
#include <getopt.h>
#include <grp.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <pwd.h>
#include <stddef.h>
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

/* What a column shows: a number of struct libshpt_region, or one of these. */
enum kind { NUMBER, BACKING, NAME, OWNER, GROUP, MODE };

#define FACT(name) #name, NUMBER, offsetof(struct libshpt_region, name)
static const struct column {
	const char *name;
	const char *json;
	enum kind kind;
	size_t offset; /* of a number */
	bool bytes;
	bool shown; /* when nobody asks for others */
	const char *help;
} columns[] = {
	{ "REGION", FACT(id), false, true, "number of the region" },
	{ "SIZE", FACT(backing_bytes), true, true, "size of the file" },
	{ "HOSTS", FACT(hosts), false, false, "sets of page tables" },
	{ "GUESTS", FACT(guests), false, true, "processes that map it" },
	{ "LINKS", FACT(links), false, true,
	  "linked chunks (1 GiB) of all guests" },
	{ "TABLES", FACT(table_bytes), true, true,
	  "the page tables that are shared" },
	{ "PARKED", FACT(parked_bytes), true, false,
	  "the guests' own tables, empty while linked" },
	{ "SAVED", FACT(saved_bytes), true, true,
	  "what the guests' own page tables would be at most, less these two" },
	{ "FAULTS", FACT(faults_served), false, false, "page faults served" },
	{ "FLUSHES", FACT(flushes), false, false,
	  "times that a change flushed the guests' TLBs" },
	{ "UNLINKS", FACT(unlinks), false, false, "chunks unlinked so far" },
	{ "NAME", "name", NAME, 0, false, true,
	  "name under which it is registered" },
	{ "OWNER", "uid", OWNER, 0, false, true, "who registered it" },
	{ "GROUP", "gid", GROUP, 0, false, false,
	  "the group it was registered for" },
	{ "MODE", "mode", MODE, 0, false, true,
	  "who may open it by its name" },
	{ "BACKING", "backing", BACKING, 0, false, true,
	  "path of the file; root only" },
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))
#define MOST_COLUMNS (2 * COLUMNS) /* in one table */

/* Text is flushed left. */
static bool is_text(const struct column *column)
{
	return column->kind != NUMBER && column->kind != MODE;
}

static void print_help(void)
{
	fputs(help, stdout);
	for (size_t i = 0; i < COLUMNS; i++)
		printf("  %-8s %s [%s]\n", columns[i].name, columns[i].help,
		       columns[i].json);
	puts("\nExit status: 0 listed, also when there are no regions; 1 an "
	     "error, as when the\nmodule is not loaded; 2 wrong usage.\n\n"
	     "See shptctl-list(8).");
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

static long long number(const struct libshpt_region *r, const struct column *c)
{
	return *(const int64_t *)((const char *)r + c->offset);
}

/* What a cell of the table shows, in buf if it has to be made first. */
static const char *cell(const struct libshpt_region *r, const struct column *c,
			bool bytes, char *buf, size_t size)
{
	const struct passwd *user;
	const struct group *group;

	if (!r->registered && c->kind >= NAME)
		return "-";
	switch (c->kind) {
	case BACKING:
		return *r->backing ? r->backing : "-";
	case NAME:
		return *r->name ? r->name : "-";
	case MODE:
		snprintf(buf, size, "%04o", r->mode);
		return buf;
	case OWNER:
		user = getpwuid(r->uid);
		snprintf(buf, size, "%u", r->uid);
		return user ? user->pw_name : buf;
	case GROUP:
		group = getgrgid(r->gid);
		snprintf(buf, size, "%u", r->gid);
		return group ? group->gr_name : buf;
	default:
		if (c->bytes && !bytes)
			format_bytes(buf, size, number(r, c));
		else
			snprintf(buf, size, "%lld", number(r, c));
		return buf;
	}
}

static void print_table(const struct libshpt_region *regions, size_t n,
			const struct column *const chosen[], size_t n_chosen,
			bool headings, bool bytes)
{
	struct libscols_table *table = scols_new_table();
	char buf[32];

	if (!table)
		die(EXIT_FAILURE, "no memory for a table");
	scols_table_enable_noheadings(table, !headings);
	for (size_t i = 0; i < n_chosen; i++)
		scols_table_new_column(table, chosen[i]->name, 0,
				       is_text(chosen[i]) ? 0 : SCOLS_FL_RIGHT);
	for (size_t i = 0; i < n; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			die(EXIT_FAILURE, "no memory for a table");
		for (size_t j = 0; j < n_chosen; j++)
			scols_line_set_data(line, j,
					    cell(&regions[i], chosen[j], bytes,
						 buf, sizeof(buf)));
	}
	scols_print_table(table);
	scols_unref_table(table);
}

/* null for what is not UTF-8: JSON has no bytes. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);

	return string ?: json_null();
}

static json_t *json_value(const struct libshpt_region *r,
			  const struct column *c)
{
	char mode[8];

	if (!r->registered && c->kind >= NAME)
		return json_null();
	switch (c->kind) {
	case BACKING:
		return *r->backing ? json_text(r->backing) : json_null();
	case NAME:
		return json_text(r->name);
	case MODE:
		snprintf(mode, sizeof(mode), "%04o", r->mode);
		return json_string(mode);
	case OWNER:
		return json_integer(r->uid);
	case GROUP:
		return json_integer(r->gid);
	default:
		return json_integer(number(r, c));
	}
}

static void print_json(const struct libshpt_region *regions, size_t n,
		       const struct column *const chosen[], size_t n_chosen)
{
	json_t *array = json_array();
	json_t *root = json_pack("{si so}", "schema", 1, "regions", array);

	for (size_t i = 0; i < n; i++) {
		json_t *object = json_object();

		for (size_t j = 0; j < n_chosen; j++)
			json_object_set_new(object, chosen[j]->json,
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

static size_t choose_columns(char *names, const struct column *chosen[])
{
	size_t n = 0;

	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		if (n == MOST_COLUMNS)
			die(EXIT_USAGE, "too many columns");
		chosen[n++] = find_column(name);
	}
	if (!n)
		die(EXIT_USAGE, "-o needs columns; see shptctl list --help");
	return n;
}

static size_t all_regions(const char *root, struct libshpt_region **regions)
{
	int sysroot = sysroot_open(root);
	size_t n;

	if (!shpt_is_loaded(sysroot))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	n = regions_read(sysroot, regions);
	close(sysroot);
	return n;
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
	const struct column *chosen[MOST_COLUMNS];
	bool bytes = false, json = false, headings = true;
	const char *root = "/";
	struct libshpt_region *regions;
	size_t n, n_chosen = 0;
	int c;

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
			n_chosen = choose_columns(optarg, chosen);
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

	n = all_regions(root, &regions);
	if (json)
		print_json(regions, n, chosen, n_chosen);
	else if (n)
		print_table(regions, n, chosen, n_chosen, headings, bytes);
	else
		fputs("shptctl list: no regions\n", stderr);
	free(regions);
	return EXIT_SUCCESS;
}
