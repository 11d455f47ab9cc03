/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two containers, that is processes with namespaces of every kind and a root of
 * their own, whose users are nobody outside, map one file of a tmpfs that both
 * have mounted: one region and one set of page tables, which outlives the one
 * that came first.
 */
#include "vmtest.h"

#include <libshpt.h>
#include <sched.h>
#include <sys/mount.h>

#define BYTES	(16 * MIB)
#define ONE_SET	(BYTES / (2 * MIB) * PAGE + 2 * PAGE)	/* of page tables */
#define NAMESPACES							\
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |	\
	 CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP)

static struct {
	pthread_barrier_t *step[2];	/* of each container, and outside */
	volatile uint64_t *region;	/* what each has found */
} t;

static void put(const char *from, const char *to, bool folder)
{
	if (folder)
		MUST(mkdir(to, 0755));
	else
		close(MUST(open(to, O_CREAT | O_WRONLY, 0600)));
	MUST(mount(from, to, NULL, MS_BIND, NULL));
}

/* A tmpfs with nothing in it but the device, the volume, and a new /proc. */
static void make_root(const char *volume)
{
	char root[] = "/tmp/root.XXXXXX", cwd[256];

	CHECK(mkdtemp(root), "mkdtemp: %s", strerror(errno));
	CHECK(getcwd(cwd, sizeof(cwd)), "getcwd: %s", strerror(errno));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("none", root, "tmpfs", 0, NULL));
	MUST(chdir(root));
	MUST(mkdir("dev", 0755));
	put(SHPT_DEVICE, "dev/shpt", false);
	put("/tmp/volume", volume, true);
	MUST(mkdir("proc", 0755));
	MUST(mount("proc", "proc", "proc", 0, NULL));
	MUST(chroot("."));
}

static char *map_file(const char *path, uint64_t *region)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	struct libshpt_info info;
	int fd = MUST(open(path, O_RDWR | O_CLOEXEC));
	char *p = libshpt_map_attr(NULL, BYTES, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0, &attr, sizeof(attr));

	CHECK(p != MAP_FAILED, "%s: %s", path, libshpt_errormsg());
	MUST(libshpt_info(p, &info, sizeof(info)));
	*region = info.region_id;
	return p;
}

/* The first process of a container. */
static void inside(void *arg)
{
	long me = (long)arg;
	uint64_t region;
	long before;
	char *p;

	CHECK_EQ(getpid(), 1);
	make_root(me ? "there" : "here");
	p = map_file(me ? "there/file" : "here/file", &region);
	t.region[me] = region;
	before = faults();
	if (me) {
		CHECK_STAMP(p, BYTES / 2, 1);
		CHECK_LE(faults() - before, 16);
	}
	stamp(p + me * BYTES / 2, BYTES / 2, me + 1);
	meet(t.step[me]);
	meet(t.step[me]);
	CHECK_STAMP(p + BYTES / 2, BYTES / 2, 2);
}

static void container(void *arg)
{
	long me = (long)arg;
	pid_t pid;
	int status;

	MUST(unshare(NAMESPACES));
	meet(t.step[me]);
	meet(t.step[me]);
	MUST(setgid(0));
	MUST(setuid(0));
	pid = MUST(fork());
	if (!pid) {
		inside(arg);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static pid_t start(long me)
{
	pid_t pid = spawn(container, (void *)me);
	char path[64], map[64];

	meet(t.step[me]);
	snprintf(map, sizeof(map), "0 %ld 65536", 100000 + me * 65536);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_text(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_text(path, map);
	meet(t.step[me]);
	meet(t.step[me]);	/* it has mapped and written */
	return pid;
}

static void test(int kind)
{
	pid_t pids[2];
	int fd;

	/* As in the kernel that checks itself. */
	if (access("/proc/self/ns/pid", F_OK))
		SKIP("this kernel has no PID namespaces");

	(void)kind;
	t.step[0] = barrier(2);
	t.step[1] = barrier(2);
	t.region = shared(2 * sizeof(*t.region));
	MUST(chmod(SHPT_DEVICE, 0666));
	MUST(mkdir("/tmp/volume", 0755));
	MUST(mount("none", "/tmp/volume", "tmpfs", 0, NULL));
	fd = MUST(open("/tmp/volume/file", O_RDWR | O_CREAT | O_EXCL, 0600));
	MUST(fchmod(fd, 0666));
	MUST(ftruncate(fd, BYTES));
	close(fd);

	pids[0] = start(0);
	pids[1] = start(1);
	CHECK_EQ(t.region[0], t.region[1]);
	CHECK_EQ(fact("regions"), 1);
	CHECK_EQ(fact("guests"), 2);
	CHECK_EQ(fact("links"), 2);
	CHECK_LE(fact("table_bytes"), ONE_SET);
	meet(t.step[0]);
	join(pids[0]);
	WAIT_FOR(fact("guests") == 1, 10, "%lld guests", fact("guests"));
	MUST(unlink("/tmp/volume/file"));
	meet(t.step[1]);
	join(pids[1]);
	WAIT_FOR(fact("regions") == 0, 10, "a region is left");
	MUST(umount("/tmp/volume"));
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
