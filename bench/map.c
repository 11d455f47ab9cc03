// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map.c - scenario "map": what libshpt_map() costs more than mmap(2)
 *
 * Both map and unmap the same, in turn, so that whatever else the machine does
 * falls on both; and who begins changes, so that what the one leaves behind is
 * not always the other's. Nothing is touched: it is the calls that are measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libshpt.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define MAX_OTHERS 30000
#define MAX_MAP_ROUNDS 1000000
#define READ_WRITE (PROT_READ | PROT_WRITE)

static const char help[] =
"Usage: shpt-bench map [OPTION...]\n"
"\n"
"Measure what libshpt_map() and libshpt_unmap() take more than mmap(2) and\n"
"munmap(2), in turns that either begins, for anonymous shared memory and a memfd;\n"
"in a process that has no other mappings of libshpt, and in one that has many.\n"
"\n"
"  -s, --size SIZE      what is mapped: a number with K, M or G, a multiple of\n"
"                       2M (default 16G); it takes no memory\n"
"  -r, --rounds N       how often (default 1000)\n"
"  -o, --others N       how many other mappings, of 2 MiB each, in the second\n"
"                       case; 0 leaves it out (default 1000)\n"
"  -b, --backend WHAT   the backend of libshpt that is measured: shpt, hugetlb,\n"
"                       thp or plain (default plain); if it does not serve the\n"
"                       mapping, the program ends\n"
"  -J, --json[=FILE]    print JSON; or the table, and JSON to FILE\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"All figures are nanoseconds for mapping and unmapping once, with the names\n"
"that JSON has:\n"
"  mmap_ns_median, libshpt_ns_median    of all rounds\n"
"  mmap_ns_p95, libshpt_ns_p95          95 of 100 rounds took no longer\n"
"  mmap_ns_first, libshpt_ns_first      the first round; the very first of all\n"
"                                       has libshpt set itself up\n"
"  difference_ns                        of the two medians\n"
"\n"
"Exit status: 0 measured; 1 an error; 2 wrong usage.\n";

struct map_options {
	uint64_t bytes;
	unsigned int rounds;
	unsigned int others;
	const char *backend;
};

/* What mapping and unmapping once took, in nanoseconds. */
struct times {
	double median;
	double p95;
	double first;
};

/* The rounds of one backing, beside so many other mappings of the process. */
struct map_result {
	const char *backing;
	const char *backend;
	uint64_t bytes;
	unsigned int rounds;
	unsigned int others;
	struct times mmap;
	struct times libshpt;
};

/* What is mapped, as both calls take it. */
struct what {
	const char *name;
	int flags;
	int fd;
};

/* ---- measuring ----------------------------------------------------------- */

static void *map_shpt(const struct what *what, uint64_t bytes)
{
	void *p =
		libshpt_map(NULL, bytes, READ_WRITE, what->flags, what->fd, 0);

	if (p == MAP_FAILED)
		die("%s: %s", what->name, libshpt_errormsg());
	return p;
}

static void unmap_shpt(const struct what *what, void *p, uint64_t bytes)
{
	if (libshpt_unmap(p, bytes))
		die("%s: %s", what->name, libshpt_errormsg());
}

/* Ends the program if it is not the backend that was asked for. */
static const char *backend_of(const struct what *what, const void *p,
			      const char *asked)
{
	struct libshpt_info info;
	const char *name;

	if (libshpt_info(p, &info, sizeof(info)))
		die("%s", libshpt_errormsg());
	name = libshpt_backend_name(info.backend);
	if (strcmp(name, asked) != 0)
		die("%s: the backend %s does not serve it: %s", what->name,
		    asked, info.why);
	return name;
}

static double time_mmap(const struct what *what, uint64_t bytes)
{
	double start = now();
	void *p = mmap(NULL, bytes, READ_WRITE, what->flags, what->fd, 0);

	if (p == MAP_FAILED || munmap(p, bytes))
		die("%s: cannot map %llu MiB by mmap(2): %s", what->name,
		    (unsigned long long)bytes >> 20, strerror(errno));
	return (now() - start) * 1e9;
}

static double time_libshpt(const struct what *what, uint64_t bytes)
{
	double start = now();

	unmap_shpt(what, map_shpt(what, bytes), bytes);
	return (now() - start) * 1e9;
}

/* Sorts the values. */
static struct times sum_up(double *values, unsigned int n)
{
	struct times t = { .first = values[0] };

	t.median = median(values, n);
	t.p95 = percentile(values, n, 95);
	return t;
}

static struct map_result measure(const struct map_options *options,
				 const struct what *what, unsigned int others)
{
	struct map_result result = {
		.backing = what->name,
		.bytes = options->bytes,
		.rounds = options->rounds,
		.others = others,
	};
	double *by_mmap = calloc(options->rounds, sizeof(double));
	double *by_libshpt = calloc(options->rounds, sizeof(double));
	void *p;

	if (!by_mmap || !by_libshpt)
		die("no memory for the times of %u rounds", options->rounds);
	for (unsigned int i = 0; i < options->rounds; i++) {
		progress_now("%s: round %u of %u", what->name, i,
			     options->rounds);
		if (i % 2)
			by_libshpt[i] = time_libshpt(what, options->bytes);
		by_mmap[i] = time_mmap(what, options->bytes);
		if (i % 2 == 0)
			by_libshpt[i] = time_libshpt(what, options->bytes);
	}
	result.mmap = sum_up(by_mmap, options->rounds);
	result.libshpt = sum_up(by_libshpt, options->rounds);
	free(by_mmap);
	free(by_libshpt);
	p = map_shpt(what, options->bytes);
	result.backend = backend_of(what, p, options->backend);
	unmap_shpt(what, p, options->bytes);
	return result;
}

/* Of the same file, as a program has that maps its data by pieces. */
static void **map_others(const struct what *what, unsigned int n)
{
	void **others = calloc(n, sizeof(*others));

	if (!others)
		die("no memory for a list of %u mappings", n);
	for (unsigned int i = 0; i < n; i++)
		others[i] = map_shpt(what, PMD_BYTES);
	return others;
}

static size_t measure_backing(const struct map_options *options,
			      const struct what *what,
			      struct map_result list[2])
{
	void **others;

	list[0] = measure(options, what, 0);
	if (!options->others)
		return 1;
	others = map_others(what, options->others);
	list[1] = measure(options, what, options->others);
	for (unsigned int i = 0; i < options->others; i++)
		unmap_shpt(what, others[i], PMD_BYTES);
	free(others);
	return 2;
}

/* For hugetlb the caller has to ask for huge pages; none are taken. */
static size_t measure_all(const struct map_options *options,
			  struct map_result list[4])
{
	bool huge = !strcmp(options->backend, "hugetlb");
	struct what what = { .name = "memfd",
			     .flags = MAP_SHARED | MAP_NORESERVE };
	size_t n = 0;

	if (setenv("LIBSHPT_BACKEND", options->backend, 1))
		die("cannot set LIBSHPT_BACKEND: %s", strerror(errno));
	what.fd = memfd_create("shpt-bench",
			       MFD_CLOEXEC | (huge ? MFD_HUGETLB : 0));
	if (what.fd < 0 || ftruncate(what.fd, options->bytes))
		die("cannot make a memfd of %llu MiB: %s",
		    (unsigned long long)options->bytes >> 20, strerror(errno));
	n += measure_backing(options, &what, list);
	close(what.fd);

	what.name = "anonymous";
	what.flags |= MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0);
	what.fd = -1;
	n += measure_backing(options, &what, list + n);
	return n;
}

/* ---- printing ------------------------------------------------------------ */

static const char *number(char *buf, size_t size, double value)
{
	snprintf(buf, size, "%.0f", value);
	return buf;
}

static const char *const map_columns[] = {
	"backing", "others", "mmap", "p95", "libshpt", "p95", "difference",
};

static void print_table(const struct map_result *list, size_t n)
{
	struct libscols_table *table = scols_new_table();
	char cell[32];

	if (!table)
		die("no memory for a table");
	printf("%llu MiB, backend %s, %u rounds: nanoseconds to map and unmap, "
	       "medians\n",
	       (unsigned long long)list->bytes >> 20, list->backend,
	       list->rounds);
	for (size_t i = 0; i < sizeof(map_columns) / sizeof(*map_columns); i++)
		scols_table_new_column(table, map_columns[i], 0,
				       i ? SCOLS_FL_RIGHT : 0);
	for (const struct map_result *r = list; r < list + n; r++) {
		const double cells[] = {
			r->others,	r->mmap.median,
			r->mmap.p95,	r->libshpt.median,
			r->libshpt.p95, r->libshpt.median - r->mmap.median,
		};
		struct libscols_line *line = scols_table_new_line(table, NULL);

		scols_line_set_data(line, 0, r->backing);
		for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
			scols_line_set_data(line, i + 1,
					    number(cell, sizeof(cell),
						   cells[i]));
	}
	scols_print_table(table);
	scols_unref_table(table);
}

static json_t *json_map_result(const struct map_result *r)
{
	return json_pack("{ss ss sI sI sI sI sI sI sI sI sI sI}",
		"backing", r->backing,
		"backend", r->backend,
		"bytes", (json_int_t)r->bytes,
		"rounds", (json_int_t)r->rounds,
		"others", (json_int_t)r->others,
		"mmap_ns_median", (json_int_t)r->mmap.median,
		"mmap_ns_p95", (json_int_t)r->mmap.p95,
		"mmap_ns_first", (json_int_t)r->mmap.first,
		"libshpt_ns_median", (json_int_t)r->libshpt.median,
		"libshpt_ns_p95", (json_int_t)r->libshpt.p95,
		"libshpt_ns_first", (json_int_t)r->libshpt.first,
		"difference_ns",
		(json_int_t)(r->libshpt.median - r->mmap.median));
}

static void write_list(const char *path, const struct map_result *list,
		       size_t n, json_t *machine)
{
	FILE *out = open_output(path);
	json_t *all = json_array(), *root;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_map_result(&list[i]));
	root = json_pack("{si sO so}", "schema", 1, "machine", machine,
			 "results", all);
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putc('\n', out);
	json_decref(root);
	close_output(out, path);
}

/* ---- the command line ---------------------------------------------------- */

static const char *known_backend(const char *text)
{
	for (uint32_t i = LIBSHPT_BACKEND_PLAIN; i <= LIBSHPT_BACKEND_THP; i++)
		if (!strcmp(text, libshpt_backend_name(i)))
			return text;
	usage("unknown backend '%s'", text);
}

static void measure_and_print(const struct map_options *options, bool json,
			      const char *json_path)
{
	json_t *machine = machine_facts();
	struct map_result list[4];
	size_t n;

	progress_begin(1);
	n = measure_all(options, list);
	progress_end();
	if (!json || json_path)
		print_table(list, n);
	if (json)
		write_list(json_path ? json_path : "-", list, n, machine);
	json_decref(machine);
}

int map_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "others", required_argument, NULL, 'o' },
		{ "backend", required_argument, NULL, 'b' },
		{ "json", optional_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct map_options options = {
		.bytes = 16ULL << 30,
		.rounds = 1000,
		.others = 1000,
		.backend = "plain",
	};
	const char *json_path = NULL;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "s:r:o:b:JhV", long_options,
				NULL)) != -1) {
		switch (c) {
		case 's':
			options.bytes = parse_file_size(optarg);
			break;
		case 'r':
			options.rounds = parse_number("rounds", optarg, 1,
						      MAX_MAP_ROUNDS);
			break;
		case 'o':
			options.others =
				parse_number("others", optarg, 0, MAX_OTHERS);
			break;
		case 'b':
			options.backend = known_backend(optarg);
			break;
		case 'J':
			json = true;
			json_path = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shpt-bench " VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'shpt-bench map --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		usage("unexpected argument '%s'", argv[optind]);
	measure_and_print(&options, json, json_path);
	return EXIT_SUCCESS;
}
