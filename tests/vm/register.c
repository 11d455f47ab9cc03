/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registered region outlives whoever made it, with contents and page tables,
 * is found by its name, keeps the module and the file system in place, and ends
 * when it is unregistered and nobody uses it any more: at once, or with its
 * last guest.
 */
#include "registry.h"

#include <sys/mount.h>
#include <sys/syscall.h>

#define BYTES	(8 * MIB)
#define MOUNT	"/run/vmtest.mount"

static struct {
	char *p;
	pthread_barrier_t *step;
	struct shpt_region_info *info;
} t;

/* Makes a file, writes to it as a guest, registers it, and dies. */
static void creator(void *arg)
{
	int fd, reg;

	fd = MUST(open(arg, O_RDWR | O_CREAT | O_EXCL, 0600));
	MUST(ftruncate(fd, CHUNK));
	reg = open_region(fd);
	stamp(map_region(reg, 1, 0), BYTES, 1);
	umask(022);
	MUST(try_register(reg, "/vmtest", 0666));
	*t.info = region_info(reg);
}

static void guest(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, BYTES, 1);
	meet(t.step);
	meet(t.step);
	CHECK_STAMP(t.p, BYTES, 2);
	CHECK_EQ(linked_chunks(t.p), 1);
	meet(t.step);
	stamp(t.p, BYTES, 3);
	meet(t.step);
}

static void cannot_unload(void)
{
	long ret = syscall(SYS_delete_module, "shpt", O_NONBLOCK);

	CHECK(ret == -1 && (errno == EBUSY || errno == EAGAIN),
	      "delete_module with a registered region: %ld, %s", ret,
	      strerror(errno));
}

/* Only sysfs and the region itself know of it now. */
static void survives(const char *path)
{
	uint64_t id = t.info->id;
	struct shpt_region_info info;
	long before;
	int reg;

	WAIT_FOR(region_fact(id, "guests") == 0, 5, "the creator is a guest");
	CHECK_EQ(fact("registered"), 1);
	CHECK_EQ(find_region("name", "vmtest"), id);
	CHECK_TEXT(id, "backing", path);
	CHECK_TEXT(id, "uid", "0");
	CHECK_TEXT(id, "gid", "0");
	CHECK_TEXT(id, "mode", "0644");
	CHECK_EQ(region_fact(id, "table_bytes"), t.info->table_bytes);
	cannot_unload();

	reg = MUST(try_open_named("vmtest"));
	info = region_info(reg);
	CHECK_EQ(info.id, id);
	t.p = map_region(reg, 1, 0);
	close(reg);
	before = faults();
	CHECK_STAMP(t.p, BYTES, 1);
	/* One links, and the core may have come twice for it. */
	CHECK_LE(faults() - before, 8);
	CHECK_EQ(region_fact(id, "faults_served"), info.faults_served);
	CHECK_EQ(region_fact(id, "table_bytes"), t.info->table_bytes);
}

/* What it is for another guest, and for two more that go on, is the same. */
static void unregister_in_use(void)
{
	uint64_t id = t.info->id;
	pid_t pids[2];
	int reg, i;

	for (i = 0; i < 2; i++)
		pids[i] = spawn(guest, NULL);
	meet(t.step);
	reg = MUST(try_open_id(id));
	MUST_FAIL(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, reg, 0),
		  EACCES);
	MUST(try_unregister(reg));
	MUST_FAIL(try_unregister(reg), ENOENT);
	MUST_FAIL(try_register(reg, "vmtest", 0600), EACCES);
	close(reg);
	CHECK_EQ(fact("registered"), 0);
	CHECK(!region_text(id, "name"), "its name is still in sysfs");
	MUST_FAIL(try_open_named("vmtest"), ENOENT);
	stamp(t.p, BYTES, 2);
	MUST(munmap(t.p, CHUNK));
	meet(t.step);
	meet(t.step);
	CHECK_EQ(region_fact(id, "guests"), 2);
	cannot_unload();
	meet(t.step);
	for (i = 0; i < 2; i++)
		join(pids[i]);
	GONE(id);
}

static void test(int kind)
{
	const char *from = kind == DAX ? test_env("SHPT_TEST_DAX") : "vmtest";
	char path[128], *p;
	int fd, reg;

	forget_all();
	t.info = shared(PAGE);
	t.step = barrier(3);
	umount2(MOUNT, MNT_DETACH);
	mkdir(MOUNT, 0700);
	MUST(mount(from, MOUNT, "tmpfs", kind == DAX ? MS_BIND : 0, NULL));
	snprintf(path, sizeof(path), MOUNT "/pool.%d", getpid());

	join(spawn(creator, path));
	survives(path);
	MUST_FAIL(umount(MOUNT), EBUSY);
	unregister_in_use();

	/* With no guest either, it holds the mount, and then no longer. */
	fd = MUST(open(path, O_RDWR | O_CLOEXEC));
	reg = open_region(fd);
	CHECK(region_info(reg).id > t.info->id, "an id was used again");
	p = map_region(reg, 1, 0);
	CHECK_STAMP(p, BYTES, 3);
	MUST(munmap(p, CHUNK));
	MUST(try_register(reg, "vmtest", 0600));
	t.info->id = region_info(reg).id;
	close(reg);
	close(fd);
	MUST(unlink(path));
	MUST_FAIL(umount(MOUNT), EBUSY);
	reg = MUST(try_open_id(find_region("name", "vmtest")));
	MUST(try_unregister(reg));
	close(reg);
	GONE(t.info->id);
	WAIT_FOR(umount(MOUNT) == 0, 5, "umount: %s", strerror(errno));
	rmdir(MOUNT);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
