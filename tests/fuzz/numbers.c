// SPDX-License-Identifier: GPL-2.0-or-later
/* numbers.c - target: sizes, nodes and regions' numbers as people type them */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "shptctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), printed[32];
	size_t bytes, again;
	uint64_t id;
	int node;

	if (parse_size(text, &bytes)) {
		snprintf(printed, sizeof(printed), "%zu", bytes);
		expect(parse_size(printed, &again) && again == bytes);
		format_bytes(printed, sizeof(printed), (long long)bytes);
		expect(isdigit((unsigned char)*printed));
	}
	if (parse_node(text, &node))
		expect(node >= 0 || strspn(text, "onelca"));
	is_region_number(text, &id);
	free(text);
	return 0;
}
