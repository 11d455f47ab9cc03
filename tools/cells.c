// SPDX-License-Identifier: GPL-2.0-or-later
/* cells.c - the numbers of shptctl top as people read them */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "shptctl.h"
#include "top.h"

const char *const headings[VIEWS][CELLS] = {
	[REGIONS] = { "REGION", "SAVED", "LINKS/S", "FAULTS/S", "FLUSHES/S",
		      "GUESTS", "LINKS", "TABLES", "FILE" },
	[PROCESSES] = { "PID", "SAVED", "LINKS/S", "FAULTS/S", "FLUSHES/S",
			"REGIONS", "LINKS", "TABLES", "COMMAND" },
};

void format_rate(char *buf, size_t size, double rate)
{
	if (isnan(rate))
		snprintf(buf, size, "-");
	else if (rate < 99999.95)
		snprintf(buf, size, "%.1f", rate);
	else if (rate < 99999950)
		snprintf(buf, size, "%.0fk", rate / 1000);
	else
		snprintf(buf, size, "%.0fM", rate / 1000000);
}

static void format_number(char *buf, int64_t number)
{
	if (number == NOT_KNOWN)
		snprintf(buf, CELL_BYTES, "-");
	else
		snprintf(buf, CELL_BYTES, "%" PRId64, number);
}

static void format_size(char *buf, int64_t number, bool bytes)
{
	if (bytes || number == NOT_KNOWN)
		format_number(buf, number);
	else
		format_bytes(buf, CELL_BYTES, number);
}

void format_cells(const struct watched *w, bool bytes,
		  char cells[CELLS][CELL_BYTES])
{
	format_number(cells[0], (int64_t)w->id);
	format_size(cells[1], w->saved, bytes);
	format_rate(cells[2], CELL_BYTES, w->links_rate);
	format_rate(cells[3], CELL_BYTES, w->faults_rate);
	format_rate(cells[4], CELL_BYTES, w->flushes_rate);
	format_number(cells[5], w->peers);
	format_number(cells[6], w->linked);
	format_size(cells[7], w->tables, bytes);
}
