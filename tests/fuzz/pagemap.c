// SPDX-License-Identifier: GPL-2.0-or-later
/* pagemap.c - target: a copy of /proc/PID/pagemap, after a mapping's ends */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "processes.h"

static void look(const struct process_mapping *m)
{
	int pagemap = pagemap_open(fuzz_root(), 9);
	uint64_t at = m->start, before;
	int64_t links = pagemap_links(pagemap, m);
	bool huge;

	expect(links >= 0);
	do {
		before = at;
		at = pagemap_next(pagemap, at, m->end, &huge);
		expect(at >= before && at <= m->end);
		at += TABLE_SPAN - at % TABLE_SPAN;
	} while (at < m->end && at > before);
	close(pagemap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_mapping m = { 0 };
	uint64_t ends[2];

	if (size < sizeof(ends))
		return 0;
	memcpy(ends, data, sizeof(ends));
	/* What parse_mapping() lets pass. */
	if (ends[0] >= ends[1])
		return 0;
	m.start = ends[0];
	m.end = ends[1];
	put("proc/9/pagemap", data + sizeof(ends), size - sizeof(ends));
	look(&m);
	return 0;
}
