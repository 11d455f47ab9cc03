/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With max_regions reached no further region can be opened, and the library
 * says what to raise; those that are there can be opened and mapped as before.
 */
#include "refusal.h"

#define LIMIT	"/sys/module/shpt/parameters/max_regions"

static void test(int kind)
{
	int fd = backing(kind, MIB), other = backing(kind, MIB), reg;
	long long limit = read_number(LIMIT);
	char text[32];
	char *p;

	reg = open_region(fd);
	snprintf(text, sizeof(text), "%lld", fact("regions"));
	write_text(LIMIT, text);
	MUST_FAIL(try_open_region(other), ENFILE);
	refused_by_library(RW, MAP_SHARED, other, ENFILE, "max_regions");
	p = ordinary_instead(MIB, RW, MAP_SHARED, other, ENFILE, "max_regions");
	stamp(p, MIB, 1);
	p = map_guest(fd, 1);
	stamp(p, MIB, 2);
	CHECK_EQ(linked_chunks(p), 1);
	snprintf(text, sizeof(text), "%lld", fact("regions") + 1);
	write_text(LIMIT, text);
	CHECK_STAMP(map_guest(other, 1), MIB, 1);
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(LIMIT, text);
	CHECK_EQ(region_info(reg).guests, 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
