/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets huge pages of shmem: the same as with an ordinary mapping, in all
 * modes of memfds (shmem_enabled) and of tmpfs (huge=), with and without advice
 * of the process that touches a page first. Its first touch then maps 2 MiB for
 * all guests, and the huge page is charged to its memory cgroup.
 */
#include "vmtest.h"

#include <sched.h>
#include <sys/mount.h>

#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define HUGE		(2 * MIB)
#define BYTES		(3 * HUGE + PAGE)

static const struct mode {
	const char *memfds;	/* shmem_enabled */
	const char *tmpfs;	/* huge=, or NULL for a memfd */
	int advice;
	bool disabled;		/* by PR_SET_THP_DISABLE */
	bool huge, huge_at_end;
} modes[] = {
	{ "never", NULL, MADV_HUGEPAGE, false, false, false },
	{ "always", NULL, 0, false, true, true },
	{ "always", NULL, MADV_NOHUGEPAGE, false, false, false },
	{ "always", NULL, 0, true, false, false },
	{ "within_size", NULL, 0, false, true, false },
	{ "within_size", NULL, MADV_HUGEPAGE, false, true, true },
	{ "advise", NULL, 0, false, false, false },
	{ "advise", NULL, MADV_HUGEPAGE, false, true, true },
	{ "advise", NULL, MADV_HUGEPAGE, true, false, false },
	{ "never", "never", MADV_HUGEPAGE, false, false, false },
	{ "never", "always", 0, false, true, true },
	{ "never", "always", MADV_NOHUGEPAGE, false, false, false },
	{ "never", "within_size", 0, false, true, false },
	{ "never", "within_size", MADV_HUGEPAGE, false, true, true },
	{ "never", "advise", 0, false, false, false },
	{ "never", "advise", MADV_HUGEPAGE, false, true, true },
	{ "deny", "always", MADV_HUGEPAGE, false, false, false },
	{ "force", "never", 0, false, true, true },
};

static char *p;

static int new_file(const struct mode *m)
{
	char options[64];
	int fd;

	if (!m->tmpfs)
		return backing(MEMFD, BYTES);
	snprintf(options, sizeof(options), "huge=%s", m->tmpfs);
	MUST(mkdir("huge", 0700));
	MUST(mount("vmtest", "huge", "tmpfs", 0, options));
	fd = MUST(open("huge/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, BYTES));
	MUST(umount2("huge", MNT_DETACH));
	MUST(rmdir("huge"));
	return fd;
}

static long long mapped_huge(void)
{
	return number_in("/proc/meminfo", "ShmemPmdMapped");
}

/* Write one word: is it in a huge page then, and mapped by a huge entry? */
static bool touch(size_t off)
{
	long long before = mapped_huge();

	store(p + off, word(1, off));
	return mapped_huge() == before + (long long)(HUGE / KIB);
}

/* Another guest finds all of it mapped. */
static void other_guest(void *arg)
{
	const size_t *written = arg;
	long before = faults();

	for (size_t off = HUGE; off < 2 * HUGE; off += PAGE)
		CHECK_EQ(load(p + off), off == *written ? word(1, off) : 0);
	CHECK_LE(faults() - before, 4);
}

static void try(const struct mode *m, bool guest)
{
	size_t middle = HUGE + 5 * PAGE, end = 3 * HUGE + 8;
	int fd = new_file(m), reg = open_region(fd);
	size_t bytes = guest ? CHUNK : 4 * HUGE;
	uint64_t served;

	p = guest ? map_region(reg, 1, 0) :
		    MUST(mmap((void *)0x500000000000UL, bytes, PROT_READ |
			      PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
			      0));
	if (m->advice)
		MUST(madvise(p, bytes, m->advice));
	MUST(prctl(PR_SET_THP_DISABLE, m->disabled, 0, 0, 0));
	CHECK(touch(middle) == m->huge && touch(end) == m->huge_at_end,
	      "shmem_enabled=%s, %s%s, advice %d%s: not what is expected of %s",
	      m->memfds, m->tmpfs ? "tmpfs with huge=" : "memfd",
	      m->tmpfs ?: "", m->advice, m->disabled ? ", disabled" : "",
	      guest ? "a guest" : "an ordinary mapping");
	MUST(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	if (guest && m->huge) {
		served = region_info(reg).faults_served;
		join(spawn(other_guest, &middle));
		CHECK_EQ(region_info(reg).faults_served, served);
	}
	MUST(munmap(p, bytes));
	close(reg);
	close(fd);
}

static void charged(void *cgroup)
{
	enter_cgroup(cgroup);
	p = map_guest(backing(MEMFD, BYTES), 1);
	MUST(madvise(p, CHUNK, MADV_HUGEPAGE));
	CHECK(touch(HUGE), "no huge page");
	CHECK_GE(number_in(cgroup_file(cgroup, "memory.stat"), "shmem"), HUGE);
}

static void test(int kind)
{
	(void)kind;
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		write_text(SHMEM_ENABLED, modes[i].memfds);
		try(&modes[i], false);
		try(&modes[i], true);
	}
	write_text(SHMEM_ENABLED, "advise");
	join(spawn(charged, (void *)new_cgroup("huge")));
	write_text(SHMEM_ENABLED, "never");
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
