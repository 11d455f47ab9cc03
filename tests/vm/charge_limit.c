/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memory cgroup at its limit gets its own out-of-memory kill, be it for pages
 * of a memfd or for page tables that the region's host needs: guests in it are
 * killed, nobody else is, and what they wrote is there for the others, who go
 * on. With a higher limit those of the group go on as well. Nor is a group killed
 * for what others ask of a region that it pays for. A process that must not be
 * killed gets an error.
 */
#include "vmtest.h"

#define LIMIT	(16 * MIB)
#define BYTES	(64 * MIB)
#define KILLED	3
#define CHUNKS	8		/* 16 MiB of PTE tables */
#define STEP	(2 * MIB)	/* what one of them maps */
#define FIRST	24		/* more than one reserve of a CPU is enough for */

static struct {
	int reg;
	char *p;
	volatile size_t *done;	/* by each of those who will be killed */
	volatile bool *stop, *opened;
	volatile uint64_t *turns;
	volatile int *waiting;
	int pipe[2];
} t;

static long long event(const char *cgroup, const char *key)
{
	return number_in(cgroup_file(cgroup, "memory.events"), key);
}

/* Writes its share, page by page, until it is killed. */
static void writer(void *arg)
{
	size_t me = (size_t)arg, off;
	char *p = t.p + me * BYTES;

	for (off = t.done[me]; off < BYTES; off += PAGE) {
		store(p + off, word(me, off));
		t.done[me] = off + PAGE;
	}
}

/* Touches a page for each table, all of them there before. */
static void toucher(void *arg)
{
	size_t off;

	(void)arg;
	for (off = 0; off < CHUNKS * CHUNK; off += STEP)
		CHECK_EQ(load(t.p + off), word(9, off));
}

/* In a group without a limit: reads, writes, and finds new pages and tables. */
static void bystander(void *arg)
{
	char *mine = t.p + CHUNKS * CHUNK;
	uint64_t turn;

	(void)arg;
	for (turn = 0; !*t.stop; turn++) {
		store(mine, turn);
		stamp(mine + PAGE + turn % 64 * STEP, PAGE, turn);
		CHECK_EQ(load(mine), turn);
		*t.turns = turn;
	}
}

struct member {
	const char *cgroup;
	void (*fn)(void *arg);
	void *arg;
};

static void enter_and_run(void *arg)
{
	const struct member *member = arg;

	enter_cgroup(member->cgroup);
	member->fn(member->arg);
}

static pid_t member(const char *cgroup, void (*fn)(void *arg), size_t arg)
{
	struct member member = { cgroup, fn, (void *)arg };

	return spawn(enter_and_run, &member);
}

static void is_killed(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "a guest in a group at its limit ended with status %#x", status);
}

static void pages_at_limit(const char *cgroup)
{
	size_t i, off, all = 0;
	pid_t pids[KILLED];

	for (i = 0; i < KILLED; i++)
		pids[i] = member(cgroup, writer, i);
	for (i = 0; i < KILLED; i++)
		is_killed(pids[i]);
	for (i = 0; i < KILLED; i++) {
		for (off = 0; off < t.done[i]; off += PAGE)
			CHECK_EQ(load(t.p + i * BYTES + off), word(i, off));
		all += t.done[i];
	}
	/* They got as far as the limit lets them, and no further. */
	CHECK_GE(all, LIMIT / 2);
	CHECK_LE(all, LIMIT);
	CHECK_GE(event(cgroup, "oom_kill"), KILLED);

	write_text(cgroup_file(cgroup, "memory.max"), "max");
	join(member(cgroup, writer, 0));
	CHECK_EQ(t.done[0], BYTES);
	for (off = 0; off < BYTES; off += PAGE)
		CHECK_EQ(load(t.p + off), word(0, off));
}

static void tables_at_limit(const char *cgroup)
{
	long long before = region_info(t.reg).table_bytes;
	size_t off;

	is_killed(member(cgroup, toucher, 0));
	CHECK_LE(region_info(t.reg).table_bytes - before, LIMIT / 2);
	CHECK_GE(region_info(t.reg).table_bytes - before, LIMIT / 4);
	CHECK_GE(event(cgroup, "oom_kill"), 1);
	/* Others get on from where it stopped. */
	for (off = 0; off < CHUNKS * CHUNK; off += STEP)
		CHECK_EQ(load(t.p + off), word(9, off));
	CHECK_GE(region_info(t.reg).table_bytes, CHUNKS * CHUNK / STEP * PAGE);
}

/* Opens a region of its own, pays for its tables, and waits. */
static void opener(void *arg)
{
	int fd = (int)(size_t)arg;

	t.p = map_guest(fd, CHUNKS);
	toucher(NULL);
	*t.opened = true;
	while (*t.opened)
		usleep(1000);
	CHECK_EQ(load(t.p + STEP), word(9, STEP));
}

/*
 * With all tables its group is near its limit. Somebody else has those made
 * anew of which some are empty.
 */
static void renewed_by_others(const char *cgroup, int fd)
{
	struct shpt_reclaim req = {
		.size = sizeof(req), .length = CHUNKS * CHUNK,
	};
	pid_t pid = member(cgroup, opener, fd);
	int reg;

	WAIT_FOR(*t.opened, 30, "the opener does not get on");
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (CHUNKS - 1) * CHUNK, CHUNK));
	reg = open_region(fd);
	MUST(ioctl(reg, SHPT_IOC_RECLAIM, &req));
	CHECK_GE(req.freed_bytes, CHUNK / STEP * PAGE * 9 / 10);
	close(reg);
	*t.opened = false;
	join(pid);
	CHECK_EQ(event(cgroup, "oom_kill"), 0);
}

/* Of a group that has nothing left, and nobody to kill. */
static void immortal(const char *cgroup)
{
	write_text("/proc/self/oom_score_adj", "-1000");
	enter_cgroup(cgroup);
}

/* There may be no memory either for a table of its own, which is parked. */
static void first_toucher(void *arg)
{
	ssize_t bytes;

	immortal(arg);
	__atomic_add_fetch(t.waiting, 1, __ATOMIC_SEQ_CST);
	bytes = read(t.pipe[0], t.p, 8);
	_exit(bytes != 8 && errno != EFAULT);
}

static void filler(void *arg)
{
	int fd = MUST(memfd_create("filler", MFD_CLOEXEC)), refused;
	static char page[PAGE];

	immortal(arg);
	/* What other CPUs keep ready for the group comes back a little later. */
	for (refused = 0; refused < 5; refused++) {
		while (write(fd, page, PAGE) == PAGE)
			refused = 0;
		CHECK_EQ(errno, ENOMEM);
		usleep(20000);
	}
	*t.opened = true;
	pause();
}

/*
 * Children of fork that first touch the region when their group is full, in a
 * system call: a fault that came back with what it came for would do so for
 * ever.
 */
static void first_touch_at_limit(const char *cgroup)
{
	uint64_t words[FIRST] = { 0 };
	long long oom;
	pid_t pids[FIRST], full;
	int i;

	MUST(pipe(t.pipe));
	store(t.p, 0);
	for (i = 0; i < FIRST; i++)
		pids[i] = spawn(first_toucher, (void *)cgroup);
	WAIT_FOR(*t.waiting == FIRST, 30, "%d of %d wait", *t.waiting, FIRST);
	full = spawn(filler, (void *)cgroup);
	WAIT_FOR(*t.opened, 60, "the group does not fill");
	oom = event(cgroup, "oom");
	MUST(write(t.pipe[1], words, sizeof(words)));
	for (i = 0; i < FIRST; i++)
		join(pids[i]);
	CHECK(event(cgroup, "oom") > oom, "their group was not full");
	CHECK_EQ(event(cgroup, "oom_kill"), 0);
	MUST(kill(full, SIGKILL));
	MUST(waitpid(full, NULL, 0));
	*t.opened = false;
}

static void fill(int fd)
{
	size_t off;

	for (off = 0; off < CHUNKS * CHUNK; off += STEP) {
		uint64_t value = word(9, off);

		CHECK_EQ(pwrite(fd, &value, 8, off), 8);
	}
}

static const char *limited(const char *name, size_t bytes)
{
	const char *cgroup = strdup(new_cgroup(name));
	char text[32];

	snprintf(text, sizeof(text), "%zu", bytes);
	write_text(cgroup_file(cgroup, "memory.max"), text);
	return cgroup;
}

static void test(int kind)
{
	const char *pages = limited("pages", LIMIT);
	const char *tables = limited("tables", LIMIT / 2);
	const char *other = strdup(new_cgroup("other"));
	long long kills = vmstat("oom_kill");
	int fd = backing(kind, (CHUNKS + 1) * CHUNK);
	const char *owner = limited("owner", 3 * LIMIT / 2);
	const char *full = limited("full", LIMIT);
	uint64_t turns;
	pid_t pid;

	t.done = shared(PAGE);
	t.stop = shared(PAGE);
	t.opened = shared(PAGE);
	t.turns = shared(PAGE);
	t.waiting = shared(PAGE);
	t.reg = open_region(fd);
	t.p = map_region(t.reg, CHUNKS + 1, 0);
	pid = member(other, bystander, 0);

	pages_at_limit(pages);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		       CHUNKS * CHUNK));
	fill(fd);
	tables_at_limit(tables);

	turns = *t.turns;
	WAIT_FOR(*t.turns > turns + 100, 10, "the bystander stands still");
	*t.stop = true;
	join(pid);
	CHECK_EQ(event(other, "oom"), 0);
	CHECK_EQ(vmstat("oom_kill") - kills,
		 event(pages, "oom_kill") + event(tables, "oom_kill"));
	first_touch_at_limit(full);

	close(fd);
	fd = backing(kind, CHUNKS * CHUNK);
	fill(fd);
	renewed_by_others(owner, fd);
}

int main(void)
{
	return vmtest(test, MEMFD, 100);
}
