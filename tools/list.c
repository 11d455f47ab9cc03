// SPDX-License-Identifier: GPL-2.0-or-later
/* list.c - shptctl list: the regions that there are, and what they save */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "columns.h"
#include "shptctl.h"

static const char help[] =
"Usage: shptctl list [OPTION...]\n"
"\n"
"List the regions: the files whose page tables processes share.\n"
"\n"
PRINT_HELP
"      --sysroot DIR    read DIR/sys in place of /sys\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n";

static const char help_status[] =
"\n"
"Exit status: 0 listed, also when there are no regions; 1 an error, as when the\n"
"module is not loaded; 2 wrong usage.\n"
"\n"
"See shptctl-list(8).\n";

/* Who registered it and how: unknown if nobody did. */
struct row {
	struct libshpt_region region;
	int64_t uid;
	int64_t gid;
	char mode_digits[8];
	const char *mode;
	const char *name;
	const char *backing;
};

#define FACT(name) #name, offsetof(struct row, region.name)
#define FIELD(name) #name, offsetof(struct row, name)
static const struct column columns[] = {
	{ "REGION", FACT(id), COLUMN_NUMBER, true, "number of the region" },
	{ "SIZE", FACT(backing_bytes), COLUMN_BYTES, true, "size of the file" },
	{ "HOSTS", FACT(hosts), COLUMN_NUMBER, false, "sets of page tables" },
	{ "GUESTS", FACT(guests), COLUMN_NUMBER, true,
	  "processes that map it" },
	{ "LINKS", FACT(links), COLUMN_NUMBER, true,
	  "linked chunks (1 GiB) of all guests" },
	{ "TABLES", FACT(table_bytes), COLUMN_BYTES, true,
	  "the page tables that are shared" },
	{ "PARKED", FACT(parked_bytes), COLUMN_BYTES, false,
	  "the guests' own tables, empty while linked" },
	{ "SAVED", FACT(saved_bytes), COLUMN_BYTES, true,
	  "what the guests' own page tables would be at most, less these two" },
	{ "FAULTS", FACT(faults_served), COLUMN_NUMBER, false,
	  "page faults served" },
	{ "FLUSHES", FACT(flushes), COLUMN_NUMBER, false,
	  "times that a change flushed the guests' TLBs" },
	{ "UNLINKS", FACT(unlinks), COLUMN_NUMBER, false,
	  "chunks unlinked so far" },
	{ "NAME", FIELD(name), COLUMN_TEXT, true,
	  "name under which it is registered" },
	{ "OWNER", FIELD(uid), COLUMN_USER, true, "who registered it" },
	{ "GROUP", FIELD(gid), COLUMN_GROUP, false,
	  "the group it was registered for" },
	{ "MODE", FIELD(mode), COLUMN_TEXT, true,
	  "who may open it by its name" },
	{ "BACKING", FIELD(backing), COLUMN_TEXT, true,
	  "path of the file; root only" },
	{ 0 }
};

static void make_row(const struct libshpt_region *region, struct row *row)
{
	*row = (struct row){ .region = *region,
			     .uid = COLUMN_UNKNOWN,
			     .gid = COLUMN_UNKNOWN };
	if (*region->backing)
		row->backing = row->region.backing;
	if (!region->registered)
		return;
	row->uid = region->uid;
	row->gid = region->gid;
	snprintf(row->mode_digits, sizeof(row->mode_digits), "%04o",
		 region->mode);
	row->mode = row->mode_digits;
	row->name = row->region.name;
}

static size_t all_rows(const char *root, struct row **rows)
{
	int sysroot = sysroot_open(root);
	struct libshpt_region *regions;
	size_t n;

	if (!shpt_is_loaded(sysroot))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	n = regions_read(sysroot, &regions);
	close(sysroot);
	*rows = calloc(n + 1, sizeof(**rows));
	if (!*rows)
		die(EXIT_FAILURE, "no memory for %zu regions", n);
	for (size_t i = 0; i < n; i++)
		make_row(&regions[i], &(*rows)[i]);
	free(regions);
	return n;
}

static void print_json(const struct print_options *p, const struct row *rows,
		       size_t n)
{
	print_json_document(json_pack("{si so}", "schema", 1, "regions",
				      json_rows(p, rows, n, sizeof(*rows))));
}

int list(int argc, char **argv)
{
	enum { SYSROOT = 256 };
	static const struct option options[] = {
		PRINT_OPTIONS,
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct print_options print_as = { 0 };
	const char *root = "/";
	struct row *rows;
	size_t n;
	int c;

	while ((c = getopt_long(argc, argv, PRINT_LETTERS "hV", options,
				NULL)) != -1) {
		if (print_option(&print_as, c, optarg, columns))
			continue;
		switch (c) {
		case SYSROOT:
			root = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			print_columns_help(columns);
			fputs(help_status, stdout);
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
		    "unexpected argument '%s'; see shptctl list --help",
		    argv[optind]);
	choose_columns(&print_as, columns);

	n = all_rows(root, &rows);
	if (print_as.json)
		print_json(&print_as, rows, n);
	else if (n)
		print_rows(&print_as, rows, n, sizeof(*rows));
	else
		fputs("shptctl list: no regions\n", stderr);
	free(rows);
	return EXIT_SUCCESS;
}
