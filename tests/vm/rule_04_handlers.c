/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 4: handlers end in NOPAGE, RETRY or an error, and what the host's fault
 * says is passed on. A write to a write-protected entry of 2 MiB is made by the
 * host: were it left to the core, it would split the shared entry in the name
 * of the one guest, and unlink that guest to do so. Memory that broke is told
 * as such. Which tables serve a fault follows from the offset in the file.
 */
#include "vmtest.h"

#define BYTES	(8 * MIB)
#define HUGE	(2 * MIB)

static struct {
	char *p;
	struct shpt_region_info before;
} t;

static double mtime(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_mtim.tv_sec + st.st_mtim.tv_nsec / 1e9;
}

static void writer(void *arg)
{
	char *p = (char *)arg + 5 * PAGE;

	CHECK_EQ(load(p), word(1, p - t.p));
	store(p, 1);
	store(p, word(1, p - t.p));
}

/* msync(2) write-protects what it has written back. */
static void protected_huge_entries(int fd)
{
	int reg = open_region(fd);
	struct shpt_region_info now;
	double last;
	size_t off;

	MUST(fallocate(fd, 0, 0, BYTES));
	t.p = map_region(reg, 1, 0);
	store(t.p, 1);
	t.before = region_info(reg);
	stamp(t.p, BYTES, 1);
	CHECK_EQ(region_info(reg).table_bytes, t.before.table_bytes);
	for (int round = 0; round < 4; round++) {
		join(spawn(writer, t.p));	/* who comes and goes */
		MUST(msync(t.p, CHUNK, MS_SYNC));
		t.before = region_info(reg);
		last = mtime(fd);
		usleep(20000);
		for (off = 0; off < BYTES; off += HUGE) {
			CHECK_EQ(load(t.p + off), word(1, off));
			store(t.p + off, word(1, off));
		}
		now = region_info(reg);
		CHECK(mtime(fd) > last, "the file system missed a write");
		CHECK_EQ(now.unlinks, t.before.unlinks);
		CHECK_EQ(now.table_bytes, t.before.table_bytes);
		CHECK_EQ(linked_chunks(t.p), 1);
	}
	CHECK_STAMP(t.p, BYTES, 1);
}

static volatile int code;

static void on_sigbus(int sig, siginfo_t *si, void *context)
{
	(void)context;
	code = si->si_code;
	siglongjmp(*vmtest_probe, sig);
}

static int sigbus_code(char *p, bool write)
{
	code = 0;
	CHECK_EQ(probe(p, write), SIGBUS);
	return code;
}

/* By an ordinary mapping, before the host has the page. */
static void break_page(int fd, off_t offset)
{
	char *p = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    offset));
	sigjmp_buf env;

	store(p, 1);
	vmtest_probe = &env;
	if (!sigsetjmp(env, 0)) {
		if (madvise(p, PAGE, MADV_HWPOISON))
			SKIP("MADV_HWPOISON: %s", strerror(errno));
	}
	vmtest_probe = NULL;
	MUST(munmap(p, PAGE));
}

static void broken_memory(int fd)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus,
				.sa_flags = SA_SIGINFO | SA_NODEFER };
	char *p = map_guest(fd, 1);

	MUST(sigaction(SIGBUS, &sa, NULL));
	stamp(p, 3 * PAGE, 1);
	break_page(fd, 3 * PAGE);
	for (int write = 0; write < 2; write++) {
		CHECK_EQ(sigbus_code(p + 3 * PAGE, write), BUS_MCEERR_AR);
		CHECK_EQ(sigbus_code(p + BYTES, write), BUS_ADRERR);
	}
	CHECK_STAMP(p, 3 * PAGE, 1);
	CHECK_EQ(probe(p + 4 * PAGE, true), 0);
	CHECK_EQ(linked_chunks(p), 1);
}

/* Which chunk of the file it is follows from the offset alone. */
static void begins_in_second_chunk(int kind)
{
	int fd = backing(kind, 2 * CHUNK);
	char *p = map_region(open_region(fd), 1, CHUNK);

	store(p, 1);
	CHECK_EQ(load(map_guest(fd, 2) + CHUNK), 1);
}

static void test(int kind)
{
	int fd = backing(kind, BYTES);

	begins_in_second_chunk(kind);
	if (kind == DAX)
		protected_huge_entries(fd);
	else
		broken_memory(fd);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
