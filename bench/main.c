// SPDX-License-Identifier: GPL-2.0-or-later
/* main.c - shpt-bench: the command line, messages, time */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static const char help[] =
"Usage: shpt-bench SCENARIO [OPTION...]\n"
"\n"
"  workers        what shared page tables save many processes on one file\n"
"  map            what libshpt_map() costs more than mmap(2)\n"
"  -h, --help     print this text\n"
"  -V, --version  print the version\n"
"\n"
"shpt-bench SCENARIO --help tells more.\n";

static const char workers_help[] =
"Usage: shpt-bench workers [OPTION...]\n"
"\n"
"Measure what shared page tables save: let many processes map one file, scan\n"
"it, write to it, verify what the others wrote, and exit; once with ordinary\n"
"mappings (plain) and once through libshpt (shpt).\n"
"\n"
"  -n, --workers N      processes, 2 or more (default 64)\n"
"  -s, --size SIZE      size of the file: a number with K, M or G, a multiple\n"
"                       of 2M (default 1G)\n"
"  -r, --rounds N       rounds; each runs every mode once (default: up to 3,\n"
"                       as many as take less than 15 s, at least 1)\n"
"  -b, --backing WHAT   memfd, ext4-dax-4k or ext4-dax-2m; can be given more\n"
"                       than once (default memfd)\n"
"  -d, --dir DIR        where the files for ext4-dax-* are made: a directory\n"
"                       on ext4 mounted with -o dax=always, with SIZE free\n"
"  -m, --mode MODE      plain or shpt; can be given more than once (default\n"
"                       both)\n"
"  -J, --json[=FILE]    print JSON; or the tables, and JSON to FILE\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"What is measured, with the names that JSON has:\n"
"  page_table_bytes     rise of PageTables in /proc/meminfo from 'all workers\n"
"                       have mapped, nothing is touched' to 'all have scanned,\n"
"                       all are alive'. Counts the whole machine: run nothing\n"
"                       else meanwhile.\n"
"  first_scan_seconds, later_scan_seconds_median\n"
"                       time to read one word of each 4 KiB page. The first\n"
"                       worker scans alone and finds no tables filled; then\n"
"                       later ones, each alone. After 4 s, and 3 of them, the\n"
"                       rest scan all at once and are not timed.\n"
"  later_scans_timed    how many that median is over, in all rounds\n"
"  first_faults, later_faults_max\n"
"                       page faults of a scan, minor and major; the most that\n"
"                       any later worker took, timed or not\n"
"  fork_to_first_byte_seconds_median\n"
"                       from fork(2) in a worker that has scanned everything to\n"
"                       its child's having read one byte of the mapping\n"
"  exit_seconds         from telling all workers to exit, without unmapping\n"
"                       first, to having waited for the last\n"
"  verify_errors        wrong words: what a scan read, what a worker found of\n"
"                       the others' words, what read(2) found of them; should\n"
"                       be 0. The sum of all rounds.\n"
"Of several rounds the median is taken, for later_faults_max the largest.\n"
"\n"
"The file is filled with data before any worker maps it, so mapping is measured\n"
"and not allocation. In mode shpt a mapping that cannot be shared ends the\n"
"program; it never measures an ordinary one instead. An ext4-dax file is laid\n"
"out so that only 4 KiB, or only 2 MiB, entries can map it; the faults of an\n"
"ordinary mapping prove that before it is measured. 2 MiB entries may need a\n"
"file system made with: mkfs.ext4 -b 4096 -E stride=512,stripe_width=512\n"
"\n"
"Exit status: 0 measured and verified; 1 an error, or verify_errors is not 0;\n"
"2 wrong usage.\n"
"\n"
"Example:\n"
"  shpt-bench workers -n 64 -s 1G -b memfd -b ext4-dax-4k -d /mnt/pmem\n";

static double program_start;
static bool progress_shown;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

void progress(const char *format, ...)
{
	static double last;
	double t = now();
	va_list args;

	if (!isatty(STDERR_FILENO) || t - program_start < 2 || t - last < 0.2)
		return;
	last = t;
	progress_shown = true;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void progress_end(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

void die(const char *format, ...)
{
	va_list args;

	progress_end();
	fputs("shpt-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

void usage(const char *format, ...)
{
	va_list args;

	fputs("shpt-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'shpt-bench --help'.\n", stderr);
	exit(EXIT_USAGE);
}

uint64_t parse_size(const char *text)
{
	unsigned long long value;
	int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	switch (*end) {
	case 'G':
		shift = 30;
		break;
	case 'M':
		shift = 20;
		break;
	case 'K':
		shift = 10;
		break;
	}
	if (shift)
		end++;
	if (errno || *end || end == text || *text == '-' ||
	    value > (unsigned long long)INT64_MAX >> shift)
		usage("'%s' is not a size: a number with K, M or G", text);
	value <<= shift;
	if (!value || value % PMD_BYTES)
		usage("size %s is not a multiple of 2M", text);
	return value;
}

unsigned int parse_number(const char *what, const char *text, unsigned int min,
			  unsigned int max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < min || value > max)
		usage("%s: '%s' is not a number from %u to %u", what, text, min,
		      max);
	return value;
}

static void choose(const char *what, const char *text,
		   const char *const names[], int n, bool chosen[])
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(text, names[i])) {
			chosen[i] = true;
			return;
		}
	}
	usage("unknown %s '%s'", what, text);
}

static bool any(const bool chosen[], int n)
{
	for (int i = 0; i < n; i++)
		if (chosen[i])
			return true;
	return false;
}

/* Looks at the options together, and fills in what was left out. */
static void complete(struct workers_options *options)
{
	if (options->bytes / PAGE < options->workers)
		usage("%u workers need a file of as many pages, but %llu KiB "
		      "has %llu",
		      options->workers, (unsigned long long)options->bytes >> 10,
		      (unsigned long long)(options->bytes / PAGE));
	if (!any(options->backings, BACKINGS))
		options->backings[MEMFD] = true;
	if (!any(options->modes, MODES))
		memset(options->modes, true, sizeof(options->modes));
}

/* Returns -1 or, where nothing is left to do, the exit status. */
static int parse_workers(int argc, char **argv, struct workers_options *options)
{
	static const struct option long_options[] = {
		{ "workers", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "backing", required_argument, NULL, 'b' },
		{ "dir", required_argument, NULL, 'd' },
		{ "mode", required_argument, NULL, 'm' },
		{ "json", optional_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "n:s:r:b:d:m:JhV", long_options,
				NULL)) != -1) {
		switch (c) {
		case 'n':
			options->workers =
				parse_number("workers", optarg, 2, MAX_WORKERS);
			break;
		case 's':
			options->bytes = parse_size(optarg);
			break;
		case 'r':
			options->rounds =
				parse_number("rounds", optarg, 1, MAX_ROUNDS);
			break;
		case 'b':
			choose("backing", optarg, backing_names, BACKINGS,
			       options->backings);
			break;
		case 'd':
			options->dir = optarg;
			break;
		case 'm':
			choose("mode", optarg, mode_names, MODES,
			       options->modes);
			break;
		case 'J':
			options->json = true;
			options->json_path = optarg;
			break;
		case 'h':
			fputs(workers_help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shpt-bench " VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'shpt-bench workers --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		usage("unexpected argument '%s'", argv[optind]);
	return -1;
}

static int workers(int argc, char **argv)
{
	struct workers_options options = { .workers = 64, .bytes = 1ULL << 30 };
	int status = parse_workers(argc, argv, &options);
	struct result results[BACKINGS * MODES];
	bool wrong = false;
	size_t n = 0;

	if (status >= 0)
		return status;
	complete(&options);
	for (int kind = 0; kind < BACKINGS; kind++) {
		struct backing backing = { .kind = kind,
					   .bytes = options.bytes };

		if (!options.backings[kind])
			continue;
		backing_make(&backing, options.dir);
		n += workers_run(&options, &backing, results + n);
		close(backing.fd);
	}
	progress_end();

	if (!options.json || options.json_path)
		report_table(results, n);
	if (options.json)
		report_json(options.json_path, results, n);
	for (size_t i = 0; i < n; i++)
		wrong |= results[i].verify_errors != 0;
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} scenarios[] = {
	{ "map", map_main },
	{ "workers", workers },
};

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	program_start = now();
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		int status;

		if (strcmp(word, scenarios[i].name) != 0)
			continue;
		/* What getopt(3) begins its messages with. */
		argv[1] = argv[0];
		status = scenarios[i].run(argc - 1, argv + 1);
		if (fflush(stdout) || ferror(stdout))
			die("cannot write the results: %s", strerror(errno));
		return status;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		puts("shpt-bench " VERSION);
		return EXIT_SUCCESS;
	}
	if (argc > 1)
		usage("unknown scenario '%s'", word);
	usage("which scenario? There are: map, workers");
}
