/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's line in /proc/PID/maps names the backing's path behind "shpt:", and
 * so does the region's fact 'backing'; the tools that read smaps and pagemap
 * get by with it.
 */
#include "vmtest.h"

static char path[256];

static void child(void *arg)
{
	CHECK(strstr(maps_line(arg), path), "a child's line is '%s'",
	      maps_line(arg));
}

static void test(int kind)
{
	char want[300], name[128], got[300] = "", *p;
	struct stat st;
	int fd, reg;
	FILE *f;

	if (kind == MEMFD) {
		fd = backing(kind, CHUNK);
		snprintf(path, sizeof(path), "/memfd:vmtest");
	} else {
		snprintf(path, sizeof(path), "%s/maps name",
			 test_env("SHPT_TEST_DAX"));
		unlink(path);
		fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
		MUST(ftruncate(fd, CHUNK));
	}
	reg = open_region(fd);
	p = map_region(reg, 1, 0);
	close(fd);
	snprintf(want, sizeof(want), " shpt:%s", path);
	CHECK(strstr(maps_line(p), want), "the line is '%s', expected '%s'",
	      maps_line(p), want);
	CHECK(strstr(maps_line(p), " rw-s 00000000 "), "the line is '%s'",
	      maps_line(p));
	stamp(p, MIB, 1);
	CHECK(strstr(maps_line(p), want), "when linked the line is '%s'",
	      maps_line(p));
	join(spawn(child, p));

	snprintf(name, sizeof(name), "/sys/class/misc/shpt/region/%llu/backing",
		 (unsigned long long)region_info(reg).id);
	f = fopen(name, "r");
	CHECK(f && fgets(got, sizeof(got), f), "%s: %s", name, strerror(errno));
	fclose(f);
	CHECK(!strncmp(got, path, strlen(path)), "%s is '%s', expected '%s'",
	      name, got, path);
	MUST(stat(name, &st));
	CHECK_EQ(st.st_mode & 0777, 0400);

	CHECK(number_in("/proc/self/smaps", "Rss:") >= 0, "no smaps");
	CHECK(number_in("/proc/self/smaps_rollup", "Rss:") >= 0, "no rollup");
	CHECK_STAMP(p, MIB, 1);
	if (kind == DAX)
		MUST(unlink(path));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
