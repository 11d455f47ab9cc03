/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may open a registered region by its name, steer it by its id and
 * unregister it: mode, owner and group decide as for a file, and capabilities.
 */
#include "registry.h"

#include <grp.h>
#include <sys/mount.h>

#define LIMIT	"/sys/module/shpt/parameters/max_regions_per_user"

/* Two users with a group each, one group in common, and a third user. */
enum { ANN = 1001, BOB = 1002, EVE = 1003, TEAM = 2000 };

static struct {
	int fd;
	uint64_t id;
} t;

static void become(uid_t uid, bool team)
{
	gid_t groups[] = { TEAM };

	MUST(setgroups(team, groups));
	MUST(setgid(team ? TEAM : uid));
	MUST(setuid(uid));
}

/* Opens by name and writes what the others read. */
static void opens(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	int reg = MUST(try_open_named("vmtest"));
	char *p = map_region(reg, 1, 0);

	CHECK_EQ(region_info(reg).id, t.id);
	CHECK_STAMP(p, MIB, seed - 1);
	stamp(p, MIB, seed);
}

/* As one who may read, and no more. */
static void reads(void *seed)
{
	int reg;

	become(BOB, false);
	MUST_FAIL(try_open_named("vmtest"), EACCES);
	reg = MUST(try_open_flags("vmtest", SHPT_OPEN_READ_ONLY));
	MUST_FAIL(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, reg, 0),
		  EACCES);
	CHECK_STAMP(MUST(try_map(NULL, CHUNK, PROT_READ, MAP_SHARED, reg, 0)),
		    MIB, (uintptr_t)seed);
	MUST_FAIL(try_register(reg, "vmtest.mine", 0600), EACCES);
	MUST_FAIL(try_unregister(reg), EPERM);
}

static void is_refused(void)
{
	MUST_FAIL(try_open_named("vmtest"), EACCES);
	MUST_FAIL(try_open_flags("/vmtest", SHPT_OPEN_READ_ONLY), EACCES);
}

/* Neither owner nor administrator, even with a region fd of his own. */
static void cannot_steer(void)
{
	int reg = open_region(t.fd);

	MUST_FAIL(try_open_id(t.id), EPERM);
	MUST_FAIL(try_unregister(reg), EPERM);
	MUST_FAIL(try_register(reg, "vmtest.mine", 0600), EALREADY);
	close(reg);
}

static void ann_registers(void *mode)
{
	int reg = open_region(t.fd);

	become(ANN, true);
	umask(0);
	MUST(try_register(reg, "vmtest", (uintptr_t)mode));
	close(reg);
	reg = MUST(try_open_id(t.id));
	CHECK_EQ(region_info(reg).id, t.id);
	MUST_FAIL(mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, reg, 0), EACCES);
}

static void ann_unregisters(void *arg)
{
	int reg;

	(void)arg;
	become(ANN, false);
	reg = MUST(try_open_id(t.id));
	MUST(try_unregister(reg));
	MUST_FAIL(try_open_id(t.id), EPERM);
}

static void ann(void *seed)
{
	become(ANN, false);
	opens(seed);
}

static void bob_in_team(void *seed)
{
	become(BOB, true);
	opens(seed);
	cannot_steer();
}

static void bob_alone(void *arg)
{
	(void)arg;
	become(BOB, false);
	is_refused();
	cannot_steer();
}

/* As everybody: the owner has the owner's bits, whatever the others' are. */
static void ann_refused(void *arg)
{
	(void)arg;
	become(ANN, true);
	is_refused();
	close(MUST(try_open_id(t.id)));
}

static void eve(void *seed)
{
	become(EVE, false);
	opens(seed);
}

/* What she registered counts as one that she has open. */
static void ann_at_limit(void *arg)
{
	int other = backing(*(int *)arg, MIB);

	become(ANN, true);
	MUST_FAIL(try_open_region(other), EDQUOT);
	close(open_region(t.fd));
}

static void counts_for_its_owner(int kind)
{
	long long limit = read_number(LIMIT);
	char text[32];

	write_text(LIMIT, "1");
	join(spawn(ann_at_limit, &kind));
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(LIMIT, text);
}

static void with_mode(mode_t mode, const char *text)
{
	join(spawn(ann_registers, (void *)(uintptr_t)mode));
	CHECK_TEXT(t.id, "uid", "1001");
	CHECK_TEXT(t.id, "gid", "2000");
	CHECK_TEXT(t.id, "mode", text);
}

/* Who came first by a mount that is read-only decides nothing for others. */
static void first_by_read_only_mount(void)
{
	int fd, readable, first, reg;

	MUST(mkdir("tmpfs", 0755));
	MUST(mkdir("again", 0755));
	MUST(mount("vmtest", "tmpfs", "tmpfs", 0, NULL));
	fd = MUST(open("tmpfs/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, MIB));
	MUST(mount("tmpfs", "again", NULL, MS_BIND, NULL));
	MUST(mount(NULL, "again", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	readable = MUST(open("again/file", O_RDONLY | O_CLOEXEC));
	first = open_region(readable);
	reg = open_region(fd);
	CHECK_EQ(region_info(first).id, region_info(reg).id);
	MUST(try_register(reg, "vmtest", 0600));
	store(map_region(MUST(try_open_named("vmtest")), 1, 0), 1);
	MUST(try_unregister(reg));
	close(first);
	close(reg);
	MUST(umount2("again", MNT_DETACH));
	MUST(umount2("tmpfs", MNT_DETACH));
}

static void test(int kind)
{
	int reg;

	forget_all();
	if (kind == MEMFD)
		first_by_read_only_mount();
	t.fd = backing(kind, MIB);
	reg = open_region(t.fd);
	t.id = region_info(reg).id;
	stamp(map_region(reg, 1, 0), MIB, 1);
	MUST(chmod("/dev/shpt", 0666));

	with_mode(0600, "0600");
	counts_for_its_owner(kind);
	join(spawn(ann, (void *)2));
	join(spawn(bob_alone, NULL));
	join(spawn(ann_unregisters, NULL));

	with_mode(0660, "0660");
	join(spawn(bob_in_team, (void *)3));
	join(spawn(bob_alone, NULL));
	join(spawn(ann_unregisters, NULL));

	with_mode(0644, "0644");
	join(spawn(reads, (void *)3));
	join(spawn(ann_unregisters, NULL));

	with_mode(0006, "0006");
	join(spawn(eve, (void *)4));
	join(spawn(ann_refused, NULL));
	/* Root may all. */
	join(spawn(opens, (void *)5));
	MUST(try_unregister(reg));
	CHECK_EQ(fact("registered"), 0);
	MUST(chmod("/dev/shpt", 0660));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
