// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map.c - scenario "map": what libshpt_map() costs more than mmap(2)
 *
 * Both map and unmap the same, in turn, so that whatever else the machine does
 * falls on both. Nothing is touched: it is the calls that are measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <libshpt.h>
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
"munmap(2), in turn, for anonymous shared memory and a memfd; in a process that\n"
"has no other mappings of libshpt, and in one that has many.\n"
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
	t.p95 = values[(n * 95ULL + 99) / 100 - 1];
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
		progress("%s: round %u of %u", what->name, i, options->rounds);
		by_mmap[i] = time_mmap(what, options->bytes);
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
			      struct map_result results[2])
{
	void **others;

	results[0] = measure(options, what, 0);
	if (!options->others)
		return 1;
	others = map_others(what, options->others);
	results[1] = measure(options, what, options->others);
	for (unsigned int i = 0; i < options->others; i++)
		unmap_shpt(what, others[i], PMD_BYTES);
	free(others);
	return 2;
}

/* For hugetlb the caller has to ask for huge pages; none are taken. */
static size_t measure_all(const struct map_options *options,
			  struct map_result results[4])
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
	n += measure_backing(options, &what, results);
	close(what.fd);

	what.name = "anonymous";
	what.flags |= MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0);
	what.fd = -1;
	n += measure_backing(options, &what, results + n);
	return n;
}

/* ---- the command line ---------------------------------------------------- */

static const char *known_backend(const char *text)
{
	for (uint32_t i = LIBSHPT_BACKEND_PLAIN; i <= LIBSHPT_BACKEND_THP; i++)
		if (!strcmp(text, libshpt_backend_name(i)))
			return text;
	usage("unknown backend '%s'", text);
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
	struct map_result results[4];
	const char *json_path = NULL;
	bool json = false;
	size_t n;
	int c;

	while ((c = getopt_long(argc, argv, "s:r:o:b:JhV", long_options,
				NULL)) != -1) {
		switch (c) {
		case 's':
			options.bytes = parse_size(optarg);
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

	n = measure_all(&options, results);
	progress_end();
	if (!json || json_path)
		report_map_table(results, n);
	if (json)
		report_map_json(json_path, results, n);
	return EXIT_SUCCESS;
}
