/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One inode is one region, by whatever name and descriptor it is opened; two
 * inodes are two, and a number is never given again.
 */
#include "vmtest.h"

#include <sched.h>
#include <sys/mount.h>

static uint64_t id_of(int fd)
{
	int reg = open_region(fd);
	uint64_t id = region_info(reg).id;

	close(reg);
	return id;
}

static void on_tmpfs(void)
{
	char dir[] = "/tmp/vmtest.XXXXXX";
	int a, b, c, other, reg;
	char *p, *q;

	CHECK(mkdtemp(dir), "mkdtemp: %s", strerror(errno));
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("vmtest", dir, "tmpfs", 0, NULL));
	MUST(chdir(dir));
	a = MUST(open("file", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(a, MIB));
	MUST(link("file", "name"));
	MUST(symlink("file", "symbol"));
	b = MUST(open("name", O_RDWR));
	c = MUST(open("symbol", O_RDWR));
	other = MUST(open("other", O_RDWR | O_CREAT, 0600));
	reg = open_region(a);
	CHECK_EQ(id_of(b), region_info(reg).id);
	CHECK_EQ(id_of(c), region_info(reg).id);
	CHECK(id_of(other) != region_info(reg).id, "two files, one region");
	p = map_guest(b, 1);
	q = map_guest(c, 1);
	stamp(p, MIB, 1);
	CHECK_STAMP(q, MIB, 1);
	/* A name taken over by another file. */
	MUST(rename("other", "file"));
	CHECK_EQ(id_of(a), region_info(reg).id);
	CHECK_EQ(rmdir(dir), -1);	/* the mount point, still busy */
	MUST(chdir("/"));
	MUST(umount2(dir, MNT_DETACH));
	CHECK_STAMP(q, MIB, 1);
	MUST(rmdir(dir));
}

static void elsewhere(void *arg)
{
	int *fds = arg, reg = open_region(reopen(fds[0], O_RDWR));

	CHECK_EQ(region_info(reg).id, region_info(fds[1]).id);
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK), other = backing(kind, CHUNK);
	int reg = open_region(fd);
	uint64_t id = region_info(reg).id, second;
	int fds[] = { fd, reg };

	CHECK(id, "a region's id is 0");
	CHECK_EQ(id_of(fd), id);
	CHECK_EQ(id_of(reopen(fd, O_RDWR)), id);
	second = id_of(other);
	CHECK(second != id, "two backings, one region");
	join(spawn(elsewhere, fds));
	if (kind == MEMFD)
		on_tmpfs();

	/* After the last use it is a new region, with a new number. */
	close(reg);
	WAIT_FOR(id_of(fd) > id, 5, "id %llu was given again",
		 (long long)id_of(fd));
	CHECK(id_of(fd) != second, "id %llu of another backing was given again",
	      (long long)second);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
