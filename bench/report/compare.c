// SPDX-License-Identifier: GPL-2.0-or-later
/* compare.c - shpt-bench compare: what changed from some results to others */
#define _GNU_SOURCE
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

static const char help[] =
"Usage: shpt-bench compare [OPTION...] A B\n"
"\n"
"Compare what is measured in both A and B: files that shpt-bench SCENARIO\n"
"--json FILE has written, or folders with such files, of which those with the\n"
"same name are compared. Other machines, parameters, versions and explanations of\n"
"metrics, and emulation, are said on stderr.\n"
"\n"
"  -b, --bytes          print bytes and seconds, without units\n"
"  -c, --changed        leave out what is the same or within noise\n"
"  -J, --json           print JSON\n"
"  -n, --noheadings     print the table's lines and nothing else\n"
"  -o, --output COL[,COL...]\n"
"                       print these columns\n"
"  -r, --raw            print no padding, and what is no plain text as \\xNN\n"
"  -t, --threshold PERCENT\n"
"                       what medians may differ and still be called the same\n"
"                       (default 5)\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"Columns:\n";

static const char help_verdicts[] =
"\n"
"The verdict is one of:\n"
"  same    the medians differ by no more than the threshold\n"
"  noise   they differ by more, but a round of one is within the rounds of the\n"
"          other\n"
"  better, worse\n"
"          they differ by more, and no round of one is within the rounds of the\n"
"          other. Of five rounds each, pure chance does that once in 126 times.\n"
"  unsure  they differ by more, but one has less than five rounds, which says\n"
"          too little of noise: of three each, pure chance has no round of one\n"
"          within those of the other once in ten times\n"
"\n"
"Exit status: 0 nothing is worse; 1 something is, or an error; 2 wrong usage.\n";

static enum verdict judge(const struct point *a, const struct point *b,
			  double threshold)
{
	double change = b->median - a->median;
	bool higher = a->metric->more_is_better;

	if (fabs(change) <= threshold * fabs(a->median))
		return SAME;
	if (!enough_rounds(a, b))
		return UNSURE;
	if (a->min <= b->max && b->min <= a->max)
		return NOISE;
	return (change > 0) == higher ? BETTER : WORSE;
}

static bool is_one_file(const struct recordings *runs, const char *path)
{
	return runs->n == 1 && !strcmp(runs->list->path, path);
}

/* Two files are compared as they are, those of folders with their namesakes. */
static const struct recording *counterpart(const struct comparison *c, int side,
					   const struct recording *run)
{
	const struct recordings *others = &c->sides[!side];
	bool any_name = is_one_file(&c->sides[0], c->paths[0]) &&
			is_one_file(&c->sides[1], c->paths[1]);

	for (size_t i = 0; i < others->n; i++) {
		const struct recording *other = &others->list[i];

		if (!strcmp(run->scenario, other->scenario) &&
		    (any_name ||
		     !strcmp(basename(run->path), basename(other->path))))
			return other;
	}
	return NULL;
}

static const struct point *find(const struct recording *run,
				const struct point *point)
{
	for (size_t i = 0; run && i < run->n_points; i++)
		if (same_point(&run->points[i], point))
			return &run->points[i];
	return NULL;
}

/* ---- what else differs -------------------------------------------------- */

/* Once each: the same is to be said of most of the scenarios. */
static void add_difference(struct comparison *c, const char *what,
			   const char *scenario, const char *name, json_t *a,
			   json_t *b)
{
	json_t *one = json_pack("{ss ss* ss sO? sO?}", "what", what, "scenario",
				scenario, "name", name, "a", a, "b", b);

	for (size_t i = 0; i < json_array_size(c->differences); i++) {
		if (!json_equal(json_array_get(c->differences, i), one))
			continue;
		json_decref(one);
		return;
	}
	json_array_append_new(c->differences, one);
}

static bool decides_times(const char *name)
{
	for (const char *const *one = machine_identity; *one; one++)
		if (!strcmp(*one, name))
			return true;
	return false;
}

/* Who explains a figure in other words may have another way to measure it. */
static void compare_metrics(struct comparison *c, const struct recording *run,
			    const struct metric *a, const struct metric *b)
{
	json_t *of_a, *of_b;

	if (!strcmp(a->explanation, b->explanation))
		return;
	of_a = json_string(a->explanation);
	of_b = json_string(b->explanation);
	add_difference(c, "metric", run->scenario, a->name, of_a, of_b);
	json_decref(of_a);
	json_decref(of_b);
}

static void add_differences(struct comparison *c, const struct recording *a,
			    const struct recording *b)
{
	const char *name;
	json_t *value;

	json_object_foreach(a->machine, name, value) {
		json_t *other = json_object_get(b->machine, name);

		if (strcmp(name, "date") != 0 && !same_fact(name, a, b))
			add_difference(
				c, decides_times(name) ? "machine" : "version",
				NULL, name, value, other);
	}
	json_object_foreach(a->parameters, name, value) {
		json_t *other = json_object_get(b->parameters, name);

		if (!json_equal(value, other))
			add_difference(c, "parameter", a->scenario, name, value,
				       other);
	}
	json_object_foreach(b->parameters, name, value) {
		if (!json_object_get(a->parameters, name))
			add_difference(c, "parameter", a->scenario, name, NULL,
				       value);
	}
}

static void say_difference(const json_t *one, const char *what)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	const char *scenario =
		json_string_value(json_object_get(one, "scenario"));
	char *a = format_json(name, json_object_get(one, "a"));
	char *b = format_json(name, json_object_get(one, "b"));

	if (!strcmp(what, "metric"))
		fprintf(stderr,
			"shpt-bench: %s: %s is explained in other words (see "
			"metrics in the files): it may have been measured in "
			"another way\n",
			scenario, name);
	else
		fprintf(stderr, "shpt-bench: differs: %s%s%s: %s against %s\n",
			scenario ?: "", scenario ? ": " : "", name, a, b);
	free(a);
	free(b);
}

static void say_differences(const struct comparison *c)
{
	bool machines = false;

	for (size_t i = 0; i < json_array_size(c->differences); i++) {
		const json_t *one = json_array_get(c->differences, i);
		const char *what =
			json_string_value(json_object_get(one, "what"));

		machines |= !strcmp(what, "machine");
		say_difference(one, what);
	}
	if (machines)
		fputs("shpt-bench: these are not the same machine: times do not "
		      "compare\n",
		      stderr);
	for (int side = 0; side < 2; side++)
		if (made_under_emulation(&c->sides[side]))
			fprintf(stderr,
				"shpt-bench: %s was measured under emulation: "
				"its times follow the machine below\n",
				c->paths[side]);
}

/* ---- finding the pairs -------------------------------------------------- */

json_t *json_key(const struct recording *run, const struct point *p)
{
	return json_pack("{ss ss ss ss ss s{ss sf} sI}", "file",
			 basename(run->path), "scenario", run->scenario,
			 "metric", p->metric->name, "mode", p->mode, "backing",
			 p->backing, "x", "name", p->x_name, "value", p->x,
			 "size_bytes", (json_int_t)p->size_bytes);
}

static size_t count_points(const struct recordings *runs)
{
	size_t n = 0;

	for (size_t i = 0; i < runs->n; i++)
		n += runs->list[i].n_points;
	return n;
}

/* Whatever is in A only or in B only is listed, the rest judged once. */
static void match(struct comparison *c, int side, const struct recording *run)
{
	const struct recording *theirs = counterpart(c, side, run);
	size_t matches = 0;

	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *p = &run->points[i];
		const struct point *other = find(theirs, p);

		if (!other) {
			json_array_append_new(c->only[side], json_key(run, p));
			continue;
		}
		matches++;
		if (side)
			continue;
		if (other->metric->unit != p->metric->unit ||
		    other->metric->more_is_better != p->metric->more_is_better)
			die("%s and %s differ in the unit of a metric, or in "
			    "which way is better: they are of different "
			    "versions of shpt-bench",
			    run->path, theirs->path);
		c->pairs[c->n] = (struct pair){ run, p, other,
						judge(p, other, c->threshold) };
		c->counts[c->pairs[c->n++].verdict]++;
		compare_metrics(c, run, p->metric, other->metric);
	}
	if (matches && !side)
		add_differences(c, run, theirs);
}

static void compare(struct comparison *c)
{
	c->pairs = calloc(count_points(&c->sides[0]) + 1, sizeof(*c->pairs));
	c->differences = json_array();
	c->only[0] = json_array();
	c->only[1] = json_array();
	if (!c->pairs || !c->differences || !c->only[0] || !c->only[1])
		die("no memory for what is compared");
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < c->sides[side].n; i++)
			match(c, side, &c->sides[side].list[i]);
	if (!c->n)
		die("%s and %s have no measurement in common", c->paths[0],
		    c->paths[1]);
}

/* ---- the command line --------------------------------------------------- */

static double parse_percent(const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || *end || !(percent >= 0 && percent <= 1000))
		usage("threshold: '%s' is not a number from 0 to 1000", text);
	return percent / 100;
}

static int print_help(void)
{
	fputs(help, stdout);
	print_columns_help();
	fputs(help_verdicts, stdout);
	return EXIT_SUCCESS;
}

/* Returns -1 or, where nothing is left to do, the exit status. */
static int parse(int argc, char **argv, double *threshold,
		 struct print_options *o)
{
	static const struct option options[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "changed", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "raw", no_argument, NULL, 'r' },
		{ "threshold", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "bcJno:rt:hV", options, NULL)) !=
	       -1) {
		switch (c) {
		case 'b':
			o->bytes = true;
			break;
		case 'c':
			o->changed = true;
			break;
		case 'J':
			o->json = true;
			break;
		case 'n':
			o->noheadings = true;
			break;
		case 'o':
			choose_columns(o, optarg);
			break;
		case 'r':
			o->raw = true;
			break;
		case 't':
			*threshold = parse_percent(optarg);
			break;
		case 'h':
			return print_help();
		case 'V':
			puts("shpt-bench " VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'shpt-bench compare --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind + 2 > argc)
		usage("compare what? Name two files or folders");
	if (optind + 2 < argc)
		usage("unexpected argument '%s'", argv[optind + 2]);
	return -1;
}

int compare_main(int argc, char **argv)
{
	struct print_options options = { 0 };
	struct comparison c = { .threshold = 0.05 };
	int status = parse(argc, argv, &c.threshold, &options);

	if (status >= 0)
		return status;
	for (int side = 0; side < 2; side++) {
		c.paths[side] = argv[optind + side];
		recordings_read(&c.sides[side], c.paths[side]);
	}
	compare(&c);
	say_differences(&c);
	for (int side = 0; side < 2; side++)
		if (json_array_size(c.only[side]))
			fprintf(stderr, "shpt-bench: only in %s: %zu\n",
				c.paths[side], json_array_size(c.only[side]));
	print_comparison(&options, &c);
	return c.counts[WORSE] ? EXIT_FAILURE : EXIT_SUCCESS;
}
