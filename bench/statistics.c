// SPDX-License-Identifier: GPL-2.0-or-later
/* statistics.c - time, and what a number of values comes to */
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
	size_t i = n * p / 100;

	return n ? sorted[i < n ? i : n - 1] : 0;
}
