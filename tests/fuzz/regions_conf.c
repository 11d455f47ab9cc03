// SPDX-License-Identifier: GPL-2.0-or-later
/* regions_conf.c - target: the file of the regions to restore at boot */
#include "fuzz.h"
#include "shptctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct regions_conf conf = { .path = "/regions.conf" };

	put("regions.conf", data, size);
	expect(regions_conf_read(&conf, fuzz_root()));
	for (size_t i = 0; i < conf.n; i++)
		expect(*conf.regions[i].path == '/' && conf.regions[i].name);
	regions_conf_free(&conf);
	return 0;
}
