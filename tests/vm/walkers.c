/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything by which the kernel walks a process's page tables, tried on a
 * guest: advice, mlock, mincore, soft-dirty and young bits, memory policy,
 * userfaultfd. Allowed or refused, no other guest may notice, no byte may
 * change and no page may be counted wrongly.
 */
#include "vmtest.h"

#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#define BYTES	(4 * MIB)

static struct {
	int kind;
	char *p;
	pthread_barrier_t *step;
} t;

static void witness(void *arg)
{
	(void)arg;
	CHECK_STAMP(t.p, BYTES, 1);
	meet(t.step);
	meet(t.step);
	/* Still linked, still the same. */
	CHECK_EQ(linked_chunks(t.p), 1);
	CHECK_STAMP(t.p, BYTES, 1);
}

static void intact(const char *after)
{
	long before = faults();

	CHECK_STAMP(t.p, BYTES, 1);
	CHECK_EQ(linked_chunks(t.p), 1);
	if (t.kind == MEMFD)
		CHECK(mapcount(frame_of(t.p)) == 1,
		      "after %s the first page's map count is %lld", after,
		      (long long)mapcount(frame_of(t.p)));
	/* Tables were not emptied: few faults bring the chunk back. */
	CHECK(faults() - before <= 40, "%ld faults after %s",
	      faults() - before, after);
}

static void advise(void)
{
	static const int advice[] = {
		MADV_RANDOM, MADV_SEQUENTIAL, MADV_NORMAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE,
		MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_COLLAPSE, MADV_DODUMP, MADV_DONTDUMP,
		MADV_COLD, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	char name[64];

	for (unsigned int i = 0; i < sizeof(advice) / sizeof(*advice); i++) {
		snprintf(name, sizeof(name), "madvise %d", advice[i]);
		(void)!madvise(t.p, CHUNK, advice[i]);
		intact(name);
		(void)!madvise(t.p + 16 * PAGE, 8 * PAGE, advice[i]);
		intact(name);
	}
	MUST(madvise(t.p, BYTES, MADV_POPULATE_WRITE));
}

static void lock(void)
{
	MUST(mlock(t.p, BYTES));
	intact("mlock");
	MUST(munlock(t.p, BYTES));
	intact("munlock");
	(void)!mlock2(t.p, CHUNK, MLOCK_ONFAULT);
	intact("mlock2");
	MUST(munlock(t.p, CHUNK));
	MUST(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
	intact("mlockall");
	MUST(munlockall());
}

/* Not every kernel has every one of them. */
static void read_through(const char *path)
{
	static char buf[64 * KIB];
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return;
	while (MUST(read(fd, buf, sizeof(buf))) > 0)
		;
	close(fd);
}

static void look(void)
{
	static unsigned char vec[CHUNK / PAGE];

	MUST(mincore(t.p, CHUNK, vec));
	for (size_t i = 0; i < BYTES / PAGE; i++)
		CHECK(vec[i] & 1, "mincore misses page %zu", i);
	intact("mincore");
	read_through("/proc/self/smaps");
	read_through("/proc/self/smaps_rollup");
	read_through("/proc/self/numa_maps");
	intact("smaps and numa_maps");
	for (int what = 1; what <= 5; what++) {
		char number[2] = { (char)('0' + what), 0 }, name[32];
		int fd = MUST(open("/proc/self/clear_refs", O_WRONLY));

		(void)!write(fd, number, 1);
		close(fd);
		snprintf(name, sizeof(name), "clear_refs %d", what);
		intact(name);
	}
}

static void place(void)
{
	unsigned long node = 1;
	void *page = t.p;
	int status = 0, to = 0;

	(void)!syscall(SYS_mbind, t.p, CHUNK, MPOL_BIND, &node, 8,
		       MPOL_MF_MOVE_ALL);
	intact("mbind");
	(void)!syscall(SYS_move_pages, 0, 1, &page, &to, &status,
		       MPOL_MF_MOVE_ALL);
	intact("move_pages");
	(void)!syscall(SYS_migrate_pages, 0, 8, &node, &node);
	intact("migrate_pages");
}

static void userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)t.p, CHUNK },
	};
	static const int modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	MUST(ioctl(fd, UFFDIO_API, &api));
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		reg.mode = modes[i];
		CHECK_EQ(ioctl(fd, UFFDIO_REGISTER, &reg), -1);
	}
	close(fd);
	intact("userfaultfd");
}

static void test(int kind)
{
	pid_t pid;

	t.kind = kind;
	t.step = barrier(2);
	t.p = map_guest(backing(kind, 8 * MIB), 1);
	stamp(t.p, BYTES, 1);
	pid = spawn(witness, NULL);
	meet(t.step);
	advise();
	lock();
	look();
	place();
	userfault();
	meet(t.step);
	join(pid);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 55);
}
