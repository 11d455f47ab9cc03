/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shptctl populates, locks, reclaims and changes a region that it is given by
 * name, number or path; --dry-run does none of it. shptctl top shows who maps
 * it. What it cannot do it says, with what to do instead.
 */
#include "registry.h"
#include "shell.h"

#define BYTES (64 * MIB)
#define TABLES (32 * 4096LL) /* that map them, each 2 MiB */

static char path[128];
static uint64_t id;

#define CHECK_RUN(status, text, ...) do {				\
	int got_ = run(__VA_ARGS__);					\
									\
	CHECK(got_ == (status) && strstr(shell_out, text),			\
	      "%s: status %d and '%s', expected %d and '%s'",		\
	      #__VA_ARGS__, got_, shell_out, status, text);			\
} while (0)

static void populates(int fd)
{
	struct stat st;

	CHECK_RUN(0, "would populate", "shptctl populate --dry-run vmtest");
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 0);
	CHECK_RUN(0, "64M populated", "shptctl populate --threads 2 vmtest");
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks * 512, (long)BYTES);
	CHECK_GE(region_fact(id, "table_bytes"), TABLES);
	CHECK_RUN(0, "64M populated", "shptctl populate --write %llu",
		  (long long)id);
	CHECK_RUN(0, "64M populated", "shptctl populate '%s'", path);
}

static void locks(void)
{
	CHECK_RUN(0, "would lock", "shptctl lock --dry-run vmtest");
	CHECK_TEXT(id, "locked", "0");
	CHECK_RUN(0, "", "shptctl lock vmtest");
	CHECK_TEXT(id, "locked", "1");
	CHECK_RUN(0, "", "shptctl unlock '%s'", path);
	CHECK_TEXT(id, "locked", "0");
}

static void sets(void)
{
	CHECK_RUN(0, "mode=never", "shptctl set --dry-run vmtest mode=never");
	CHECK_TEXT(id, "reclaim_mode", "advise");
	CHECK_RUN(0, "", "shptctl set vmtest mode=never node=0");
	CHECK_TEXT(id, "reclaim_mode", "never");
	CHECK_TEXT(id, "node", "0");
	CHECK_RUN(1, "its mode is never", "shptctl reclaim vmtest 2>&1");
	CHECK_RUN(0, "", "shptctl reclaim --all");
	CHECK_RUN(1, "there is no node 999", "shptctl set vmtest node=999 2>&1");
	CHECK_RUN(0, "",
		  "shptctl set %llu mode=always interval=60000 scan=1G node=one",
		  (long long)id);
	CHECK_TEXT(id, "reclaim_mode", "always");
	CHECK_TEXT(id, "node", "one");
	CHECK_RUN(0, "", "shptctl set '%s' mode=advise", path);
	CHECK_TEXT(id, "reclaim_mode", "advise");
}

static void reclaims(int fd)
{
	long long tables;

	CHECK_RUN(0, "64M populated", "shptctl populate vmtest");
	tables = region_fact(id, "table_bytes");
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       BYTES));
	CHECK_RUN(0, "would reclaim", "shptctl reclaim --dry-run vmtest");
	CHECK_EQ(region_fact(id, "table_bytes"), tables);
	CHECK_RUN(0, "K freed", "shptctl reclaim vmtest");
	CHECK_LE(region_fact(id, "table_bytes"), tables - TABLES);
}

static void watches(int fd)
{
	char *guest = map_guest(fd, 1);
	char want[64];

	guest[0] = 1;
	snprintf(want, sizeof(want), "{\"pid\":%d,", getpid());
	CHECK_RUN(0, want, "shptctl top -J -n 1 -d 0.1");
	CHECK_RUN(0, "\"guests\":1,\"links\":1,",
		  "shptctl top -J -n 1 -d 0.1 | grep -o '\"guests.*'");
	CHECK_RUN(0, "\"regions\":1,\"links\":1,",
		  "shptctl top -J -n 1 -d 0.1 | grep -o '%s.*'", want);
	MUST(munmap(guest, CHUNK));
}

static void test(int kind)
{
	int fd;

	forget_all();
	(void)kind;
	snprintf(path, sizeof(path), "/dev/shm/vmtest %d", getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, BYTES));

	CHECK_RUN(1, "it is not registered", "shptctl lock '%s' 2>&1", path);
	CHECK_RUN(1, "there is no region '123456'",
		  "shptctl lock 123456 2>&1");
	CHECK_RUN(0, "as 'vmtest', mode 0600, node=0",
		  "shptctl register --dry-run --name vmtest --node 0 '%s'",
		  path);
	CHECK_EQ(fact("registered"), 0);
	CHECK_RUN(1, "there is no node 999",
		  "shptctl register --name vmtest --node 999 '%s' 2>&1", path);
	CHECK_EQ(fact("registered"), 0);
	CHECK_RUN(0, "", "shptctl register --name vmtest --node 0 '%s'", path);
	id = find_region("name", "vmtest");
	CHECK(id, "no region has the name");
	CHECK_TEXT(id, "node", "0");

	populates(fd);
	locks();
	sets();
	reclaims(fd);
	watches(fd);
	CHECK_RUN(0, "would unregister",
		  "shptctl unregister --dry-run --all");
	CHECK_EQ(fact("registered"), 1);
	CHECK_RUN(0, "", "shptctl unregister vmtest");
	GONE(id);
	MUST(unlink(path));
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
