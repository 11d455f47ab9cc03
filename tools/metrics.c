// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * metrics.c - shptctl metrics: all numbers, as Prometheus reads them
 *
 * In the text format that node_exporter's textfile collector takes. Those of
 * single regions have names of their own, so that no sum counts them twice.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "causes.h"
#include "processes.h"
#include "shptctl.h"

#define FACTS "sys/class/misc/shpt"

static const char help[] =
"Usage: shptctl metrics [--sysroot DIR]\n"
"\n"
"Print all numbers of the module in the text format of Prometheus, for the\n"
"textfile collector of node_exporter. To be run as root, or the mappings of\n"
"others are not counted.\n"
"\n"
"      --sysroot DIR    read DIR/sys and DIR/proc in place of /sys and /proc\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 printed, also if the module is not loaded; 1 an error; 2 wrong\n"
"usage.\n"
"\n"
"See shptctl-metrics(8).\n";

static const struct metric {
	const char *name; /* behind "shpt_" and "shpt_region_" */
	const char *file;
	const char *type;
	const char *help;
} facts[] = {
	{ "hosts", "hosts", "gauge", "Sets of page tables." },
	{ "guests", "guests", "gauge", "Processes that map a region." },
	{ "links", "links", "gauge",
	  "Chunks of 1 GiB that guests have linked." },
	{ "table_bytes", "table_bytes", "gauge",
	  "Page tables that are shared." },
	{ "parked_bytes", "parked_bytes", "gauge",
	  "Guests' own tables, empty while linked." },
	{ "saved_bytes", "saved_bytes", "gauge",
	  "What guests' own page tables would be at most, less these two." },
	{ "misplaced_total", "misplaced", "counter",
	  "Tables that were allocated on another NUMA node than wanted." },
	{ "faults_served_total", "faults_served", "counter",
	  "Page faults of guests that a host served." },
	{ "flushes_total", "flushes", "counter",
	  "Changes of the shared tables that flushed guests' TLBs." },
	{ "reclaimed_bytes_total", "reclaimed", "counter",
	  "Empty page tables that were given back." },
};
#define FACTS_N (sizeof(facts) / sizeof(*facts))

static void head(const char *prefix, const struct metric *m)
{
	printf("# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, m->name, m->help,
	       prefix, m->name, m->type);
}

/* What is not UTF-8 would have the whole file refused. */
static void print_label(const char *name, const char *value)
{
	json_t *text = json_string(value);

	printf("%s=\"", name);
	for (; text && *value; value++) {
		if (*value == '\n') {
			fputs("\\n", stdout);
			continue;
		}
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
	json_decref(text);
}

static void print_region_labels(const struct libshpt_region *r)
{
	printf("{region=\"%" PRIu64 "\",", r->id);
	print_label("name", r->name);
}

/* ---- the module as a whole ------------------------------------------------- */

static void print_number(int root, const struct metric *m)
{
	char *line = fact_line(root, FACTS "/%s", m->file);

	/* Of an older module that does not know it. */
	if (!line)
		return;
	head("shpt_", m);
	printf("shpt_%s %lld\n", m->name, atoll(line));
	free(line);
}

static void print_causes(int root, const char *dir, const char *name,
			 const struct libshpt_region *r)
{
	struct cause *causes;
	size_t n = causes_read(root, dir, &causes);

	for (size_t i = 0; i < n; i++) {
		fputs(name, stdout);
		if (r)
			print_region_labels(r);
		putchar(r ? ',' : '{');
		print_label("cause", causes[i].name);
		printf("} %" PRId64 "\n", causes[i].unlinks);
	}
	causes_free(causes, n);
}

static const struct metric unlinks = { "unlinks_total", NULL, "counter",
				       "Chunks that were unlinked, by cause." };

static void print_sums(int root)
{
	static const struct metric regions[] = {
		{ "regions", "regions", "gauge",
		  "Files whose page tables are shared." },
		{ "registered_regions", "registered", "gauge",
		  "Regions that are kept without guests." },
	};

	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
		print_number(root, &regions[i]);
	for (size_t i = 0; i < FACTS_N; i++)
		print_number(root, &facts[i]);
	head("shpt_", &unlinks);
	print_causes(root, FACTS, "shpt_unlinks_total", NULL);
}

/* ---- its regions ----------------------------------------------------------- */

static void print_info(const struct libshpt_region *regions, size_t n)
{
	static const struct metric info = { "info", NULL, "gauge",
					    "1 for each region; backing is its "
					    "file." };
	static const struct metric size = { "size_bytes", NULL, "gauge",
					    "Size of the file." };

	head("shpt_region_", &info);
	for (size_t i = 0; i < n; i++) {
		fputs("shpt_region_info", stdout);
		print_region_labels(&regions[i]);
		putchar(',');
		print_label("backing", regions[i].backing);
		puts("} 1");
	}
	head("shpt_region_", &size);
	for (size_t i = 0; i < n; i++) {
		fputs("shpt_region_size_bytes", stdout);
		print_region_labels(&regions[i]);
		printf("} %" PRIu64 "\n", regions[i].backing_bytes);
	}
}

static void print_region_facts(int root, const struct libshpt_region *regions,
			       size_t n, const struct metric *m)
{
	head("shpt_region_", m);
	for (size_t i = 0; i < n; i++) {
		char *line = fact_line(root, FACTS "/region/%" PRIu64 "/%s",
				       regions[i].id, m->file);

		if (!line)
			continue;
		printf("shpt_region_%s", m->name);
		print_region_labels(&regions[i]);
		printf("} %lld\n", atoll(line));
		free(line);
	}
}

static void print_regions(int root)
{
	struct libshpt_region *regions;
	size_t n = regions_read(root, &regions);

	if (n)
		print_info(regions, n);
	for (size_t i = 0; n && i < FACTS_N; i++)
		print_region_facts(root, regions, n, &facts[i]);
	if (n)
		head("shpt_region_", &unlinks);
	for (size_t i = 0; i < n; i++) {
		char *dir = print(FACTS "/region/%" PRIu64, regions[i].id);

		print_causes(root, dir, "shpt_region_unlinks_total",
			     &regions[i]);
		free(dir);
	}
	free(regions);
}

/* ---- processes ------------------------------------------------------------- */

/* Mappings that the library would have shared if it could. */
static size_t count_ordinary(int root, const struct process *p)
{
	size_t least = process_min_bytes(root, p->pid), n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct process_mapping *m = &p->mappings[i];

		n += m->end - m->start >= least &&
		     mapping_kind(root, p->pid, m);
	}
	return n;
}

static void print_processes(int root)
{
	static const struct metric ordinary = {
		"fallback_mappings", NULL, "gauge",
		"Mappings on tmpfs or DAX that are not shared, of "
		"LIBSHPT_MIN_SIZE or more (default 64 MiB), in processes that "
		"use libshpt."
	};
	static const struct metric unreadable = {
		"unreadable_processes", NULL, "gauge",
		"Processes that could not be looked at."
	};
	size_t n_ordinary = 0, n_unreadable = 0, n;
	pid_t *pids;

	n = pids_read(root, &pids);
	for (size_t i = 0; i < n; i++) {
		struct process p;

		if (!process_read(root, pids[i], &p))
			n_unreadable++;
		else if (process_library(&p))
			n_ordinary += count_ordinary(root, &p);
		process_free(&p);
	}
	free(pids);
	head("shpt_", &ordinary);
	printf("shpt_fallback_mappings %zu\n", n_ordinary);
	head("shpt_", &unreadable);
	printf("shpt_unreadable_processes %zu\n", n_unreadable);
}

static void print_metrics(int root)
{
	static const struct metric loaded = {
		"module_loaded", NULL, "gauge",
		"Whether the module is loaded: without it only this and what "
		"is found in /proc is told."
	};

	head("shpt_", &loaded);
	printf("shpt_module_loaded %d\n", shpt_is_loaded(root));
	if (shpt_is_loaded(root)) {
		print_sums(root);
		print_regions(root);
	}
	print_processes(root);
}

int metrics(int argc, char **argv)
{
	enum { SYSROOT = 256 };
	static const struct option options[] = {
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	const char *path = "/";
	int c, root;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case SYSROOT:
			path = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl metrics --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl metrics --help",
		    argv[optind]);
	root = sysroot_open(path);
	print_metrics(root);
	close(root);
	return EXIT_SUCCESS;
}
