// SPDX-License-Identifier: GPL-2.0-or-later
/* maps.c - target: /proc/PID/maps and the mounts that it is judged by */
#include "fuzz.h"
#include "processes.h"
#include "shptctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "proc/9/maps", "proc/9/mountinfo",
					     NULL };
	struct process p;

	put_parts(names, data, size);
	process_read(fuzz_root(), 9, &p);
	for (size_t i = 0; i < p.n; i++) {
		expect(p.mappings[i].start < p.mappings[i].end);
		if (is_guest(&p.mappings[i]))
			expect(!mapping_kind(fuzz_root(), 9, &p.mappings[i]));
		else
			mapping_kind(fuzz_root(), 9, &p.mappings[i]);
	}
	process_free(&p);
	return 0;
}
