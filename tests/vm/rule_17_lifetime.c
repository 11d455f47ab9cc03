/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 17: the module cannot be unloaded while a region exists, be it held by a
 * descriptor or by nothing but a mapping; what is mapped goes on working.
 */
#include "vmtest.h"

#include <sys/syscall.h>

static void refused(const char *when)
{
	long ret = syscall(SYS_delete_module, "shpt", O_NONBLOCK);

	CHECK(ret == -1, "the module could be unloaded with %s", when);
	CHECK(errno == EBUSY || errno == EWOULDBLOCK,
	      "delete_module with %s: %s", when, strerror(errno));
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK), reg = open_region(fd), dev;
	char *p;

	refused("a region fd");
	p = map_region(reg, 1, 0);
	close(reg);
	refused("an untouched mapping");
	stamp(p, MIB, 1);
	refused("a linked mapping");
	CHECK_STAMP(p, MIB, 1);
	stamp(p + MIB, MIB, 2);
	CHECK_STAMP(p + MIB, MIB, 2);
	CHECK_EQ(linked_chunks(p), 1);
	reg = open_region(fd);
	MUST(munmap(p, CHUNK));
	refused("a region fd after munmap");
	close(reg);
	dev = device();
	refused("the device open");
	close(dev);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
