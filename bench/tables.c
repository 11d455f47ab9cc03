// SPDX-License-Identifier: GPL-2.0-or-later
/* tables.c - how much memory the machine's page tables take */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static double page_tables_now(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		die("cannot read /proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "PageTables: %llu kB", &kib) == 1)
			break;
	fclose(f);
	return kib * 1024.0;
}

/*
 * Each CPU keeps some of the count to itself: root can have it added up, others
 * wait until the kernel does so by itself, once a second.
 */
double page_tables(void)
{
	int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	double before, bytes = -1;
	double give_up = now() + 3;

	do {
		before = bytes;
		if (refresh < 0)
			usleep(1100 * 1000);
		else if (write(refresh, "1", 1) != 1)
			die("cannot write /proc/sys/vm/stat_refresh: %s",
			    strerror(errno));
		else
			usleep(50 * 1000);
		bytes = page_tables_now();
	} while (bytes != before && now() < give_up);
	if (refresh >= 0)
		close(refresh);
	return bytes;
}
