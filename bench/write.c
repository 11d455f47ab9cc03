// SPDX-License-Identifier: GPL-2.0-or-later
/* write.c - writes the results as JSON and CSV, for programs */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

const char *const unit_names[] = {
	[SECONDS] = "seconds",
	[BYTES] = "bytes",
	[COUNT] = "count",
	[PER_SECOND] = "per_second",
};

static const char *better(const struct metric *metric)
{
	return metric->more_is_better ? "higher" : "lower";
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *json_metrics(const struct scenario *scenario)
{
	json_t *all = json_object();

	for (const struct metric *m = scenario->metrics; m->name; m++)
		json_object_set_new(all, m->name,
			json_pack("{ss ss ss ss}", "title", m->title,
				  "explanation", m->explanation, "unit",
				  unit_names[m->unit], "better", better(m)));
	return all;
}

static json_t *json_series(const struct run *run, const struct series *s)
{
	json_t *rounds = json_array(), *one;

	for (unsigned int i = 0; i < s->n; i++)
		json_array_append_new(rounds, json_real(s->rounds[i]));
	one = json_pack("{ss ss ss ss ss s{ss sI} sI so sf sf sf}",
		"metric", s->metric->name,
		"unit", unit_names[s->metric->unit],
		"better", better(s->metric),
		"mode", s->mode->name,
		"backing", run->scenario->backings ?
			backing_names[s->backing] : "none",
		"x", "name", run->scenario->x, "value", (json_int_t)s->x,
		"size_bytes", (json_int_t)s->bytes,
		"rounds", rounds,
		"median", s->median, "min", s->min, "max", s->max);
	if (s->has_prediction)
		json_object_set_new(one, "predicted", json_real(s->predicted));
	return one;
}

/* All metrics of a mode, backing, size and x, in the element that has them. */
static json_t *place_of(json_t *all, const struct run *run,
			const struct series *s)
{
	const char *backing = run->scenario->backings ?
				      backing_names[s->backing] : "none";
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one) {
		const char *mode, *on;
		json_int_t x, bytes;

		if (!json_unpack(one, "{ss ss sI sI}", "mode", &mode, "backing",
				 &on, "bytes", &bytes, run->scenario->x, &x) &&
		    !strcmp(mode, s->mode->name) && !strcmp(on, backing) &&
		    (uint64_t)bytes == s->bytes && x == s->x)
			return one;
	}
	one = json_pack("{ss ss sI sI sI}", "backing", backing, "mode",
			s->mode->name, run->scenario->x, (json_int_t)s->x,
			"rounds", (json_int_t)s->n, "bytes",
			(json_int_t)s->bytes);
	json_array_append_new(all, one);
	return one;
}

static json_t *json_number(enum unit unit, double value)
{
	return unit == BYTES || unit == COUNT ?
		       json_integer((json_int_t)(value + 0.5)) :
		       json_real(value);
}

static json_t *json_results(const struct run *run)
{
	json_t *all = json_array();

	for (const struct series *s = results.series;
	     s < results.series + results.n; s++)
		json_object_set_new(place_of(all, run, s), s->metric->name,
				    json_number(s->metric->unit, s->median));
	return all;
}

static json_t *json_list(const struct list *list)
{
	json_t *all = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(all, json_integer(list->values[i]));
	return all;
}

/* Who named none has asked for those that there can be. */
static bool was_asked_for(const struct run *run, const struct mode *mode)
{
	bool asked = !run->all_modes;

	for (size_t i = 0; i < results.n; i++)
		asked |= results.series[i].mode == mode;
	for (size_t i = 0; i < results.n_skipped; i++)
		asked |= !strcmp(results.skipped[i].mode, mode->name);
	return asked;
}

static json_t *json_parameters(const struct run *run)
{
	const struct scenario *s = run->scenario;
	json_t *all = json_object(), *modes = json_array(),
	       *backings = json_array();

	for (size_t i = 0; s->modes[i]; i++)
		if (run->modes[i] && was_asked_for(run, s->modes[i]))
			json_array_append_new(modes,
					      json_string(s->modes[i]->name));
	for (int i = 0; i < BACKINGS; i++)
		if (run->backings[i])
			json_array_append_new(backings,
					      json_string(backing_names[i]));
	json_object_set_new(all, "mode", modes);
	if (s->backings)
		json_object_set(all, "backing", backings);
	json_decref(backings);
	if (s->sizes)
		json_object_set_new(all, "size", json_list(&run->sizes));
	if (s->stride)
		json_object_set_new(all, "stride", json_integer(run->stride));
	json_object_set_new(all, s->x, json_list(&run->xs));
	json_object_set_new(all, "rounds", json_integer(run->rounds));
	for (int i = 0; s->parameters && s->parameters[i].name; i++)
		json_object_set_new(all, s->parameters[i].name,
				    s->parameters[i].text ?
					    json_string(run->texts[i]) :
					    json_integer(run->parameters[i]));
	return all;
}

static json_t *json_skipped(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < results.n_skipped; i++)
		json_array_append_new(all,
			json_pack("{ss ss ss}",
				  "mode", results.skipped[i].mode,
				  "backing",
				  backing_names[results.skipped[i].backing],
				  "reason", results.skipped[i].reason));
	return all;
}

FILE *open_output(const char *path)
{
	FILE *out = strcmp(path, "-") != 0 ? fopen(path, "we") : stdout;

	if (!out)
		die("cannot write %s: %s", path, strerror(errno));
	return out;
}

void close_output(FILE *out, const char *path)
{
	if (ferror(out) | (out != stdout && fclose(out)))
		die("cannot write %s: %s", path, strerror(errno));
}

void write_json(const struct run *run, const char *path, json_t *machine)
{
	FILE *out = open_output(path);
	json_t *series = json_array(), *root;

	for (size_t i = 0; i < results.n; i++)
		json_array_append_new(series,
				      json_series(run, &results.series[i]));
	root = json_pack("{si ss ss sO so so so so so sn}",
		"schema", 1,
		"scenario", run->scenario->name,
		"title", run->scenario->title,
		"machine", machine,
		"parameters", json_parameters(run),
		"metrics", json_metrics(run->scenario),
		"results", json_results(run),
		"series", series,
		"skipped", json_skipped(),
		"kernel_complaints");
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putc('\n', out);
	json_decref(root);
	close_output(out, path);
}

/* ---- CSV ----------------------------------------------------------------- */

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

/* The facts of the machine, or, for the first line, what they are of. */
static void put_machine(FILE *out, json_t *machine, bool names)
{
	const char *name;
	json_t *fact;

	json_object_foreach(machine, name, fact) {
		putc(',', out);
		if (names)
			fputs(name, out);
		else if (json_is_string(fact))
			put_quoted(out, json_string_value(fact));
		else if (json_is_boolean(fact))
			fputs(json_is_true(fact) ? "true" : "false", out);
		else
			fprintf(out, "%lld", json_integer_value(fact));
	}
	putc('\n', out);
}

/* One line for each round, so that any program can draw and test it. */
void write_csv(const struct run *run, const char *path, json_t *machine)
{
	FILE *out = open_output(path);

	fputs("scenario,metric,unit,better,mode,backing,size_bytes,x_name,x,"
	      "round,value", out);
	put_machine(out, machine, true);
	for (const struct series *s = results.series;
	     s < results.series + results.n; s++)
		for (unsigned int i = 0; i < s->n; i++) {
			fprintf(out, "%s,%s,%s,%s,%s,%s,%llu,%s,%u,%u,%.9g",
				run->scenario->name, s->metric->name,
				unit_names[s->metric->unit], better(s->metric),
				s->mode->name,
				run->scenario->backings ?
					backing_names[s->backing] : "none",
				(unsigned long long)s->bytes, run->scenario->x,
				s->x, i + 1, s->rounds[i]);
			put_machine(out, machine, false);
		}
	close_output(out, path);
}
