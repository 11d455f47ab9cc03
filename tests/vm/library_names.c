/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt_open() where page tables are shared: what it makes outlives its
 * creator with its page tables, is protected as a file is, and goes with its
 * name; a name that somebody registered is opened whatever its file is, and
 * before a file that stands in its way.
 */
#include <sys/inotify.h>
#include <sys/mount.h>

#include "refusal.h"
#include "registry.h"

#define BYTES	(8 * MIB)
#define LIMIT	"/sys/module/shpt/parameters/max_registered"

static int open_name(const char *name, int oflag, mode_t mode)
{
	int fd = libshpt_open(name, oflag, mode);

	CHECK(fd >= 0, "libshpt_open(%s, %#o): %s", name, oflag,
	      libshpt_errormsg());
	return fd;
}

static void refused(const char *name, int oflag, int err, const char *words)
{
	MUST_FAIL(libshpt_open(name, oflag, 0600), err);
	check_sentence(libshpt_errormsg(), words);
}

static char *map_all(int fd, size_t bytes, int prot)
{
	char *p = require_shared(NULL, bytes, prot, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	return p;
}

static uint64_t id_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info.region_id;
}

static struct stat stat_of(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st;
}

static void creator(void *arg)
{
	char *p;
	int fd;

	umask(022);
	fd = open_name("/vmtest", O_RDWR | O_CREAT | O_EXCL, 0666);
	CHECK_EQ(stat_of(fd).st_mode & 07777, 0644);
	MUST(ftruncate(fd, CHUNK));
	p = map_all(fd, CHUNK, RW);
	stamp(p, BYTES, 1);
	*(uint64_t *)arg = region_fact(id_of(p), "table_bytes");
}

static void outlives_its_creator(uint64_t *tables)
{
	uint64_t id;
	long before;
	char *p;
	int fd;

	join(spawn(creator, tables));
	id = find_region("name", "vmtest");
	CHECK(id, "it is not registered");
	CHECK_TEXT(id, "mode", "0600");
	WAIT_FOR(region_fact(id, "guests") == 0, 5, "the creator is a guest");
	CHECK_EQ(region_fact(id, "table_bytes"), *tables);
	refused("vmtest", O_RDWR | O_CREAT | O_EXCL, EEXIST, "O_EXCL");

	fd = open_name("vmtest", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(stat_of(fd).st_size, CHUNK);
	p = map_all(fd, CHUNK, RW);
	CHECK_EQ(id_of(p), id);
	before = faults();
	CHECK_STAMP(p, BYTES, 1);
	CHECK_LE(faults() - before, 8);
	MUST(libshpt_unmap(p, CHUNK));
	MUST(ftruncate(fd, 2 * CHUNK));
	close(fd);
	CHECK_EQ(stat_of(open_name("vmtest", O_RDONLY, 0)).st_size, 2 * CHUNK);
}

/* By the file, for the registration is its owner's. */
static void nobody_reads(void *arg)
{
	char *p;

	become_nobody();
	MUST_FAIL(try_open_flags("vmtest", SHPT_OPEN_READ_ONLY), EACCES);
	refused("vmtest", O_RDWR, EACCES, "permission");
	p = map_all(open_name("vmtest", O_RDONLY, 0), BYTES, PROT_READ);
	CHECK_EQ(id_of(p), *(uint64_t *)arg);
	CHECK_STAMP(p, BYTES, 1);
	MUST_FAIL(libshpt_unlink("vmtest"), EACCES);
	check_sentence(libshpt_errormsg(), "owner");
}

static void nobody_is_refused(void *arg)
{
	(void)arg;
	become_nobody();
	refused("vmtest", O_RDONLY, EACCES, "permission");
	refused("vmtest", O_RDWR | O_CREAT, EACCES, "permission");
}

static void is_protected_as_a_file(void)
{
	int fd = open_name("vmtest", O_RDWR, 0);
	uint64_t id = find_region("name", "vmtest");

	MUST(fchmod(fd, 0644));
	join(spawn(nobody_reads, &id));
	MUST(fchmod(fd, 0600));
	join(spawn(nobody_is_refused, NULL));
	close(fd);
}

static void goes_with_its_name(void)
{
	uint64_t id = find_region("name", "vmtest");
	char *p = map_all(open_name("vmtest", O_RDWR, 0), BYTES, RW);

	MUST(libshpt_unlink("/vmtest"));
	CHECK_EQ(fact("registered"), 0);
	refused("vmtest", O_RDWR, ENOENT, "O_CREAT");
	MUST_FAIL(libshpt_unlink("vmtest"), ENOENT);
	CHECK_STAMP(p, BYTES, 1);
	MUST(libshpt_unmap(p, BYTES));
	GONE(id);
}

/* All there is to a memfd is its registration. */
static void a_memfd(void)
{
	int fd = backing(MEMFD, BYTES), file, reg;
	char *p = map_all(fd, BYTES, RW), *q;

	stamp(p, BYTES, 2);
	MUST(libshpt_register(fd, "/vmtest", 0600));
	/* What stands in its way is not what was registered. */
	file = MUST(shm_open("/vmtest", O_RDWR | O_CREAT | O_EXCL, 0600));
	reg = open_name("vmtest", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(stat_of(reg).st_size, 0);
	q = map_all(reg, BYTES, RW);
	CHECK_EQ(id_of(q), id_of(p));
	CHECK_STAMP(q, BYTES, 2);
	MUST(libshpt_unmap(q, BYTES));
	refused("vmtest", O_RDWR | O_TRUNC, EACCES, "O_TRUNC");
	refused("vmtest", O_RDWR | O_CREAT | O_EXCL, EEXIST, "O_EXCL");

	MUST(libshpt_unlink("vmtest"));
	CHECK_EQ(fact("registered"), 0);
	CHECK_STAMP(p, BYTES, 2);
	/* That file is somebody else's. */
	CHECK_EQ(stat_of(open_name("vmtest", O_RDWR, 0)).st_ino,
		 stat_of(file).st_ino);
	MUST(libshpt_unlink("vmtest"));
	MUST(libshpt_unmap(p, BYTES));
}

/* Without libshpt_unlink(): the name is free for its owner, nobody else. */
static void removed(void)
{
	int old = open_name("vmtest", O_RDWR | O_CREAT, 0666), new;

	MUST(fchmod(old, 0666));
	MUST(ftruncate(old, BYTES));
	MUST(shm_unlink("vmtest"));
	join(spawn(nobody_is_refused, NULL));
	CHECK_EQ(fact("registered"), 1);
	new = open_name("vmtest", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(fact("registered"), 1);
	CHECK_EQ(stat_of(new).st_size, 0);
	CHECK(stat_of(new).st_ino != stat_of(old).st_ino, "it is still there");
	MUST(ftruncate(new, BYTES));
	map_all(new, BYTES, RW);
	MUST(shm_unlink("vmtest"));
	refused("vmtest", O_RDWR, ENOENT, "O_CREAT");
	CHECK_EQ(fact("registered"), 0);
}

static void nobody_plants(void *arg)
{
	(void)arg;
	become_nobody();
	umask(0);
	MUST(shm_open("planted", O_RDWR | O_CREAT | O_EXCL, 0666));
}

/* What the kernel refuses to shm_open(3) is not had by a detour. */
static void planted(void)
{
	join(spawn(nobody_plants, NULL));
	write_text("/proc/sys/fs/protected_regular", "1");
	MUST_FAIL(shm_open("planted", O_RDWR | O_CREAT, 0600), EACCES);
	refused("planted", O_RDWR | O_CREAT, EACCES, "permission");
	open_name("planted", O_RDWR, 0);
	write_text("/proc/sys/fs/protected_regular", "0");
	MUST(shm_unlink("planted"));
}

/* The path of a registered file leads to something else by now, which must not
 * be opened. */
static void a_path_that_leads_astray(void)
{
	char path[] = "/dev/shm/folder/file", event[4096];
	int watch = MUST(inotify_init1(IN_NONBLOCK)), fd;

	MUST(mkdir("/dev/shm/folder", 0700));
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, BYTES));
	MUST(libshpt_register(fd, "vmtest", 0600));
	MUST(mount("tmpfs", "/dev/shm/folder", "tmpfs", 0, NULL));
	MUST(mkfifo(path, 0600));
	MUST(inotify_add_watch(watch, path, IN_OPEN));
	CHECK_EQ(stat_of(open_name("vmtest", O_RDWR, 0)).st_size, 0);
	MUST_FAIL(read(watch, event, sizeof(event)), EAGAIN);
	MUST(libshpt_unlink("vmtest"));
	close(watch);
	MUST(umount("/dev/shm/folder"));
	MUST(unlink(path));
	MUST(rmdir("/dev/shm/folder"));
	close(fd);
}

static void a_file_elsewhere(int kind)
{
	char path[256];
	int fd, found;

	snprintf(path, sizeof(path), "%s/elsewhere %d",
		 kind == DAX ? test_env("SHPT_TEST_DAX") : "/dev/shm",
		 getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, BYTES));
	MUST(libshpt_register(fd, "vmtest", 0600));
	found = open_name("/vmtest", O_RDWR, 0);
	CHECK_EQ(stat_of(found).st_ino, stat_of(fd).st_ino);
	CHECK_EQ(stat_of(found).st_size, BYTES);
	/* Only the name goes. */
	MUST(libshpt_unlink("vmtest"));
	MUST(unlink(path));
}

/* No more may be registered: it is shm_open(3), and shared all the same. */
static void at_the_limit(void)
{
	long long limit = read_number(LIMIT);
	char text[32], *p;
	int fd;

	write_text(LIMIT, "0");
	fd = open_name("vmtest", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK_EQ(fact("registered"), 0);
	MUST(ftruncate(fd, BYTES));
	p = map_all(fd, BYTES, RW);
	CHECK_EQ(id_of(map_all(open_name("vmtest", O_RDWR, 0), BYTES, RW)),
		 id_of(p));
	MUST(libshpt_unlink("vmtest"));
	refused("vmtest", O_RDWR, ENOENT, "O_CREAT");
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(LIMIT, text);
}

static void test(int kind)
{
	forget_all();
	shm_unlink("vmtest");
	if (kind == MEMFD) {
		MUST(chmod("/dev/shpt", 0666));
		outlives_its_creator(shared(PAGE));
		is_protected_as_a_file();
		goes_with_its_name();
		a_memfd();
		removed();
		planted();
		a_path_that_leads_astray();
		at_the_limit();
		MUST(chmod("/dev/shpt", 0660));
	}
	a_file_elsewhere(kind);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
