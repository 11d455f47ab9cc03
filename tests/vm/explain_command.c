/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shptctl explain tells of a process what it shares and why it may not, and of a
 * directory which regions keep its file system from being unmounted. What it
 * says is to be typed mends that.
 */
#include "vmtest.h"
#include "shell.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>

#define FOLDER "/tmp/explained"

static pthread_barrier_t *step;

/* A check of what explain has said, by a pattern of its line. */
#define CHECK_SAID(pattern, ...) do {					\
	char what_[256];						\
									\
	snprintf(what_, sizeof(what_), __VA_ARGS__);			\
	CHECK(shell("shptctl explain %s | tr -s ' ' | grep -E '%s'",	\
		    what_, pattern),					\
	      "%s: no '%s' in: %s", what_, pattern,			\
	      shell("shptctl explain %s 2>&1 || true", what_));		\
} while (0)

/* What a region holds is let go of some time after the last of its users. */
static void wait_for_mount(void)
{
	WAIT_FOR(shell("shptctl explain " FOLDER " | grep '^mount *ok '"),
		 PATIENCE, "a region is still on " FOLDER);
}

static void wait_twice(void)
{
	meet(step);
	meet(step);
}

/* ---- processes ----------------------------------------------------------- */

static void shares(void *arg)
{
	char *p = map_region(*(int *)arg, 2, 0);

	store(p, 1);
	wait_twice();
}

static void has_own_dev(void *arg)
{
	(void)arg;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", "/dev", "tmpfs", 0, NULL));
	wait_twice();
}

static void has_own_root(void *arg)
{
	(void)arg;
	MUST(chroot(FOLDER));
	wait_twice();
}

static void is_nobody(void *arg)
{
	(void)arg;
	MUST(setgroups(0, NULL));
	MUST(setgid(65534));
	MUST(setuid(65534));
	wait_twice();
}

/* With one process at a time, from when it has got ready. */
static pid_t start(void (*process)(void *), void *arg)
{
	pid_t pid = spawn(process, arg);

	meet(step);
	return pid;
}

static void end(pid_t pid)
{
	meet(step);
	join(pid);
}

static void explains_sharing(void)
{
	int reg = open_region(backing(MEMFD, 2 * CHUNK));
	pid_t pid = start(shares, &reg);
	char want[128];

	snprintf(want, sizeof(want),
		 " 2G shared region %llu, 1 of 2 chunks linked shpt:",
		 (unsigned long long)region_info(reg).id);
	CHECK_SAID(want, "%d", pid);
	CHECK_SAID("^library ok ", "%d", pid);
	CHECK_SAID("^Process [0-9]* can share page tables\\.$", "%d", pid);
	end(pid);
	close(reg);
}

static void explains_device(void)
{
	pid_t pid = start(has_own_dev, NULL);

	CHECK_SAID("^device no .* a /dev of its own", "%d", pid);
	end(pid);

	MUST(mkdir(FOLDER "/dev", 0755));
	pid = start(has_own_root, NULL);
	CHECK_SAID("^device no .* its / is " FOLDER, "%d", pid);
	MUST_RUN("shptctl explain %d | sed -n 's/^  device: //p' | sh -e", pid);
	CHECK_SAID("^device ok ", "%d", pid);
	MUST(umount(FOLDER "/dev/shpt"));
	end(pid);

	MUST(chmod(SHPT_DEVICE, 0660));
	pid = start(is_nobody, NULL);
	CHECK_SAID("^device no .* user nobody may not open it; mode 0660",
		   "%d", pid);
	CHECK_SAID("^ device: .*usermod .* shpt nobody", "%d", pid);
	MUST(chmod(SHPT_DEVICE, 0666));
	CHECK_SAID("^device ok ", "%d", pid);
	end(pid);
}

/* A program that is told by its environment not to share. */
static void explains_settings(void)
{
	pid_t pid = atoi(MUST_RUN("shptctl exec --backend plain -- sleep 60 "
				  ">/dev/null 2>&1 & echo $!"));

	WAIT_FOR(shell("grep -q libshpt-preload /proc/%d/maps", pid), PATIENCE,
		 "the library is not in process %d", pid);
	CHECK_SAID("^library ok .*/libshpt-preload.so$", "%d", pid);
	CHECK_SAID("^settings no LIBSHPT_BACKEND=plain ", "%d", pid);
	CHECK_EQ(run("shptctl explain %d >/dev/null", pid), 1);
	MUST(kill(pid, SIGKILL));
}

/* ---- files --------------------------------------------------------------- */

static void explains_files(void)
{
	const char *dax = test_env("SHPT_TEST_DAX");
	const char *disk = test_env("SHPT_TEST_DISK");

	MUST_RUN("truncate -s 64M %s/explained %s/explained", dax, disk);
	CHECK_SAID("^file ok on ext4 with DAX$", "%s/explained", dax);
	CHECK_SAID("^entries note ", "%s/explained", dax);
	CHECK_SAID("^file no on ext4 .*, without DAX$", "%s/explained", disk);
	MUST_RUN("chattr +a %s/explained", dax);
	CHECK_SAID("^access note append-only ", "%s/explained", dax);
	MUST_RUN("shptctl explain %s/explained | "
		 "sed -n 's/^  access: to write: //p' | sh -e", dax);
	CHECK_SAID("^access ok ", "%s/explained", dax);
	MUST_RUN("rm %s/explained %s/explained", dax, disk);
	if (getenv("SHPT_TEST_DEVDAX"))
		CHECK_SAID("^file ok a device-dax aligned to 2097152$", "%s",
			   getenv("SHPT_TEST_DEVDAX"));
}

/* ---- what keeps a mount busy ---------------------------------------------- */

static void maps_pool(void *arg)
{
	int fd = MUST(open(FOLDER "/pool", O_RDWR | O_CLOEXEC));

	(void)arg;
	store(map_guest(fd, 1), 1);
	close(fd);
	wait_twice();
}

static void opens_pool(void *arg)
{
	int fd = MUST(open(FOLDER "/pool", O_RDWR | O_CLOEXEC));

	(void)arg;
	open_region(fd);
	close(fd);
	wait_twice();
}

static void is_held_by(void (*process)(void *))
{
	pid_t pid = start(process, NULL);
	char want[64];

	snprintf(want, sizeof(want), "^ mount: .*stop %d explain_command$", pid);
	CHECK_SAID(want, FOLDER);
	end(pid);
}

static void explains_mount(void)
{
	MUST_RUN("truncate -s 64M " FOLDER "/pool");
	CHECK_SAID("^mount ok no region is on " FOLDER "$", FOLDER);
	is_held_by(maps_pool);
	is_held_by(opens_pool);
	wait_for_mount();

	MUST_RUN("shptctl register --name explained " FOLDER "/pool");
	MUST_FAIL(umount(FOLDER), EBUSY);
	CHECK_SAID("^mount note 1 region keeps " FOLDER " ", FOLDER);
	MUST_RUN("shptctl explain " FOLDER " | "
		 "sed -n 's/^  mount: to unmount it: //p' | sh -e");
	wait_for_mount();
	MUST(umount(FOLDER));
}

static void test(int kind)
{
	struct stat st;

	(void)kind;
	step = barrier(2);
	MUST(stat(SHPT_DEVICE, &st));
	MUST(chmod(SHPT_DEVICE, 0666));
	MUST(mkdir(FOLDER, 0755));
	MUST(mount("none", FOLDER, "tmpfs", 0, NULL));

	explains_sharing();
	explains_device();
	explains_settings();
	explains_files();
	explains_mount();
	MUST(rmdir(FOLDER));
	MUST(chmod(SHPT_DEVICE, st.st_mode & 07777));
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
