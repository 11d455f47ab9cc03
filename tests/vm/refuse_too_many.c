/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With max_regions reached no further region can be opened, and the library
 * says what to raise; those that are there can be opened and mapped as before.
 * One user has a limit of his own, which is not that of others.
 */
#include "refusal.h"

#define LIMIT		"/sys/module/shpt/parameters/max_regions"
#define USER_LIMIT	"/sys/module/shpt/parameters/max_regions_per_user"

static void as_nobody(void *arg)
{
	int *fds = arg, reg;
	char *p;

	become_nobody();
	reg = open_region(fds[0]);
	MUST_FAIL(try_open_region(fds[1]), EDQUOT);
	refused_by_library(RW, MAP_SHARED, fds[1], EDQUOT,
			   "max_regions_per_user");
	/* Though it is there; nor does it help to have the other open twice. */
	MUST_FAIL(try_open_region(fds[2]), EDQUOT);
	close(open_region(fds[0]));
	MUST_FAIL(try_open_region(fds[2]), EDQUOT);
	close(reg);
	reg = open_region(fds[2]);
	p = map_region(reg, 1, 0);
	close(reg);
	/* A mapping keeps it open. */
	MUST_FAIL(try_open_region(fds[1]), EDQUOT);
	store(p, 1);
	MUST(munmap(p, CHUNK));
	close(open_region(fds[1]));
}

static void per_user(int kind)
{
	int fds[] = { backing(kind, MIB), backing(kind, MIB),
		      backing(kind, MIB) };
	long long limit = read_number(USER_LIMIT);
	int roots = open_region(fds[2]);
	char text[32];

	MUST(chmod("/dev/shpt", 0666));
	write_text(USER_LIMIT, "1");
	join(spawn(as_nobody, fds));
	/* Nor does it count for who may exceed such limits. */
	close(open_region(fds[0]));
	close(open_region(fds[1]));
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(USER_LIMIT, text);
	MUST(chmod("/dev/shpt", 0660));
	close(roots);
}

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
	per_user(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
