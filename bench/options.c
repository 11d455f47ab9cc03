// SPDX-License-Identifier: GPL-2.0-or-later
/* options.c - the command line of a scenario: common options and its own */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "bench.h"

enum { STRIDE = 256, CSV, OWN };

/* ---- values -------------------------------------------------------------- */

static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	unsigned long long value;
	const char *unit;
	int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = (int)(unit - units + 1) * 10;
		end++;
	}
	if (errno || *end || end == text || *text == '-' || !value ||
	    value > (unsigned long long)INT64_MAX >> shift)
		usage("'%s' is not a size: a number with K, M, G or T", text);
	return value << shift;
}

uint64_t parse_number(const char *what, const char *text, uint64_t min,
		      uint64_t max)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*end || end == text || *text == '-' || value < min || value > max)
		usage("%s: '%s' is not a number from %llu to %llu", what, text,
		      (unsigned long long)min, (unsigned long long)max);
	return value;
}

uint64_t parse_file_size(const char *text)
{
	uint64_t size = parse_size(text);

	if (size % PMD_BYTES)
		usage("size %s is not a multiple of 2M", text);
	return size;
}

static uint64_t parse_stride(const char *text)
{
	uint64_t stride = parse_size(text);

	if (stride % PAGE || (stride > PAGE && stride % PMD_BYTES))
		usage("stride %s is neither 4K nor a multiple of 2M", text);
	return stride;
}

/* Calls take() with each word of a list with commas. */
static void each(const char *text, void (*take)(struct run *, const char *),
		 struct run *run)
{
	char *words = strdup(text), *rest = words, *one;

	if (!words)
		die("no memory for the command line");
	while ((one = strsep(&rest, ",")))
		take(run, one);
	free(words);
}

static void add(struct list *list, uint64_t value, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->values[i] == value)
			usage("%s is in a list twice", text);
	if (list->n == ARRAY_SIZE(list->values))
		usage("a list has more than %zu elements",
		      ARRAY_SIZE(list->values));
	list->values[list->n++] = value;
}

static void take_x(struct run *run, const char *text)
{
	add(&run->xs,
	    parse_number(run->scenario->x, text, 1, run->scenario->max_x),
	    text);
}

static void take_size(struct run *run, const char *text)
{
	add(&run->sizes, parse_file_size(text), text);
}

static void take_backing(struct run *run, const char *text)
{
	bool known = !strcmp(text, "all");

	for (int i = 0; i < BACKINGS; i++)
		if (!strcmp(text, "all") || !strcmp(text, backing_names[i]))
			known = run->backings[i] = true;
	if (!known)
		usage("unknown backing '%s'", text);
}

static void take_mode(struct run *run, const char *text)
{
	for (int i = 0; run->scenario->modes[i]; i++) {
		if (!strcmp(text, run->scenario->modes[i]->name)) {
			run->modes[i] = true;
			return;
		}
	}
	usage("%s has no mode '%s'", run->scenario->name, text);
}

/* What a path is says what it is for. */
static void take_dir(const char *path)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) || statfs(path, &fs))
		usage("--dir %s: %s", path, strerror(errno));
	if (S_ISCHR(st.st_mode))
		file_dirs[DEVICE_DAX] = path;
	else if (!S_ISDIR(st.st_mode))
		usage("--dir %s: neither a folder nor a device-dax", path);
	else if (fs.f_type == EXT4_SUPER_MAGIC)
		file_dirs[EXT4_DAX_2M] = file_dirs[EXT4_DAX_4K] = path;
	else if (fs.f_type == XFS_SUPER_MAGIC)
		file_dirs[XFS_DAX_2M] = file_dirs[XFS_DAX_4K] = path;
	else if (fs.f_type == TMPFS_MAGIC)
		file_dirs[TMPFS] = path;
	else
		usage("--dir %s: neither ext4, xfs nor tmpfs", path);
}

/* ---- the command line ---------------------------------------------------- */

static const struct option common[] = {
	{ "mode", required_argument, NULL, 'm' },
	{ "backing", required_argument, NULL, 'b' },
	{ "dir", required_argument, NULL, 'd' },
	{ "size", required_argument, NULL, 's' },
	{ "stride", required_argument, NULL, STRIDE },
	{ "rounds", required_argument, NULL, 'r' },
	{ "json", required_argument, NULL, 'J' },
	{ "csv", required_argument, NULL, CSV },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
};

/* A scenario without files has no options that are about them. */
static bool has_option(const struct scenario *s, int c)
{
	switch (c) {
	case 'b':
	case 'd':
		return s->backings;
	case 's':
		return s->sizes;
	case STRIDE:
		return s->stride;
	default:
		return true;
	}
}

static void list_options(const struct scenario *s, struct option *all)
{
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (has_option(s, common[i].val))
			*all++ = common[i];
	*all++ = (struct option){ s->x, required_argument, NULL, 'n' };
	for (int i = 0; s->parameters && s->parameters[i].name; i++)
		*all++ = (struct option){ s->parameters[i].name,
					  required_argument, NULL, OWN + i };
	*all = (struct option){ 0 };
}

static void take_own(struct run *run, int i, const char *text)
{
	const struct parameter *p = &run->scenario->parameters[i];

	if (p->text)
		run->texts[i] = text;
	else if (!strcmp(p->argument, "SIZE"))
		run->parameters[i] = parse_file_size(text);
	else
		run->parameters[i] = parse_number(p->name, text, p->min,
						  p->max);
}

static void take_option(struct run *run, int c, const char *text)
{
	switch (c) {
	case 'm':
		each(text, take_mode, run);
		break;
	case 'b':
		each(text, take_backing, run);
		break;
	case 'd':
		take_dir(text);
		break;
	case 's':
		each(text, take_size, run);
		break;
	case STRIDE:
		run->stride = parse_stride(text);
		break;
	case 'n':
		each(text, take_x, run);
		break;
	case 'r':
		run->rounds = parse_number("rounds", text, 1, MAX_ROUNDS);
		break;
	case 'J':
		run->json = text;
		break;
	case CSV:
		run->csv = text;
		break;
	default:
		take_own(run, c - OWN, text);
	}
}

static bool any(const bool chosen[], int n)
{
	for (int i = 0; i < n; i++)
		if (chosen[i])
			return true;
	return false;
}

/* What was left out is the scenario's own default. */
static void complete(struct run *run)
{
	const struct scenario *s = run->scenario;

	if (!run->xs.n)
		each(s->xs, take_x, run);
	run->all_modes = !any(run->modes, MAX_MODES);
	if (run->all_modes)
		for (size_t i = 0; s->modes[i]; i++)
			run->modes[i] = true;
	if (!any(run->backings, BACKINGS))
		each(s->backings ? s->backings : "memfd", take_backing, run);
	if (!run->sizes.n && s->sizes)
		each(s->sizes, take_size, run);
	if (!run->sizes.n)
		add(&run->sizes, 0, "");
	if (!run->stride)
		run->stride = s->stride ? parse_stride(s->stride) : PAGE;
}

int options_parse(struct run *run, int argc, char **argv)
{
	struct option all[ARRAY_SIZE(common) + MAX_PARAMETERS + 2];
	const struct scenario *s = run->scenario;
	int c;

	run->rounds = s->rounds;
	for (int i = 0; s->parameters && s->parameters[i].name; i++) {
		run->parameters[i] = s->parameters[i].value;
		run->texts[i] = s->parameters[i].text;
	}
	list_options(s, all);
	while ((c = getopt_long(argc, argv, "m:b:d:s:n:r:J:hV", all, NULL)) !=
	       -1) {
		if (c == 'h') {
			help_print(s);
			return EXIT_SUCCESS;
		}
		if (c == 'V') {
			puts("shpt-bench " VERSION);
			return EXIT_SUCCESS;
		}
		if (c == '?' || !has_option(s, c)) {
			fprintf(stderr, "Try 'shpt-bench %s --help'.\n",
				s->name);
			return EXIT_USAGE;
		}
		take_option(run, c, optarg);
	}
	if (optind < argc)
		usage("unexpected argument '%s'", argv[optind]);
	complete(run);
	return -1;
}
