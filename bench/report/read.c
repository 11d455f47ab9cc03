// SPDX-License-Identifier: GPL-2.0-or-later
/* read.c - read the results of scenarios, and refuse what is none */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recordings.h"

#define SCHEMA 1

static const char *reading; /* the file, for messages */

/* An object in the file, and where it is. */
struct node {
	json_t *json;
	char place[256]; /* "series[3]." */
};

_Noreturn static void refuse(const struct node *node, const char *name,
			     const char *problem)
{
	die("%s: %s%s: %s", reading, node->place, name, problem);
}

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",
		[JSON_STRING] = "a string",  [JSON_INTEGER] = "a whole number",
		[JSON_REAL] = "a number",    [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

_Noreturn static void refuse_type(const struct node *node, const char *name,
				  const json_t *value, const char *wanted)
{
	die("%s: %s%s: is %s, but has to be %s", reading, node->place, name,
	    type_name(value), wanted);
}

static json_t *member(const struct node *node, const char *name)
{
	json_t *value = json_object_get(node->json, name);

	if (!value)
		refuse(node, name, "is missing");
	return value;
}

/* They go into tables, pages and scripts, where one would do harm. */
static bool has_control_characters(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return true;
	return false;
}

static const char *get_text(const struct node *node, const char *name)
{
	const json_t *value = member(node, name);

	if (!json_is_string(value))
		refuse_type(node, name, value, "a string");
	if (has_control_characters(json_string_value(value)))
		refuse(node, name, "has control characters");
	return json_string_value(value);
}

/* No machine has so much of anything, and an axis has to reach there. */
#define MOST 1e30

static double check_number(const struct node *node, const char *name,
			   const json_t *value)
{
	if (!json_is_number(value))
		refuse_type(node, name, value, "a number");
	if (fabs(json_number_value(value)) > MOST)
		refuse(node, name, "is more than 1e30");
	return json_number_value(value);
}

static double get_number(const struct node *node, const char *name)
{
	return check_number(node, name, member(node, name));
}

static json_int_t get_integer(const struct node *node, const char *name)
{
	const json_t *value = member(node, name);

	if (!json_is_integer(value))
		refuse_type(node, name, value, "a whole number");
	if (json_integer_value(value) < 0)
		refuse(node, name, "is negative");
	return json_integer_value(value);
}

static bool get_bool(const struct node *node, const char *name)
{
	const json_t *value = member(node, name);

	if (!json_is_boolean(value))
		refuse_type(node, name, value, "true or false");
	return json_is_true(value);
}

static json_t *get_list(const struct node *node, const char *name)
{
	json_t *value = member(node, name);

	if (!json_is_array(value))
		refuse_type(node, name, value, "a list");
	return value;
}

static struct node get_object(const struct node *node, const char *name)
{
	struct node object = { .json = member(node, name) };

	if (!json_is_object(object.json))
		refuse_type(node, name, object.json, "an object");
	snprintf(object.place, sizeof(object.place), "%.100s%.100s.",
		 node->place, name);
	return object;
}

/* Element i of the list that the file has under this name. */
static struct node get_element(const struct node *root, const char *name,
			       size_t i)
{
	struct node object = { .json = json_array_get(get_list(root, name),
						      i) };
	char place[32];

	snprintf(place, sizeof(place), "%s[%zu]", name, i);
	if (!json_is_object(object.json))
		refuse_type(root, place, object.json, "an object");
	snprintf(object.place, sizeof(object.place), "%s.", place);
	return object;
}

static void *allocate(size_t n, size_t size)
{
	void *array = calloc(n + 1, size);

	if (!array)
		die("no memory for what is in %s", reading);
	return array;
}

static size_t get_word(const struct node *node, const char *name,
		       const char *const words[], size_t n, const char *wanted)
{
	const char *text = get_text(node, name);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return i;
	refuse(node, name, wanted);
}

static enum unit get_unit(const struct node *node)
{
	return get_word(node, "unit", unit_names, PER_SECOND + 1,
			"has to be seconds, bytes, count or per_second");
}

static bool get_better(const struct node *node)
{
	static const char *const words[] = { "lower", "higher" };

	return get_word(node, "better", words, 2, "has to be lower or higher");
}

static void check_scalar(const struct node *node, const char *name,
			 const json_t *value)
{
	if (json_is_object(value) || json_is_array(value))
		refuse_type(node, name, value,
			    "a number, a word or a list of these");
	if (json_is_string(value) &&
	    has_control_characters(json_string_value(value)))
		refuse(node, name, "has control characters");
}

static void check_value(const struct node *node, const char *name,
			const json_t *value)
{
	if (!json_is_array(value))
		check_scalar(node, name, value);
	for (size_t i = 0; i < json_array_size(value); i++)
		check_scalar(node, name, json_array_get(value, i));
}

/* Whatever they are called: all of them are shown. */
static void check_members(const struct node *root, const char *of,
			  const struct node *node)
{
	const char *name;
	json_t *value;

	json_object_foreach(node->json, name, value) {
		if (has_control_characters(name))
			refuse(root, of, "a name in it has control characters");
		check_value(node, name, value);
	}
}

static void read_parameters(struct recording *run, const struct node *root)
{
	struct node node = get_object(root, "parameters");

	check_members(root, "parameters", &node);
	run->parameters = node.json;
}

static void read_machine(struct recording *run, const struct node *root)
{
	struct node node = get_object(root, "machine");
	static const char *const texts[] = { "kernel",	    "cpu",
					     "accelerator", "shpt",
					     "compiler",    "date" };
	static const char *const numbers[] = { "cpus", "nodes",
					       "memory_bytes" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		get_text(&node, texts[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		get_integer(&node, numbers[i]);
	get_bool(&node, "module");
	run->emulated = get_bool(&node, "emulated");
	check_members(root, "machine", &node);
	run->machine = node.json;
}

static void read_metrics(struct recording *run, const struct node *root)
{
	struct node all = get_object(root, "metrics");
	struct metric *metric;
	const char *name;
	json_t *value;

	metric = run->metrics =
		allocate(json_object_size(all.json), sizeof(*metric));
	json_object_foreach(all.json, name, value) {
		struct node node;

		if (has_control_characters(name))
			refuse(root, "metrics",
			       "a name in it has control characters");
		node = get_object(&all, name);
		*metric++ = (struct metric){
			.name = name,
			.title = get_text(&node, "title"),
			.explanation = get_text(&node, "explanation"),
			.unit = get_unit(&node),
			.more_is_better = get_better(&node),
		};
	}
	run->n_metrics = metric - run->metrics;
}

static const struct metric *get_metric(const struct recording *run,
				       const struct node *node)
{
	const char *name = get_text(node, "metric");

	for (size_t i = 0; i < run->n_metrics; i++) {
		const struct metric *metric = &run->metrics[i];

		if (strcmp(name, metric->name) != 0)
			continue;
		if (get_unit(node) != metric->unit)
			refuse(node, "unit", "is not that of the metric");
		if (get_better(node) != metric->more_is_better)
			refuse(node, "better", "is not that of the metric");
		return metric;
	}
	refuse(node, "metric", "is not one of those in metrics");
}

static void read_rounds(struct point *point, const struct node *node)
{
	const json_t *list = get_list(node, "rounds");

	point->n_rounds = json_array_size(list);
	if (!point->n_rounds)
		refuse(node, "rounds", "is empty");
	point->rounds = allocate(point->n_rounds, sizeof(*point->rounds));
	for (size_t i = 0; i < point->n_rounds; i++) {
		char name[32];

		snprintf(name, sizeof(name), "rounds[%zu]", i);
		point->rounds[i] =
			check_number(node, name, json_array_get(list, i));
		if (point->rounds[i] < point->min ||
		    point->rounds[i] > point->max)
			refuse(node, name, "is not between min and max");
	}
	if (point->median < point->min || point->median > point->max)
		refuse(node, "median", "is not between min and max");
}

bool same_point(const struct point *a, const struct point *b)
{
	return a->x == b->x && a->size_bytes == b->size_bytes &&
	       !strcmp(a->metric->name, b->metric->name) &&
	       !strcmp(a->mode, b->mode) && !strcmp(a->backing, b->backing) &&
	       !strcmp(a->x_name, b->x_name);
}

static void read_point(struct recording *run, const struct node *root, size_t i)
{
	struct node node = get_element(root, "series", i);
	struct node x = get_object(&node, "x");
	struct point *point = &run->points[i];

	*point = (struct point){
		.metric = get_metric(run, &node),
		.mode = get_text(&node, "mode"),
		.backing = get_text(&node, "backing"),
		.x_name = get_text(&x, "name"),
		.x = get_number(&x, "value"),
		.size_bytes = get_integer(&node, "size_bytes"),
		.median = get_number(&node, "median"),
		.min = get_number(&node, "min"),
		.max = get_number(&node, "max"),
		.predicted = NAN,
	};
	if (json_object_get(node.json, "predicted"))
		point->predicted = get_number(&node, "predicted");
	read_rounds(point, &node);
	for (size_t j = 0; j < i; j++) {
		if (!same_point(point, &run->points[j]))
			continue;
		die("%s: series[%zu]: has the metric, mode, backing, size and "
		    "x of series[%zu]",
		    reading, i, j);
	}
}

static void read_skipped(struct recording *run, const struct node *root)
{
	run->skipped = get_list(root, "skipped");
	for (size_t i = 0; i < json_array_size(run->skipped); i++) {
		struct node node = get_element(root, "skipped", i);

		get_text(&node, "mode");
		get_text(&node, "backing");
		get_text(&node, "reason");
	}
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *json;
	FILE *in = fopen(path, "re");

	if (!in)
		die("cannot read %s: %s", path, strerror(errno));
	json = json_loadf(in, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		die("%s: line %d, column %d: %s", path, error.line,
		    error.column, error.text);
	fclose(in);
	return json;
}

static void recording_read(struct recording *run, const char *path,
			   json_t *json)
{
	struct node root = { .json = json };

	reading = path;
	if (!json_is_string(json_object_get(json, "scenario")))
		die("%s: is no result of a scenario of shpt-bench", path);
	if (get_integer(&root, "schema") != SCHEMA)
		refuse(&root, "schema",
		       "is not 1, the only one that this shpt-bench knows");
	run->path = strdup(path);
	run->root = root.json;
	run->scenario = get_text(&root, "scenario");
	run->title = get_text(&root, "title");
	read_machine(run, &root);
	read_parameters(run, &root);
	read_metrics(run, &root);
	read_skipped(run, &root);
	run->complaints = -1;
	if (!json_is_null(member(&root, "kernel_complaints")))
		run->complaints = get_integer(&root, "kernel_complaints");
	run->n_points = json_array_size(get_list(&root, "series"));
	run->points = allocate(run->n_points, sizeof(*run->points));
	for (size_t i = 0; i < run->n_points; i++)
		read_point(run, &root, i);
}

static int is_result(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return *entry->d_name != '.' && dot && !strcmp(dot, ".json");
}

static void read_folder(struct recordings *runs, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_result, alphasort);
	char *file;

	if (n < 0)
		die("cannot read %s: %s", path, strerror(errno));
	if (!n)
		die("%s: no results (*.json) there; shpt-bench SCENARIO "
		    "--json FILE writes one",
		    path);
	runs->list = allocate(n, sizeof(*runs->list));
	for (runs->n = 0; runs->n < (size_t)n; runs->n++) {
		if (asprintf(&file, "%s/%s", path, names[runs->n]->d_name) < 0)
			die("no memory for a name");
		recording_read(&runs->list[runs->n], file, load(file));
		free(names[runs->n]);
		free(file);
	}
	free(names);
}

/* Several in one file, each as if it were the file NAME.json in a folder. */
static void read_joined(struct recordings *runs, const char *path, json_t *all)
{
	const char *name;
	json_t *one;
	char *file;

	runs->list = allocate(json_object_size(all), sizeof(*runs->list));
	json_object_foreach(all, name, one) {
		if (has_control_characters(name))
			die("%s: runs: a name in it has control characters",
			    path);
		if (asprintf(&file, "%s/%s.json", path, name) < 0)
			die("no memory for a name");
		recording_read(&runs->list[runs->n++], file, one);
		free(file);
	}
}

static void read_file(struct recordings *runs, const char *path)
{
	json_t *json = load(path), *all = json_object_get(json, "runs");

	if (json_object_size(all)) {
		read_joined(runs, path, all);
		return;
	}
	runs->list = allocate(1, sizeof(*runs->list));
	runs->n = 1;
	recording_read(runs->list, path, json);
}

void recordings_read(struct recordings *runs, const char *path)
{
	struct stat status;

	reading = path;
	if (stat(path, &status))
		die("cannot read %s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		read_folder(runs, path);
	else
		read_file(runs, path);
}

const char *machine_text(const struct recording *run, const char *name)
{
	return json_string_value(json_object_get(run->machine, name));
}

const char *const machine_identity[] = {
	"cpu",	       "mitigations",  "cpus",
	"nodes",       "memory_bytes", "fault_around_bytes",
	"accelerator", "emulated",     NULL
};

/* What a kernel keeps of the memory for itself differs from one to the next. */
static bool is_as_much(double a, double b)
{
	return fabs(a - b) <= 0.01 * fmax(a, b);
}

bool same_fact(const char *name, const struct recording *a,
	       const struct recording *b)
{
	const json_t *of_a = json_object_get(a->machine, name);
	const json_t *of_b = json_object_get(b->machine, name);

	if (!strcmp(name, "memory_bytes"))
		return is_as_much(json_number_value(of_a),
				  json_number_value(of_b));
	return !of_a || !of_b || json_equal(of_a, of_b);
}

bool same_machine(const struct recording *a, const struct recording *b)
{
	for (const char *const *name = machine_identity; *name; name++)
		if (!same_fact(*name, a, b))
			return false;
	return true;
}

bool made_on_one_machine(const struct recordings *runs)
{
	for (size_t i = 1; i < runs->n; i++)
		if (!same_machine(runs->list, &runs->list[i]))
			return false;
	return true;
}

bool made_under_emulation(const struct recordings *runs)
{
	for (size_t i = 0; i < runs->n; i++)
		if (runs->list[i].emulated)
			return true;
	return false;
}
