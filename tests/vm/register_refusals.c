/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cannot be registered, each with its errno: names that are none, names
 * that are taken, a region for the second time, and more regions than the
 * limits allow, one user's and all of them; and that arguments which are
 * wrong change nothing. What a region that was opened by its id can't do, and
 * what cannot be done to the backing of one that is registered.
 */
#include "registry.h"

#define LIMIT		"/sys/module/shpt/parameters/max_registered"
#define USER_LIMIT	"/sys/module/shpt/parameters/max_registered_per_user"

static int a, b, c;	/* region fds */

static void names(void)
{
	char name[SHPT_NAME_BYTES + 1];

	MUST_FAIL(try_register(a, "/", 0600), EINVAL);
	MUST_FAIL(try_register(a, ".", 0600), EINVAL);
	MUST_FAIL(try_register(a, "/..", 0600), EINVAL);
	MUST_FAIL(try_register(a, "//vmtest", 0600), EINVAL);
	MUST_FAIL(try_register(a, "vm/test", 0600), EINVAL);
	MUST_FAIL(try_register(a, "vmtest/", 0600), EINVAL);
	MUST_FAIL(try_register(a, "vm\ntest", 0600), EINVAL);
	MUST_FAIL(try_register(a, "vm\177test", 0600), EINVAL);
	memset(name, 'x', SHPT_NAME_BYTES);
	name[SHPT_NAME_BYTES] = 0;
	MUST_FAIL(try_register(a, name, 0600), ENAMETOOLONG);
	MUST_FAIL(try_open_named(name), ENAMETOOLONG);
	MUST_FAIL(try_open_named(""), EINVAL);
	MUST_FAIL(try_open_named("vmtest/"), EINVAL);
	MUST_FAIL(try_open_named("vmtest"), ENOENT);
	MUST_FAIL(try_open_flags("vmtest", ~0U), EINVAL);

	name[SHPT_NAME_BYTES - 1] = 0;
	MUST(try_register(a, name, 0600));
	CHECK_TEXT(region_info(a).id, "name", name);
	close(MUST(try_open_named(name)));
	MUST(try_unregister(a));
}

static void arguments(void)
{
	struct shpt_register req = { .size = sizeof(req), .name = "vmtest" };
	struct shpt_unregister un = { .size = sizeof(un), .flags = 1 };

	MUST_FAIL(try_register(a, "vmtest", 0700), EINVAL);
	MUST_FAIL(try_register(a, "vmtest", 04600), EINVAL);
	req.flags = 1;
	MUST_FAIL(ioctl(a, SHPT_IOC_REGISTER, &req), EINVAL);
	req.flags = 0;
	req.reserved = 1;
	MUST_FAIL(ioctl(a, SHPT_IOC_REGISTER, &req), EINVAL);
	MUST_FAIL(ioctl(a, SHPT_IOC_REGISTER, NULL), EFAULT);
	MUST_FAIL(ioctl(a, SHPT_IOC_UNREGISTER, &un), EINVAL);
	MUST_FAIL(try_unregister(a), ENOENT);
	MUST_FAIL(try_open_id(0), ENOENT);
	MUST_FAIL(try_open_id(~0ULL), ENOENT);
	CHECK_EQ(fact("registered"), 0);
}

static void taken(void)
{
	MUST(try_register(a, "vmtest", 0600));
	MUST_FAIL(try_register(a, "vmtest", 0600), EALREADY);
	MUST_FAIL(try_register(a, "vmtest.2", 0600), EALREADY);
	MUST_FAIL(try_register(b, "vmtest", 0600), EEXIST);
	MUST_FAIL(try_register(b, "/vmtest", 0600), EEXIST);
	MUST(try_register(b, "vmtest.2", 0600));
	/* Of regions without a name there may be many. */
	MUST(try_unregister(a));
	MUST(try_register(a, "", 0600));
	MUST(try_register(c, "", 0600));
	CHECK_TEXT(region_info(c).id, "name", "");
	CHECK_EQ(fact("registered"), 3);
	MUST(try_unregister(a));
	MUST(try_unregister(b));
	MUST(try_unregister(c));
}

/* The limit of one user, who then meets none of his own. */
static void as_nobody(void *arg)
{
	(void)arg;
	MUST(setuid(65534));
	MUST(try_register(a, "vmtest.a", 0600));
	MUST_FAIL(try_register(b, "vmtest.b", 0600), EDQUOT);
	MUST(try_unregister(a));
	MUST(try_register(b, "vmtest.b", 0600));
	MUST_FAIL(try_register(a, "vmtest.a", 0600), EDQUOT);
}

static void limits(void)
{
	long long all = read_number(LIMIT), user = read_number(USER_LIMIT);
	char text[32];

	write_text(USER_LIMIT, "1");
	join(spawn(as_nobody, NULL));
	MUST(try_register(a, "vmtest.a", 0600));
	MUST(try_register(c, "vmtest.c", 0600));
	snprintf(text, sizeof(text), "%lld", user);
	write_text(USER_LIMIT, text);

	MUST(try_unregister(a));
	write_text(LIMIT, "2");
	MUST_FAIL(try_register(a, "vmtest.a", 0600), ENFILE);
	write_text(LIMIT, "3");
	MUST(try_register(a, "vmtest.a", 0600));
	snprintf(text, sizeof(text), "%lld", all);
	write_text(LIMIT, text);
	forget_all();
}

/* As long as it can be opened for writing, its pages may be written to. */
static void seals(int fd)
{
	MUST(try_register(a, "vmtest", 0600));
	MUST_FAIL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	MUST_FAIL(try_open_named("vmtest"), EPERM);
	close(MUST(try_open_flags("vmtest", SHPT_OPEN_READ_ONLY)));
	MUST(try_unregister(a));
	close(a);
	WAIT_FOR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0, 5,
		 "cannot be sealed: %s", strerror(errno));
}

static void steering(void)
{
	uint64_t id = region_info(a).id;
	struct shpt_populate populate = {
		.size = sizeof(populate), .length = MIB,
	};
	struct shpt_reclaim reclaim = {
		.size = sizeof(reclaim), .length = CHUNK,
	};
	int reg = MUST(try_open_id(id));

	CHECK_EQ(region_info(reg).id, id);
	MUST(ioctl(reg, SHPT_IOC_RECLAIM, &reclaim));
	MUST_FAIL(ioctl(reg, SHPT_IOC_POPULATE, &populate), EACCES);
	MUST_FAIL(try_register(reg, "vmtest", 0600), EACCES);
	MUST_FAIL(mmap(NULL, CHUNK, PROT_READ, MAP_SHARED, reg, 0), EACCES);
	MUST_FAIL(mmap(NULL, CHUNK, PROT_NONE, MAP_SHARED, reg, 0), EACCES);
	close(reg);
}

static void test(int kind)
{
	int fd = backing(kind, MIB);

	forget_all();
	a = open_region(fd);
	b = open_region(backing(kind, MIB));
	c = open_region(backing(kind, MIB));
	names();
	arguments();
	taken();
	limits();
	steering();
	seals(fd);
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
