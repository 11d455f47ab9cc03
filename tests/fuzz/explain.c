// SPDX-License-Identifier: GPL-2.0-or-later
/* explain.c - target: the files that tell whether a machine can share */
#include <getopt.h>

#include "fuzz.h"
#include "shptctl.h"

static const char *const names[] = { "proc/sys/kernel/osrelease",
				     "proc/sys/kernel/arch",
				     "sys/hypervisor/guest_type",
				     "boot/config-6.1",
				     "lib/modules/6.1/modules.dep",
				     "sys/module/module/parameters/sig_enforce",
				     "sys/module/shpt/parameters/donor",
				     "sys/class/misc/shpt/regions",
				     "sys/module/shpt/parameters/max_regions",
				     NULL };

static void run(void *arg)
{
	char *argv[] = { "shptctl", "-J", "--sysroot", ".", NULL };

	(void)arg;
	optind = 0;
	explain(4, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put_parts(names, data, size);
	returns(run, NULL);
	return 0;
}
