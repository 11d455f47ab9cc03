// SPDX-License-Identifier: GPL-2.0-or-later
/* bench_results.c - target: results as shpt-bench report and compare take them */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>

#include "fuzz.h"

static json_t *loaded;

static json_t *load_input(FILE *in, size_t flags, json_error_t *error)
{
	loaded = json_loadf(in, flags, error);
	/* The program ends then, and here it goes on. */
	if (!loaded)
		fclose(in);
	return loaded;
}

#define json_loadf load_input
#include "../../bench/report/read.c"

static void check_points(const struct recording *run)
{
	for (size_t i = 0; i < run->n_points; i++) {
		const struct point *point = &run->points[i];

		expect(point->n_rounds);
		expect(point->min <= point->median);
		expect(point->median <= point->max);
	}
}

static void write_summary(void *path)
{
	struct recordings runs = { 0 };
	FILE *nowhere;

	recordings_read(&runs, path);
	expect(runs.n);
	for (size_t i = 0; i < runs.n; i++) {
		check_points(&runs.list[i]);
		make_figures(&runs.list[i]);
	}
	nowhere = fopen("/dev/null", "we");
	expect(nowhere);
	markdown_write(nowhere, &runs);
	fclose(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "results.json";

	put(path, data, size);
	returns(write_summary, path);
	json_decref(loaded);
	loaded = NULL;
	return 0;
}
