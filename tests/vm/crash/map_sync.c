/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest wrote through a MAP_SYNC mapping outlasts a crash without any
 * further call: the block that its fault allocated is committed before the
 * store goes through, whichever guest's fault it was.
 */
#include "crash.h"

#define GUESTS	3

static const char *folder(void)
{
	return test_env("SHPT_TEST_DAX");
}

static void writer(void *arg)
{
	int reg = open_region(*(int *)arg);
	char *p = MUST(try_map(NULL, CHUNK, PROT_READ | PROT_WRITE,
			       MAP_SHARED_VALIDATE | MAP_SYNC, reg, 0));
	size_t hole;

	for (hole = getpid() % GUESTS; hole < HOLES; hole += GUESTS) {
		fill_page(p, hole_offset(hole));
		acknowledge("page %zu\n", hole_offset(hole));
		usleep(1000);
	}
	pause();
}

static void writers(void)
{
	static int fd;

	fd = crash_file(folder(), "map_sync");
	make_holes(fd);
	for (int i = 0; i < GUESTS; i++)
		spawn(writer, &fd);
}

static void verify(void)
{
	int fd = crash_file(folder(), "map_sync");
	unsigned long long off, pages = 0;
	const char *line;

	while ((line = acknowledged())) {
		CHECK_EQ(sscanf(line, "page %llu", &off), 1);
		check_page(fd, off);
		pages++;
	}
	CHECK(pages, "nothing was acknowledged");
}

int main(int argc, char **argv)
{
	return crash_test(argc, argv, writers, verify);
}
