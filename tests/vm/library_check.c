/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt_check_file() is right: files that it finds no fault with are mapped by
 * huge entries, and each of those that it warns of is not; and it knows what
 * has become of a device-dax that is in system-ram mode.
 */
#include "refusal.h"

#define HUGE	(2 * MIB)
#define BYTES	(8 * MIB)

static char advice[LIBSHPT_ADVICE_BYTES];

static int check(const char *path)
{
	int found = libshpt_check_file(path, advice, sizeof(advice));

	CHECK(found >= 0, "%s: %s", path, libshpt_errormsg());
	CHECK_EQ(found, advice[0] != '\0');
	CHECK(strlen(advice) < sizeof(advice) - 1, "cut: %s", advice);
	return found;
}

/* How many faults it takes to write to all of the file, with huge entries
 * where that is possible. */
static long faults_of_file(int fd)
{
	char *p;
	long before;

	MUST(setenv("LIBSHPT_BACKEND", "thp", 1));
	p = libshpt_map(NULL, BYTES, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	before = faults();
	for (size_t off = 0; off < BYTES; off += PAGE)
		store(p + off, off);
	before = faults() - before;
	MUST(libshpt_unmap(p, BYTES));
	return before;
}

static const char *folder;

static int new_file(const char *name, char path[256])
{
	snprintf(path, 256, "%s/check.%s.%d", folder, name, getpid());
	return MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

/* The verdict on it is the truth, and says this. Its name goes. */
static void is_right(const char *path, int fd, const char *must_name)
{
	int found = check(path);
	long taken = faults_of_file(fd);

	CHECK((taken > (long)(BYTES / HUGE)) == found,
	      "%s takes %ld faults, and the advice is '%s'", path, taken,
	      advice);
	if (must_name)
		check_sentence(advice, must_name);
	MUST(unlink(path));
}

/* As the file system has it: one of some new files lies as it should. */
static void whole_files(void)
{
	bool found = false;
	char path[256];
	int fds[8];

	for (int i = 0; i < 8; i++) {
		fds[i] = new_file("whole", path);
		MUST(fallocate(fds[i], 0, 0, BYTES));
		found |= !check(path);
		is_right(path, fds[i], NULL);
	}
	CHECK(found || strstr(path, "/xfs/"), "none is aligned: %s", advice);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}

/* Written by turns with another. */
static void fragments(void)
{
	char path[256], other_path[256], data[16 * KIB] = "";
	int fd = new_file("fragments", path);
	int other = new_file("other", other_path);

	for (size_t off = 0; off < BYTES; off += sizeof(data)) {
		CHECK_EQ(pwrite(fd, data, sizeof(data), off), sizeof(data));
		CHECK_EQ(pwrite(other, data, sizeof(data), off), sizeof(data));
	}
	is_right(path, fd, "fragments");
	close(fd);
	CHECK(strstr(advice, "mkfs.") && strstr(advice, "fallocate"),
	      "no way out: %s", advice);
	MUST(unlink(other_path));
	close(other);
}

/* A hole is filled as the file system likes it: see what it does. */
static void holes(void)
{
	char path[256];
	int fd = new_file("holes", path);

	MUST(ftruncate(fd, BYTES));
	CHECK_EQ(check(path), 1);
	check_sentence(advice, "4 have holes");
	MUST(ftruncate(fd, MIB));
	CHECK_EQ(check(path), 1);
	check_sentence(advice, "larger");
	MUST(unlink(path));
	close(fd);
}

/* The second half lies an odd MiB further on than it should. */
static void misaligned(void)
{
	char path[256];
	int fd = new_file("misaligned", path);

	MUST(fallocate(fd, 0, 0, BYTES + 4 * MIB));
	MUST(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4 * MIB, MIB));
	MUST(ftruncate(fd, BYTES));
	is_right(path, fd, "no multiple");
	close(fd);
}

/* ---- device-dax ---------------------------------------------------------- */

#define DRIVERS	"/sys/bus/dax/drivers/"

/* As "daxctl reconfigure-device" does it, in both directions. */
static void to_system_ram(const char *device)
{
	write_text("/sys/devices/system/memory/auto_online_blocks", "offline");
	write_text(DRIVERS "device_dax/unbind", device);
	write_text(DRIVERS "kmem/new_id", device);
}

static void to_devdax(const char *device)
{
	write_text(DRIVERS "kmem/unbind", device);
	write_text(DRIVERS "kmem/remove_id", device);
	write_text(DRIVERS "device_dax/bind", device);
}

static void system_ram(const char *path)
{
	const char *device = strrchr(path, '/') + 1;
	int fd = MUST(open(path, O_RDWR | O_CLOEXEC));

	if (system("modprobe -q kmem"))
		return;		/* not in a kernel made for debugging */
	to_system_ram(device);
	/* Who has it open, and so can open it again, is told as well. */
	MUST_FAIL(libshpt_map(NULL, BYTES, RW, MAP_SHARED, fd, 0), ENXIO);
	check_sentence(libshpt_errormsg(), "system-ram");
	CHECK_EQ(check(path), 1);
	check_sentence(advice, device);
	close(fd);
	MUST_FAIL(open(path, O_RDWR), ENXIO);
	CHECK_EQ(check(path), 1);
	check_sentence(advice, "system-ram");
	check_sentence(advice, device);
	to_devdax(device);
	CHECK(!check(path), "%s", advice);
}

static void device_dax(void)
{
	const char *path = test_env("SHPT_TEST_DEVDAX");
	int fd = backing(DEVDAX, BYTES);

	CHECK(!check(path), "%s", advice);
	CHECK_LE(faults_of_file(fd), (long)(BYTES / HUGE));
	close(fd);
	MUST_FAIL(libshpt_check_file("/dev/dax77.7", advice, sizeof(advice)),
		  ENOENT);
	system_ram(path);
}

static void memory(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQ(check(path), 1);
	check_sentence(advice, "shmem_enabled");
	write_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "advise");
	CHECK_EQ(check(path), 0);
	write_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "never");
	/* On a mount it is the mount's to say. */
	CHECK_EQ(check("/dev/shm/file"), 1);
	check_sentence(advice, "huge=advise");
	MUST(system("mount -o remount,huge=advise /dev/shm"));
	CHECK_EQ(check("/dev/shm/file"), 0);
	MUST(system("mount -o remount,huge=never /dev/shm"));
}

static void test(int kind)
{
	switch (kind) {
	case MEMFD:
		close(MUST(open("/dev/shm/file", O_CREAT | O_RDWR, 0600)));
		memory(backing(kind, BYTES));
		MUST(unlink("/dev/shm/file"));
		return;
	case DEVDAX:
		device_dax();
		return;
	}
	folder = test_env(kind == DAX ? "SHPT_TEST_DAX" : "SHPT_TEST_XFS");
	whole_files();
	fragments();
	holes();
	misaligned();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | XFS | DEVDAX, 40);
}
