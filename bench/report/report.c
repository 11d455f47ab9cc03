// SPDX-License-Identifier: GPL-2.0-or-later
/* report.c - shpt-bench report: results as a page and as a summary */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recordings.h"

static const char help[] =
"Usage: shpt-bench report [OPTION...] RESULTS\n"
"\n"
"Make a page with tables and pictures of RESULTS: a file that shpt-bench\n"
"SCENARIO --json FILE or quickstart bench --json FILE has written, or a folder\n"
"with such files, *.json. The page needs no other file and no network. A summary\n"
"in Markdown is written beside it, under the same name with .md. gnuplot draws\n"
"the pictures; without it the page has tables only.\n"
"\n"
"  -o, --output FILE    write the page there (default: report.html in the\n"
"                       folder; for a file, its name with .html)\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Exit status: 0 written; 1 an error, such as a file that is no result; 2 wrong\n"
"usage.\n";

/* "a/b.json" with ".html" is "a/b.html"; only that one ending goes. */
static char *with_ending(const char *path, const char *old, const char *new)
{
	size_t length = strlen(path), cut = strlen(old);
	char *result;

	if (length > cut && !strcmp(path + length - cut, old))
		length -= cut;
	if (asprintf(&result, "%.*s%s", (int)length, path, new) < 0)
		die("no memory for a name");
	return result;
}

static char *default_page(const char *path)
{
	struct stat status;
	char *page;

	if (stat(path, &status) || !S_ISDIR(status.st_mode))
		return with_ending(path, ".json", ".html");
	if (asprintf(&page, "%s/report.html", path) < 0)
		die("no memory for a name");
	return page;
}

static void write_file(const char *path, const struct recordings *runs,
		       void (*contents)(FILE *, const struct recordings *))
{
	FILE *out = fopen(path, "we");

	if (!out)
		die("cannot write %s: %s", path, strerror(errno));
	contents(out, runs);
	if (ferror(out) | fclose(out))
		die("cannot write %s: %s", path, strerror(errno));
	printf("%s\n", path);
}

/* As shpt-bench --help has them; what it does not know comes last. */
static size_t rank(const struct recording *run)
{
	size_t i = 0;

	while (scenarios[i] && strcmp(scenarios[i]->name, run->scenario) != 0)
		i++;
	return i;
}

/* Those of one scenario by name: "attach.json", "attach-dax.json". */
static bool goes_before(const struct recording *a, const struct recording *b)
{
	char *name_a = with_ending(a->path, ".json", "");
	char *name_b = with_ending(b->path, ".json", "");
	bool before = rank(a) != rank(b) ? rank(a) < rank(b) :
					   strcmp(name_a, name_b) < 0;

	free(name_a);
	free(name_b);
	return before;
}

static void sort(struct recordings *runs)
{
	for (size_t i = 1; i < runs->n; i++) {
		struct recording run = runs->list[i];
		size_t j = i;

		for (; j && goes_before(&run, &runs->list[j - 1]); j--)
			runs->list[j] = runs->list[j - 1];
		runs->list[j] = run;
	}
}

/* Returns -1 or, where nothing is left to do, the exit status. */
static int parse(int argc, char **argv, char **page)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "o:hV", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			*page = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shpt-bench " VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'shpt-bench report --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		usage("report of which results? Name a folder or a file");
	if (optind + 1 < argc)
		usage("unexpected argument '%s'", argv[optind + 1]);
	return -1;
}

int report_main(int argc, char **argv)
{
	char *page = NULL, *given, *summary;
	struct recordings runs = { 0 };
	int status = parse(argc, argv, &page);

	if (status >= 0)
		return status;
	given = page;
	page = given ?: default_page(argv[optind]);
	summary = with_ending(page, ".html", ".md");
	recordings_read(&runs, argv[optind]);
	sort(&runs);
	for (size_t i = 0; i < runs.n; i++)
		make_figures(&runs.list[i]);
	write_file(page, &runs, html_write);
	write_file(summary, &runs, markdown_write);
	free(summary);
	if (!given)
		free(page);
	return EXIT_SUCCESS;
}
