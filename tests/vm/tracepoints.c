/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracepoints shpt:* tell of links, unlinks, faults in a host and flushes,
 * each with the region that it happened to.
 */
#include "vmtest.h"

#define TRACING	"/sys/kernel/tracing/"
#define BYTES	(4 * MIB)

/* Lines of the trace that have both. */
static int events(const char *event, const char *detail)
{
	FILE *f = fopen(TRACING "trace", "re");
	char line[512];
	int n = 0;

	CHECK(f, TRACING "trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		n += strstr(line, event) && strstr(line, detail);
	fclose(f);
	return n;
}

static void test(int kind)
{
	int fd = backing(kind, BYTES), reg = open_region(fd);
	char region[64], where[128];
	char *p;

	snprintf(region, sizeof(region), "region=%llu ",
		 (unsigned long long)region_info(reg).id);
	close(MUST(open(TRACING "trace", O_WRONLY | O_TRUNC)));	/* empties it */
	write_text(TRACING "events/shpt/enable", "1");
	p = map_region(reg, 1, 0);
	store(p, 1);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       BYTES));
	MUST(munmap(p, CHUNK));
	write_text(TRACING "events/shpt/enable", "0");

	snprintf(where, sizeof(where), "%saddr=%#lx", region, (long)p);
	CHECK_EQ(events(" link: ", where), 1);
	CHECK_EQ(events(" unlink: ", where), 1);
	snprintf(where, sizeof(where), "%spgoff=0x0 write", region);
	CHECK_EQ(events(" host_fault: ", where), 1);
	CHECK_GE(events(" flush: ", region), 1);
	store(map_region(reg, 1, 0), 2);
	snprintf(where, sizeof(where), "%saddr", region);
	CHECK_EQ(events(" link: ", where), 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 20);
}
