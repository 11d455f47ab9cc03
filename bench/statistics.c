// SPDX-License-Identifier: GPL-2.0-or-later
/* statistics.c - time, and what a number of values comes to */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

double percentile(const double *sorted, size_t n, double p)
{
	size_t rank = ceil(n * p / 100);

	return n ? sorted[rank ? rank - 1 : 0] : 0;
}

static double better_by(bool more_is_better, double base, double other)
{
	return more_is_better ? other / base : base / other;
}

/* Of rounds that are all above 0, as many of the one as of the other. */
static void pair_rounds(struct ratio *ratio, const struct rounds *base,
			const struct rounds *other, bool more_is_better)
{
	double *each = calloc(base->n, sizeof(*each));

	if (!each)
		die("no memory for the ratios of %zu rounds", base->n);
	for (size_t i = 0; i < base->n; i++)
		each[i] = better_by(more_is_better, base->values[i],
				    other->values[i]);
	ratio->median = median(each, base->n); /* and they are sorted */
	ratio->min = each[0];
	ratio->max = each[base->n - 1];
	free(each);
}

struct ratio ratio_of_rounds(const struct rounds *base,
			     const struct rounds *other, bool more_is_better)
{
	struct ratio ratio = {
		.median =
			better_by(more_is_better, base->median, other->median),
		.min = base->min / other->max,
		.max = base->max / other->min,
		.no_spread = base->n < 2 || other->n < 2,
	};

	if (base->median <= 0 || other->median <= 0)
		return (struct ratio){ NAN, NAN, NAN, true, false };
	if (base->min <= 0 || other->min <= 0)
		return (struct ratio){ ratio.median, ratio.median, ratio.median,
				       true, true };
	if (more_is_better) {
		ratio.min = other->min / base->max;
		ratio.max = other->max / base->min;
	}
	if (base->n == other->n)
		pair_rounds(&ratio, base, other, more_is_better);
	return ratio;
}
