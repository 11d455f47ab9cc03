// SPDX-License-Identifier: GPL-2.0-or-later
/* results.c - what was measured, and what this machine does not have */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct results results;

static const struct metric *find_metric(const struct scenario *scenario,
					const char *name)
{
	const struct metric *metric = scenario->metrics;

	while (strcmp(metric->name, name) != 0)
		metric++;
	return metric;
}

static void *grow(void *array, size_t n, size_t size)
{
	array = reallocarray(array, n, size);
	if (!array)
		die("no memory for the results");
	return array;
}

/* The series that this belongs to; a new one at the first time. */
static struct series *series_of(const struct pass *pass, const char *name)
{
	const struct series key = {
		.metric = find_metric(pass->scenario, name),
		.mode = pass->mode,
		.backing = pass->file ? pass->file->backing : MEMFD,
		.bytes = pass->file ? pass->file->bytes : 0,
		.x = pass->x,
	};

	for (struct series *s = results.series;
	     s < results.series + results.n; s++)
		if (s->metric == key.metric && s->mode == key.mode &&
		    s->backing == key.backing && s->bytes == key.bytes &&
		    s->x == key.x)
			return s;
	results.series =
		grow(results.series, results.n + 1, sizeof(*results.series));
	results.series[results.n] = key;
	return &results.series[results.n++];
}

void record(const struct pass *pass, const char *name, double value)
{
	struct series *s = series_of(pass, name);

	s->rounds = grow(s->rounds, s->n + 1, sizeof(*s->rounds));
	s->rounds[s->n++] = value;
}

void predict(const struct pass *pass, const char *name, double value)
{
	struct series *s = series_of(pass, name);

	s->predicted = value;
	s->has_prediction = true;
}

void results_skip(const char *mode, enum backing backing, const char *reason)
{
	struct skipped *s;

	/* Of each size anew. */
	for (size_t i = 0; i < results.n_skipped; i++) {
		s = &results.skipped[i];
		if (s->backing == backing && !strcmp(s->mode, mode) &&
		    !strcmp(s->reason, reason))
			return;
	}
	results.skipped = grow(results.skipped, results.n_skipped + 1,
			       sizeof(*results.skipped));
	s = &results.skipped[results.n_skipped++];
	s->mode = mode;
	s->backing = backing;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

void results_sum_up(void)
{
	for (struct series *s = results.series;
	     s < results.series + results.n; s++) {
		double *sorted = grow(NULL, s->n, sizeof(*sorted));

		memcpy(sorted, s->rounds, s->n * sizeof(*sorted));
		s->median = median(sorted, s->n);
		s->min = sorted[0];
		s->max = sorted[s->n - 1];
		free(sorted);
	}
}
