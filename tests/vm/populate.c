/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHPT_IOC_POPULATE fills the host's tables before there is a guest, from
 * several threads: the first guest then takes one fault a chunk. It stops at
 * the end of the backing and at signals, says how far it came, is charged to
 * the caller's memory cgroup, and refuses ranges that make no sense.
 */
#include "vmtest.h"

#define BYTES	(64 * MIB)
#define THREADS	2

static int reg;

static int populate(uint64_t offset, uint64_t length, uint32_t flags,
		    uint64_t *populated)
{
	struct shpt_populate args = {
		.size = sizeof(args),
		.flags = flags,
		.offset = offset,
		.length = length,
	};
	int ret = ioctl(reg, SHPT_IOC_POPULATE, &args);

	*populated = args.populated;
	return ret;
}

static void *part(void *arg)
{
	uint64_t populated;
	long i = (long)arg;

	MUST(populate(i * BYTES / THREADS, BYTES / THREADS,
		      SHPT_POPULATE_WRITE, &populated));
	CHECK_EQ(populated, BYTES / THREADS);
	return NULL;
}

static void first_guest_finds_all(void)
{
	pthread_t threads[THREADS];
	long before;
	char *p;

	for (long i = 0; i < THREADS; i++)
		threads[i] = thread(part, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(region_info(reg).faults_served, 0);
	CHECK_GE(region_info(reg).table_bytes, PAGE);

	p = map_region(reg, 1, 0);
	before = faults();
	for (size_t at = 0; at < BYTES; at += PAGE)
		store(p + at, word(1, at));
	CHECK_LE(faults() - before, 2);
	for (size_t at = 0; at < BYTES; at += PAGE)
		CHECK_EQ(load(p + at), word(1, at));
	CHECK_EQ(region_info(reg).faults_served, 0);
	MUST(munmap(p, CHUNK));
}

static void ends_with_the_file(int fd)
{
	uint64_t populated;

	MUST(populate(BYTES - MIB, 3 * MIB, 0, &populated));
	CHECK_EQ(populated, MIB);
	MUST(populate(2 * CHUNK, MIB, 0, &populated));
	CHECK_EQ(populated, 0);
	/* Half a page of file is a page of mapping. */
	MUST(ftruncate(fd, BYTES + PAGE / 2));
	MUST(populate(BYTES, MIB, 0, &populated));
	CHECK_EQ(populated, PAGE);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void interrupt_parent(void *arg)
{
	(void)arg;
	usleep(100 * 1000);
	MUST(kill(getppid(), SIGUSR1));
}

/* A sparse file that takes far longer than the signal. */
static void stops_at_signals(int fd)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t populated, more;
	pid_t pid;

	MUST(ftruncate(fd, 0));
	MUST(ftruncate(fd, 512 * MIB));
	MUST(sigaction(SIGUSR1, &action, NULL));
	pid = spawn(interrupt_parent, NULL);
	MUST_FAIL(populate(0, 512 * MIB, 0, &populated), EINTR);
	CHECK_GE(populated, PAGE);
	CHECK_LE(populated, 512 * MIB - PAGE);
	join(pid);
	MUST(populate(populated, MIB, 0, &more));
	CHECK_EQ(more, MIB);
	MUST(ftruncate(fd, BYTES));
}

static void refuses(void)
{
	uint64_t populated;

	MUST_FAIL(populate(0, 0, 0, &populated), EINVAL);
	MUST_FAIL(populate(1, PAGE, 0, &populated), EINVAL);
	MUST_FAIL(populate(0, PAGE + 1, 0, &populated), EINVAL);
	MUST_FAIL(populate(0, PAGE, 1U << 31, &populated), EINVAL);
	MUST_FAIL(populate(-PAGE, 2 * PAGE, 0, &populated), EINVAL);
	MUST_FAIL(populate(1ULL << 62, PAGE, 0, &populated), EOVERFLOW);
}

static void charged_child(void *cgroup)
{
	uint64_t populated;

	enter_cgroup(cgroup);
	MUST(populate(0, 16 * MIB, 0, &populated));
	CHECK_GE(read_number(cgroup_file(cgroup, "memory.current")), 16 * MIB);
}

static void test(int kind)
{
	int fd = backing(kind, BYTES);

	reg = open_region(fd);
	first_guest_finds_all();
	if (kind != DEVDAX)
		ends_with_the_file(fd);
	refuses();
	/* DAX is too quick for signals, and its pages are nobody's memory. */
	if (kind == MEMFD) {
		stops_at_signals(fd);
		MUST(ftruncate(fd, 0));
		MUST(ftruncate(fd, BYTES));
		join(spawn(charged_child, (void *)new_cgroup("populate")));
	}
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX | DEVDAX, 30);
}
