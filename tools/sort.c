// SPDX-License-Identifier: GPL-2.0-or-later
/* sort.c - the order in which shptctl top shows its lines */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>

#include "top.h"

const char *const sort_keys[] = {
	[BY_SAVED] = "saved",	[BY_LINKS] = "links",
	[BY_FAULTS] = "faults", [BY_FLUSHES] = "flushes",
	[BY_NUMBER] = "number", NULL,
};

static double value(const struct watched *w, enum sort_key key)
{
	switch (key) {
	case BY_SAVED:
		return (double)w->saved;
	case BY_LINKS:
		return w->links_rate;
	case BY_FAULTS:
		return w->faults_rate;
	case BY_FLUSHES:
		return w->flushes_rate;
	default:
		return 0;
	}
}

/* What is not known is below all that is. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct watched *x = a, *y = b;
	enum sort_key key = *(const enum sort_key *)arg;
	double vx = value(x, key), vy = value(y, key);

	if (isnan(vx))
		vx = -INFINITY;
	if (isnan(vy))
		vy = -INFINITY;
	if (vx < vy)
		return 1;
	if (vx > vy)
		return -1;
	return (x->id > y->id) - (x->id < y->id);
}

void list_sort(struct list *list, enum sort_key key)
{
	if (list->n)
		qsort_r(list->items, list->n, sizeof(*list->items), compare,
			&key);
}
