// SPDX-License-Identifier: GPL-2.0-or-later
/* value.c - numbers as people read them, and ratios of them */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recordings.h"

/* A sign goes before it. */
#define REST_BYTES (VALUE_BYTES - 1)

/* Three digits, and more only before the point. */
static void digits(char buf[REST_BYTES], double value)
{
	int places = value >= 100 ? 0 : value >= 10 ? 1 : 2;

	snprintf(buf, REST_BYTES, "%.*f", places, value);
	if (!strchr(buf, '.'))
		return;
	for (char *end = buf + strlen(buf) - 1; *end == '0'; end--)
		*end = '\0';
	if (buf[strlen(buf) - 1] == '.')
		buf[strlen(buf) - 1] = '\0';
}

/* In the largest of the units, each so many times the one before. */
static void scaled(char buf[REST_BYTES], double value, double factor,
		   const char *const units[])
{
	size_t i = 0;

	while (units[i + 1] && value >= factor * 0.9995) {
		value /= factor;
		i++;
	}
	digits(buf, value);
	strncat(buf, units[i], REST_BYTES - strlen(buf) - 1);
}

void format_value(char buf[VALUE_BYTES], enum unit unit, double value)
{
	static const char *const seconds[] = { " ns", " us", " ms", " s",
					       NULL };
	static const char *const bytes[] = { " B",   " KiB", " MiB", " GiB",
					     " TiB", " PiB", NULL };
	static const char *const counts[] = { "", "k", "M", "G", "T", NULL };

	if (value < 0) {
		*buf++ = '-';
		value = -value;
	}
	if (unit == SECONDS && value == 0) {
		snprintf(buf, REST_BYTES, "0 s");
	} else if (unit == SECONDS) {
		scaled(buf, value * 1e9, 1000, seconds);
	} else if (unit == BYTES) {
		scaled(buf, value, 1024, bytes);
	} else if (value < 100000) {
		digits(buf, value);
	} else {
		scaled(buf, value, 1000, counts);
	}
	if (unit == PER_SECOND)
		strncat(buf, "/s", REST_BYTES - strlen(buf) - 1);
}

static void format_ratio(char buf[VALUE_BYTES], double ratio)
{
	if (ratio < 0.095)
		snprintf(buf, VALUE_BYTES, "%.2g", ratio);
	else if (ratio < 10)
		snprintf(buf, VALUE_BYTES, "%.2f", ratio);
	else
		digits(buf, ratio);
}

void format_comparison(char buf[VALUE_BYTES], const struct point *point,
		       const struct ratio *ratio)
{
	if (isnan(ratio->median))
		format_value(buf, point->metric->unit, point->median);
	else
		format_ratio(buf, ratio->median);
}

void format_x(char buf[VALUE_BYTES], const char *x_name, double x)
{
	size_t length = strlen(x_name);
	bool bytes = length >= 5 && !strcmp(x_name + length - 5, "bytes");

	format_value(buf, bytes ? BYTES : COUNT, x);
}

static void format_scalar(char *buf, size_t size, const char *name,
			  const json_t *value)
{
	bool bytes = !strcmp(name, "size") || !strcmp(name, "stride") ||
		     strstr(name, "bytes");
	char number[VALUE_BYTES];

	if (json_is_string(value)) {
		snprintf(buf, size, "%s", json_string_value(value));
	} else if (json_is_boolean(value)) {
		snprintf(buf, size, "%s", json_is_true(value) ? "yes" : "no");
	} else if (json_is_number(value)) {
		if (bytes)
			format_value(number, BYTES, json_number_value(value));
		else
			snprintf(number, sizeof(number), "%.15g",
				 json_number_value(value));
		snprintf(buf, size, "%s", number);
	} else {
		snprintf(buf, size, "-");
	}
}

char *format_json(const char *name, const json_t *value)
{
	size_t size, n = json_is_array(value) ? json_array_size(value) : 1;
	char *text, one[512];
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die("no memory for a text");
	for (size_t i = 0; i < n; i++) {
		format_scalar(one, sizeof(one), name,
			      json_is_array(value) ? json_array_get(value, i) :
						     value);
		fprintf(out, "%s%s", i ? ", " : "", one);
	}
	if (fclose(out))
		die("no memory for a text");
	return text;
}

const char *fact_title(const char *name)
{
	static const char *const titles[][2] = {
		{ "memory_bytes", "memory" },
		{ "swap_bytes", "swap" },
		{ "fault_around_bytes", "mapped around a fault" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		if (!strcmp(name, titles[i][0]))
			return titles[i][1];
	return name;
}

char *other_machine(const struct recording *first, const struct recording *run)
{
	const char *separator = "";
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die("no memory for a text");
	for (const char *const *name = machine_identity; *name; name++) {
		json_t *value = json_object_get(run->machine, *name);
		char *one;

		if (same_fact(*name, first, run))
			continue;
		one = format_json(*name, value);
		fprintf(out, "%s%s %s", separator, fact_title(*name), one);
		free(one);
		separator = ", ";
	}
	if (fclose(out))
		die("no memory for a text");
	return text;
}

struct ratio ratio_of(const struct point *base, const struct point *other)
{
	const struct rounds a = { base->rounds, base->n_rounds, base->median,
				  base->min, base->max };
	const struct rounds b = { other->rounds, other->n_rounds, other->median,
				  other->min, other->max };

	return ratio_of_rounds(&a, &b, base->metric->more_is_better);
}

bool enough_rounds(const struct point *a, const struct point *b)
{
	return a->n_rounds >= 5 && b->n_rounds >= 5;
}

/* The unit once, if it is one. */
static void join(char buf[SPREAD_BYTES], const char *min, const char *max)
{
	static const char number[] = "-0123456789.";
	size_t length = strspn(min, number);
	const char *unit = min + length;

	*buf = '\0';
	if (!strcmp(min, max))
		return;
	if (!strcmp(unit, max + strspn(max, number)))
		unit = "";
	snprintf(buf, SPREAD_BYTES, "%.*s%s to %s", (int)length, min, unit,
		 max);
}

void format_spread(char buf[SPREAD_BYTES], const struct point *p)
{
	char min[VALUE_BYTES], max[VALUE_BYTES];

	format_value(min, p->metric->unit, p->min);
	format_value(max, p->metric->unit, p->max);
	join(buf, min, max);
}

static void format_ratio_spread(char buf[SPREAD_BYTES],
				const struct ratio *ratio)
{
	char min[VALUE_BYTES], max[VALUE_BYTES];

	format_ratio(min, ratio->min);
	format_ratio(max, ratio->max);
	join(buf, min, max);
}

/* "shpt -22.1 to 19 ms" */
static void put_noisy(FILE *out, const char *separator, const struct point *p)
{
	char spread[SPREAD_BYTES];

	format_spread(spread, p);
	fprintf(out, "%s%s %s", separator, p->mode, spread);
}

static void put_noise(FILE *out, const struct point *base,
		      const struct point *other)
{
	fputs("in noise:", out);
	if (base->min <= 0)
		put_noisy(out, " ", base);
	if (other->min <= 0)
		put_noisy(out, base->min <= 0 ? ", " : " ", other);
}

char *spread_of(const struct point *base, const struct point *other,
		const struct ratio *ratio)
{
	char spread[SPREAD_BYTES];
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		die("no memory for a text");
	if (ratio->in_noise) {
		put_noise(out, base, other);
	} else {
		if (isnan(ratio->median))
			format_spread(spread, other);
		else
			format_ratio_spread(spread, ratio);
		fputs(spread, out);
	}
	if (fclose(out))
		die("no memory for a text");
	return text;
}
