// SPDX-License-Identifier: GPL-2.0-or-later
/* estimate.c - shptctl estimate: what sharing would save on this machine */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "columns.h"
#include "forecast.h"
#include "processes.h"
#include "shptctl.h"

static const char help[] =
"Usage: shptctl estimate [OPTION...] [PID|--all]\n"
"\n"
"Tell how much memory for page tables shpt would save: look at the shared memory\n"
"and DAX files that several processes have mapped, all of them or those of the\n"
"process PID. The module is not needed. Nothing is changed.\n"
"\n"
"      --all            look at all processes, as without PID\n"
PRINT_HELP
"      --min-size SIZE  leave out smaller mappings: bytes, or with K, M or G\n"
"                       (default 64M, as libshpt-preload.so has it)\n"
"      --sysroot DIR    read DIR/proc in place of /proc\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n";

#define FACT(name) #name, offsetof(struct forecast, name)
static const struct column columns[] = {
	{ "PID", FACT(pid), COLUMN_NUMBER, true,
	  "the first of the processes" },
	{ "COMMAND", FACT(command), COLUMN_TEXT, true, "its program" },
	{ "PROCESSES", FACT(processes), COLUMN_NUMBER, true,
	  "how many have it mapped" },
	{ "KIND", FACT(kind), COLUMN_TEXT, false, "shmem, fsdax or devdax" },
	{ "SIZE", FACT(size_bytes), COLUMN_BYTES, true,
	  "of the file, as far as it is mapped" },
	{ "TABLES", FACT(table_bytes), COLUMN_BYTES, true,
	  "page tables that the processes have for it now" },
	{ "SHARED", FACT(shared_bytes), COLUMN_BYTES, true,
	  "the one copy that they would share" },
	{ "PARKED", FACT(parked_bytes), COLUMN_BYTES, true,
	  "the processes' own tables, empty while they share" },
	{ "SAVED", FACT(saved_bytes), COLUMN_BYTES, true,
	  "TABLES less these two: what would be saved now" },
	{ "MOST", FACT(most_bytes), COLUMN_BYTES, false,
	  "saved, once each process has touched what any has" },
	{ "BACKING", FACT(backing), COLUMN_TEXT, true, "path of the file" },
	{ 0 }
};

static void print_help(void)
{
	fputs(help, stdout);
	print_columns_help(columns);
	puts("\nExit status: 0 estimated, also if there is nothing to save; 1 an "
	     "error; 2 wrong\nusage.\n\nSee shptctl-estimate(8).");
}

static struct forecast sum_of(const struct forecasts *all)
{
	struct forecast sum = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		sum.table_bytes += all->rows[i].table_bytes;
		sum.shared_bytes += all->rows[i].shared_bytes;
		sum.parked_bytes += all->rows[i].parked_bytes;
		sum.saved_bytes += all->rows[i].saved_bytes;
		sum.most_bytes += all->rows[i].most_bytes;
	}
	return sum;
}

static void print_json(const struct print_options *p,
		       const struct forecasts *all)
{
	struct forecast sum = sum_of(all);

	print_json_document(json_pack(
		"{si so s{sI sI sI sI sI} sI sI sI}", "schema", 1, "backings",
		json_rows(p, all->rows, all->n, sizeof(*all->rows)), "sum",
		"table_bytes", (json_int_t)sum.table_bytes, "shared_bytes",
		(json_int_t)sum.shared_bytes, "parked_bytes",
		(json_int_t)sum.parked_bytes, "saved_bytes",
		(json_int_t)sum.saved_bytes, "most_bytes",
		(json_int_t)sum.most_bytes, "huge_backings",
		(json_int_t)all->huge, "sharing_processes",
		(json_int_t)all->sharing, "unreadable_processes",
		(json_int_t)all->unreadable));
}

static void print_bytes(const struct print_options *p, const char *format,
			int64_t bytes)
{
	char text[32];

	if (p->bytes)
		snprintf(text, sizeof(text), "%lld bytes", (long long)bytes);
	else
		format_bytes(text, sizeof(text), bytes);
	printf(format, text);
}

static void print_sum(const struct print_options *p,
		      const struct forecasts *all)
{
	struct forecast sum = sum_of(all);

	print_bytes(p, "shpt would save %s", sum.saved_bytes);
	print_bytes(p, " of %s of page tables now,\n", sum.table_bytes);
	print_bytes(p, "and %s once each process has touched what any has.\n",
		    sum.most_bytes);
}

static void print_text(const struct print_options *p,
		       const struct forecasts *all, size_t min_bytes)
{
	char min[32];

	if (all->n) {
		print_rows(p, all->rows, all->n, sizeof(*all->rows));
		if (!p->noheadings)
			print_sum(p, all);
	} else {
		format_bytes(min, sizeof(min), (long long)min_bytes);
		fprintf(stderr,
			"shptctl estimate: no mapping of %s or more has page "
			"tables that several processes could share\n",
			min);
	}
	if (all->huge)
		fprintf(stderr,
			"shptctl estimate: %zu backing%s only by 2 MiB entries, "
			"and has no page tables to save\n",
			all->huge, all->huge == 1 ? " is mapped" : "s are mapped");
	if (all->sharing)
		fprintf(stderr,
			"shptctl estimate: what %zu process%s already is not "
			"counted: see shptctl list\n",
			all->sharing,
			all->sharing == 1 ? " shares" : "es share");
	say_unreadable(all->unreadable);
}

static pid_t parse_pid(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (*end || pid <= 0 || pid > INT32_MAX)
		die(EXIT_USAGE,
		    "'%s' is no process id; see shptctl estimate --help", text);
	return (pid_t)pid;
}

int estimate(int argc, char **argv)
{
	enum { ALL = 256, MIN_SIZE, SYSROOT };
	static const struct option options[] = {
		{ "all", no_argument, NULL, ALL },
		PRINT_OPTIONS,
		{ "min-size", required_argument, NULL, MIN_SIZE },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	size_t min_bytes = PRELOAD_MIN_BYTES;
	struct print_options print_as = { 0 };
	const char *root_path = "/";
	struct forecasts all;
	bool every = false;
	pid_t pid = 0;
	int c, root;

	while ((c = getopt_long(argc, argv, PRINT_LETTERS "hV", options,
				NULL)) != -1) {
		if (print_option(&print_as, c, optarg, columns))
			continue;
		switch (c) {
		case ALL:
			every = true;
			break;
		case MIN_SIZE:
			if (!parse_size(optarg, &min_bytes))
				die(EXIT_USAGE,
				    "'%s' is no size: bytes, or with K, M or G",
				    optarg);
			break;
		case SYSROOT:
			root_path = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl estimate --help");
		}
	}
	if (optind < argc)
		pid = parse_pid(argv[optind++]);
	if (optind < argc || (every && pid))
		die(EXIT_USAGE, "either one PID or --all; see shptctl estimate "
				"--help");
	choose_columns(&print_as, columns);

	root = sysroot_open(root_path);
	forecasts_read(root, pid, min_bytes, &all);
	if (print_as.json)
		print_json(&print_as, &all);
	else
		print_text(&print_as, &all, min_bytes);
	forecasts_free(&all);
	close(root);
	return EXIT_SUCCESS;
}
