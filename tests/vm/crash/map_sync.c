/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest wrote through a MAP_SYNC mapping outlasts a crash without any
 * further call: the block is committed before the store goes through, even if
 * it was a guest without MAP_SYNC whose fault had it allocated.
 */
#include "crash.h"

#define GUESTS	4

static int reg;

static const char *folder(void)
{
	return test_env("SHPT_TEST_DAX");
}

/* The first has no MAP_SYNC, writes wherever he likes, and is not believed. */
static void writer(void *arg)
{
	long me = (long)arg;
	char *p = MUST(try_map(NULL, CHUNK, PROT_READ | PROT_WRITE, me ?
			       MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED,
			       reg, 0));
	size_t hole;

	for (hole = 0; hole < HOLES; hole++) {
		if (me && hole % (GUESTS - 1) + 1 != (size_t)me)
			continue;
		fill_page(p, hole_offset(hole));
		if (me)
			acknowledge("page %zu\n", hole_offset(hole));
		usleep(1000);
	}
	pause();
}

static void writers(void)
{
	struct shpt_open_region req = {
		.size = sizeof(req),
		.flags = SHPT_OPEN_SYNC,
	};

	req.backing_fd = crash_file(folder(), "map_sync");
	make_holes(req.backing_fd);
	reg = MUST(ioctl(device(), SHPT_IOC_OPEN_REGION, &req));
	for (long i = 0; i < GUESTS; i++)
		spawn(writer, (void *)i);
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
