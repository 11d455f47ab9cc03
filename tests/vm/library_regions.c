/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt's calls on regions: register and unregister, lock, reclaim and the
 * list of them, on the file or on a region fd; and each refusal with its errno
 * and a sentence.
 */
#include "refusal.h"
#include "registry.h"

#define BYTES	(64 * MIB)
#define LIMIT	"/sys/module/shpt/parameters/max_registered"

#define REFUSED(call, err, words) do {					\
	MUST_FAIL(call, err);						\
	check_sentence(libshpt_errormsg(), words);			\
} while (0)

static int fd, other;

static bool find(uint64_t id, struct libshpt_region *r)
{
	int ret = libshpt_next_region(id - 1, r, sizeof(*r));

	CHECK(ret >= 0, "%s", libshpt_errormsg());
	return ret == 1 && r->id == id;
}

static uint64_t id_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info.region_id;
}

static void statistics(const char *p)
{
	struct libshpt_region r;
	uint64_t id = id_of(p);

	CHECK(find(id, &r), "region %llu is not found", (long long)id);
	CHECK_EQ(r.backing_bytes, BYTES);
	CHECK_EQ(r.guests, 1);
	CHECK_EQ(r.links, 1);
	CHECK_EQ(r.hosts, region_fact(id, "hosts"));
	CHECK_EQ(r.table_bytes, region_fact(id, "table_bytes"));
	CHECK_EQ(r.saved_bytes, region_fact(id, "saved_bytes"));
	CHECK_GE(r.faults_served, 1);
	CHECK_EQ(r.registered, 0);
	CHECK_EQ(r.node_policy, LIBSHPT_NODE_ONE);
	CHECK_EQ(r.reclaim_mode, LIBSHPT_RECLAIM_ADVISE);
	CHECK(strlen(r.backing) > 5, "its backing is '%s'", r.backing);
}

/* Every region once, in order, and none twice. */
static void iteration(void)
{
	struct libshpt_region r = { 0 };
	long long count = 0;
	int ret;

	while ((ret = libshpt_next_region(r.id, &r, sizeof(r))) == 1)
		count++;
	CHECK_EQ(ret, 0);
	CHECK_EQ(count, fact("regions"));
	CHECK_GE(count, 2);
}

static void registers(uint64_t id)
{
	struct libshpt_region r;
	long long limit = read_number(LIMIT);
	char text[32];
	int reg;

	umask(0);
	MUST(libshpt_register(fd, "/vmtest", 0640));
	CHECK(find(id, &r), "it is gone");
	CHECK_EQ(r.registered, 1);
	CHECK_EQ(r.mode, 0640);
	CHECK_EQ(r.uid, 0);
	CHECK(!strcmp(r.name, "vmtest"), "its name is '%s'", r.name);
	REFUSED(libshpt_register(fd, "vmtest.2", 0600), EALREADY, "already");
	REFUSED(libshpt_register(other, "vmtest", 0600), EEXIST, "name");
	REFUSED(libshpt_register(reopen(other, O_RDONLY), NULL, 0600), EACCES,
		"O_RDWR");
	write_text(LIMIT, "1");
	REFUSED(libshpt_register(other, NULL, 0600), ENFILE, "max_registered");
	snprintf(text, sizeof(text), "%lld", limit);
	write_text(LIMIT, text);
	REFUSED(libshpt_unregister(other), ENOENT, "not registered");
	MUST(libshpt_unregister(reopen(fd, O_RDONLY)));
	REFUSED(libshpt_unregister(fd), ENOENT, "not registered");

	/* By a region fd it is the same. */
	reg = open_region(fd);
	MUST(libshpt_register(reg, "", 0600));
	CHECK(find(id, &r), "it is gone");
	CHECK(r.registered && !*r.name, "its name is '%s'", r.name);
	MUST(libshpt_unregister(reg));
	CHECK_EQ(fact("registered"), 0);
	close(reg);
}

static void ordinary_user(void *id)
{
	struct rlimit limit = { MIB, MIB };
	struct libshpt_region r;

	MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
	MUST(setuid(65534));
	REFUSED(libshpt_unregister(fd), EPERM, "another user");
	if (vmtest_kind == MEMFD)
		REFUSED(libshpt_lock(fd), EPERM, "CAP_IPC_LOCK");
	CHECK(find(*(uint64_t *)id, &r), "it is gone");
	CHECK(!*r.backing, "anybody may know its file, '%s'", r.backing);
	CHECK_EQ(r.backing_bytes, BYTES);
}

static void locks(uint64_t id)
{
	struct libshpt_region r;

	MUST(libshpt_lock(fd));
	CHECK(find(id, &r) && r.locked, "it is not locked");
	MUST(libshpt_unlock(fd));
	CHECK(find(id, &r) && !r.locked, "it is locked");
	REFUSED(libshpt_lock(reopen(fd, O_RDONLY)), EACCES, "O_RDWR");
	REFUSED(libshpt_unlock(reopen(fd, O_RDONLY)), EACCES, "O_RDWR");
}

static void reclaims(char *p, uint64_t id)
{
	struct libshpt_region r;
	uint64_t freed = 1;

	MUST(libshpt_reclaim(fd, 0, BYTES, &freed));
	CHECK_EQ(freed, 0);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * MIB,
		       BYTES - 2 * MIB));
	MUST(libshpt_reclaim(fd, 0, BYTES, &freed));
	CHECK_GE(freed, (BYTES / (2 * MIB) - 2) * PAGE);
	CHECK(find(id, &r), "it is gone");
	CHECK_EQ(r.reclaimed, freed);
	CHECK_STAMP(p, MIB, 1);
	MUST(libshpt_reclaim(fd, 0, 1, NULL));
	REFUSED(libshpt_reclaim(reopen(fd, O_RDONLY), 0, 1, &freed), EACCES,
		"O_RDWR");
}

/* What can be no region. */
static void no_regions(void)
{
	int file = MUST(open("/etc/hostname", O_RDONLY | O_CLOEXEC)), pipes[2];

	MUST(pipe(pipes));
	REFUSED(libshpt_lock(file), ENODEV, "DAX");
	REFUSED(libshpt_register(pipes[1], NULL, 0600), ENODEV, "regular file");
	REFUSED(libshpt_reclaim(MUST(open("/", O_RDONLY)), 0, 1, NULL), ENODEV,
		"regular file");
	REFUSED(libshpt_unregister(reopen(other, O_WRONLY)), EACCES, "reading");
}

static void test(int kind)
{
	uint64_t id;
	char *p;

	forget_all();
	fd = backing(kind, BYTES);
	other = backing(kind, MIB);
	open_region(other);
	p = require_shared(NULL, BYTES, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	id = id_of(p);
	for (size_t at = 0; at < BYTES; at += 2 * MIB)
		store(p + at, at);
	stamp(p, MIB, 1);
	statistics(p);
	iteration();
	registers(id);
	MUST(libshpt_register(fd, NULL, 0600));
	MUST(chmod("/dev/shpt", 0666));
	join(spawn(ordinary_user, &id));
	MUST(chmod("/dev/shpt", 0660));
	MUST(libshpt_unregister(fd));
	if (kind == MEMFD) {
		locks(id);
		reclaims(p, id);
	}
	no_regions();
	MUST(libshpt_unmap(p, BYTES));
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
