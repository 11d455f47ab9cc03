// SPDX-License-Identifier: GPL-2.0-or-later
/* forecast.c - target: what sharing would save two processes */
#include "forecast.h"
#include "fuzz.h"

static const char *const names[] = { "proc/9/maps",	 "proc/10/maps",
				     "proc/9/mountinfo", "proc/10/mountinfo",
				     "proc/9/comm",	 "proc/9/pagemap",
				     "proc/10/pagemap",	 NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct forecasts all;

	put("proc/there", "", 0);
	put_parts(names, data, size);
	forecasts_read(fuzz_root(), 0, 4096, &all);
	for (size_t i = 0; i < all.n; i++)
		expect(all.rows[i].processes == 2 && all.rows[i].backing);
	forecasts_free(&all);
	return 0;
}
