// SPDX-License-Identifier: GPL-2.0-or-later
/* conf.c - target: postgresql.conf, and the files that it includes */
#include <stdlib.h>

#include "fuzz.h"
#include "shptctl.h"

static const char *const names[] = { "etc/main.conf", "etc/more.conf",
				     "etc/conf.d/own.conf", NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put_parts(names, data, size);
	free(conf_value(fuzz_root(), names[0], NULL, "shared_buffers"));
	return 0;
}
