// SPDX-License-Identifier: GPL-2.0-or-later
/* cells.c - the columns of shptctl top, for its regions and for its processes */
#include "shptctl.h"
#include "top.h"

enum {
	REGION,
	PID,
	SAVED,
	LINK_RATE,
	SERVED_RATE,
	FAULT_RATE,
	FLUSH_RATE,
	GUESTS,
	MAPPED,
	LINKS,
	TABLES,
	BACKING,
	COMMAND,
	COLUMNS
};

#define FACT(member) offsetof(struct watched, member)
const struct column top_columns[COLUMNS + 1] = {
	[REGION] = { "REGION", "id", FACT(id), COLUMN_NUMBER, true,
		     "number of the region" },
	[PID] = { "PID", "pid", FACT(id), COLUMN_NUMBER, true, "the process" },
	[SAVED] = { "SAVED", "saved_bytes", FACT(saved), COLUMN_BYTES, true,
		    "page tables that are saved" },
	[LINK_RATE] = { "LINKS/S", "links_per_second", FACT(links_rate),
			COLUMN_RATE, true, "chunks (1 GiB) linked" },
	[SERVED_RATE] = { "SERVED/S", "faults_per_second", FACT(faults_rate),
			  COLUMN_RATE, true,
			  "page faults that the region served" },
	[FAULT_RATE] = { "FAULTS/S", "faults_per_second", FACT(faults_rate),
			 COLUMN_RATE, true, "all page faults of the process" },
	[FLUSH_RATE] = { "FLUSHES/S", "flushes_per_second", FACT(flushes_rate),
			 COLUMN_RATE, true,
			 "of the region, or of all that the process maps" },
	[GUESTS] = { "GUESTS", "guests", FACT(peers), COLUMN_NUMBER, true,
		     "processes that map the region" },
	[MAPPED] = { "REGIONS", "regions", FACT(peers), COLUMN_NUMBER, true,
		     "regions that the process maps" },
	[LINKS] = { "LINKS", "links", FACT(linked), COLUMN_NUMBER, true,
		    "chunks that are linked now" },
	[TABLES] = { "TABLES", "table_bytes", FACT(tables), COLUMN_BYTES, true,
		     "shared page tables, or the process's own" },
	[BACKING] = { "FILE", "file", FACT(what), COLUMN_TEXT, true,
		      "name of the region, or path of its file" },
	[COMMAND] = { "COMMAND", "command", FACT(what), COLUMN_TEXT, true,
		      "what the process calls itself" },
};

static const bool is_only_of[VIEWS][COLUMNS] = {
	[REGIONS] = { [REGION] = true,
		      [SERVED_RATE] = true,
		      [GUESTS] = true,
		      [BACKING] = true },
	[PROCESSES] = { [PID] = true,
			[FAULT_RATE] = true,
			[MAPPED] = true,
			[COMMAND] = true },
};

bool choose_view(struct print_options *as, const struct print_options *p,
		 enum view view)
{
	const bool *is_foreign =
		is_only_of[view == REGIONS ? PROCESSES : REGIONS];
	size_t n = 0;

	*as = *p;
	choose_columns(as, top_columns);
	for (size_t i = 0; as->columns[i]; i++) {
		if (!is_foreign[as->columns[i] - top_columns])
			as->columns[n++] = as->columns[i];
		else if (p->columns[0])
			return false;
	}
	as->columns[n] = NULL;
	return true;
}

char *sum_text(const struct print_options *p, const struct watched *sum)
{
	static const int columns[] = { SAVED, TABLES, LINK_RATE, SERVED_RATE,
				       FLUSH_RATE };
	const char *texts[sizeof(columns) / sizeof(*columns)];
	char bufs[sizeof(columns) / sizeof(*columns)][32];

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		texts[i] = cell_text(p, sum, &top_columns[columns[i]], bufs[i],
				     sizeof(bufs[i]));
	return print("saved %s, tables %s, %s links/s, %s faults served/s, "
		     "%s flushes/s",
		     texts[0], texts[1], texts[2], texts[3], texts[4]);
}
