/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that know nothing of libshpt, with libshpt-preload.so: they find
 * nothing wrong, and what they map is shared.
 */
#include "../unit/preloaded.h"
#include "preload.h"

int main(void)
{
	for (size_t i = 0; i < COUNT(programs); i++) {
		int status = run_program(&programs[i], (const char *[]){
							       preload(),
							       "LIBSHPT_MIN_SIZE=2M",
							       "LIBSHPT_VERBOSE=1",
							       NULL });

		if (status == -1)
			return 77;
		if (status || count("shpt, region") < programs[i].mappings) {
			fprintf(stderr,
				"%s: status %#x, %d mappings are shared; it said:\n%s",
				programs[i].command, status,
				count("shpt, region"), said);
			return 1;
		}
	}
	return 0;
}
