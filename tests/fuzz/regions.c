// SPDX-License-Identifier: GPL-2.0-or-later
/* regions.c - target: the facts of a region below /sys */
#include "fuzz.h"
#include "internal.h"

#define REGION "sys/class/misc/shpt/region/7/"

static const char *const names[] = {
	REGION "backing",      REGION "backing_bytes", REGION "hosts",
	REGION "guests",       REGION "links",	       REGION "table_bytes",
	REGION "parked_bytes", REGION "saved_bytes",   REGION "faults_served",
	REGION "flushes",      REGION "unlinks",       REGION "misplaced",
	REGION "reclaimed",    REGION "locked",	       REGION "reclaim_mode",
	REGION "node",	       REGION "name",	       REGION "uid",
	REGION "gid",	       REGION "mode",	       NULL
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct libshpt_region region;
	struct reason why = { 0 };

	put_parts(names, data, size);
	if (next_region(fuzz_root(), 0, &region, &why) < 0)
		expect(why.err && *why.text);
	return 0;
}
