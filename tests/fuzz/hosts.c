// SPDX-License-Identifier: GPL-2.0-or-later
/* hosts.c - target: the hosts of a region, as shptctl show reads them */
#include "fuzz.h"
#include "hosts.h"

static void read_hosts(void *arg)
{
	struct host *hosts;
	size_t n = hosts_read(fuzz_root(), "region", &hosts);

	(void)arg;
	hosts_free(hosts, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put("region/nodes", data, size);
	returns(read_hosts, NULL);
	return 0;
}
