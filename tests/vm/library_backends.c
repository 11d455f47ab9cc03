/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backends of libshpt, each asked for by LIBSHPT_BACKEND: all of them map
 * the same bytes; thp maps 2 MiB by one fault; hugetlb has two processes use one
 * PMD table, which mmap(2) alone does not; and what is persistent says so. A
 * setuid program does not listen.
 */
#include "numa.h"
#include "refusal.h"

#define HUGE	(2 * MIB)
#define BYTES	(8 * MIB)
#define THP	"/sys/kernel/mm/transparent_hugepage/"

static const char *const backends[] = { "shpt", "thp", "plain" };

#define COUNT	((int)(sizeof(backends) / sizeof(*backends)))

static struct libshpt_info info_of(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info;
}

static char *map_by(const char *backend, size_t length, int flags, int fd,
		    off_t offset)
{
	struct libshpt_info info;
	char *p;

	MUST(setenv("LIBSHPT_BACKEND", backend, 1));
	p = libshpt_map(NULL, length, RW, flags, fd, offset);
	CHECK(p != MAP_FAILED, "%s: %s", backend, libshpt_errormsg());
	info = info_of(p);
	CHECK(!strcmp(libshpt_backend_name(info.backend), backend),
	      "asked for %s, got %s: %s", backend,
	      libshpt_backend_name(info.backend), info.why);
	return p;
}

/* Unaligned as they are, these bytes of the file are the same for all; but of a
 * device-dax mmap(2) maps aligned bytes only. */
static void same_bytes(int kind, int fd)
{
	int count = kind == DEVDAX ? COUNT - 1 : COUNT;
	size_t length = 5 * MIB + 5, offset = MIB + PAGE;
	char *p[COUNT];

	for (int i = 0; i < count; i++) {
		p[i] = map_by(backends[i], length, MAP_SHARED, fd, offset);
		CHECK_EQ(info_of(p[i]).length, length);
		CHECK_EQ(info_of(p[i]).why_errno, i ? ECANCELED : 0);
	}
	for (int i = 0; i < count; i++) {
		stamp(p[i], 5 * MIB, i);
		for (int j = 0; j < count; j++)
			CHECK_STAMP(p[j], 5 * MIB, i);
	}
	for (int i = 0; i < count; i++) {
		MUST(libshpt_unmap(p[i], length));
		CHECK_EQ(probe(p[i], false), SIGSEGV);
		CHECK_EQ(probe(p[i] + length - 1, false), SIGSEGV);
	}
}

/* Three huge entries, whatever lies around them. library_check has the same for
 * files on DAX, which do not always lie so. */
static void by_one_fault(int fd)
{
	char *p = map_by("thp", BYTES - PAGE, MAP_SHARED, fd, PAGE);
	long before;

	CHECK_EQ((uintptr_t)p % HUGE, PAGE);
	before = faults();
	for (size_t off = HUGE - PAGE; off < BYTES - PAGE; off += PAGE)
		store(p + off, off);
	CHECK_LE(faults() - before, 3);
	MUST(libshpt_unmap(p, BYTES - PAGE));
}

static void persistent(int kind, int fd)
{
	int sync = MAP_SHARED_VALIDATE | MAP_SYNC;

	for (int i = 0; i < COUNT; i++) {
		char *p = map_by(backends[i], BYTES, MAP_SHARED, fd, 0);

		CHECK_EQ(info_of(p).persistent, kind == DEVDAX);
		MUST(libshpt_unmap(p, BYTES));
		/* MAP_SHARED ignores what it does not know. */
		p = map_by(backends[i], BYTES, MAP_SHARED | MAP_SYNC, fd,
			   0);
		CHECK_EQ(info_of(p).persistent, kind == DEVDAX);
		MUST(libshpt_unmap(p, BYTES));
		if (kind == MEMFD) {
			MUST_FAIL(libshpt_map(NULL, BYTES, RW, sync, fd, 0),
				  EOPNOTSUPP);
			continue;
		}
		p = map_by(backends[i], BYTES, sync, fd, 0);
		CHECK_EQ(info_of(p).persistent, 1);
		store(p, i);
		CHECK_EQ(info_of(p).data_node, 0);
		MUST(libshpt_unmap(p, BYTES));
	}
}

/* ---- hugetlb ------------------------------------------------------------- */

static struct {
	int fd;
	bool aligned;
	volatile uint64_t *frames;
	pthread_barrier_t *step;
} h;

/* The second to come finds what the first has mapped. */
static void user(void *arg)
{
	int me = (int)(long)arg;
	long before;
	char *p;

	if (h.aligned)
		p = map_by("hugetlb", 2 * CHUNK, MAP_SHARED | MAP_NORESERVE,
			   h.fd, 0);
	else
		p = MUST(mmap((char *)0x400000000000UL + me * HUGE, 2 * CHUNK,
			      RW, MAP_SHARED | MAP_NORESERVE, h.fd, 0));
	if (me)
		meet(h.step);
	before = faults();
	for (int i = 0; i < 8; i++) {
		if (me)
			CHECK_EQ(load(p + CHUNK + i * HUGE), word(1, i));
		else
			store(p + CHUNK + i * HUGE, word(1, i));
	}
	CHECK_LE(faults() - before, me && h.aligned ? 1 : 8);
	h.frames[me] = tables_of(p + CHUNK).pmd_frame;
	if (!me)
		meet(h.step);
	/* Both are there while the other looks. */
	meet(h.step);
	if (h.aligned) {
		CHECK_EQ(info_of(p).linked_bytes, 2 * CHUNK);
		MUST(libshpt_unmap(p, 2 * CHUNK));
		CHECK_EQ(probe(p, false), SIGSEGV);
	}
}

static bool use_one_table(bool aligned)
{
	pid_t pids[2];

	h.aligned = aligned;
	h.frames = shared(PAGE);
	h.step = barrier(2);
	h.fd = MUST(memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB));
	MUST(ftruncate(h.fd, 2 * CHUNK));
	for (long i = 0; i < 2; i++)
		pids[i] = spawn(user, (void *)i);
	for (int i = 0; i < 2; i++)
		join(pids[i]);
	close(h.fd);
	CHECK(h.frames[0] && h.frames[1], "a PMD table is at frame 0");
	return h.frames[0] == h.frames[1];
}

static void hugetlb(void)
{
	char *p;

	write_text("/proc/sys/vm/nr_overcommit_hugepages", "16");
	CHECK(use_one_table(true), "the kernel does not share PMD tables");
	CHECK(!use_one_table(false),
	      "mmap(2) at addresses as they come shares them as well");

	/* Small ones too, for as long as there are any. */
	p = map_by("hugetlb", 3 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(info_of(p).linked_bytes, 0);
	stamp(p, 3 * MIB, 1);
	CHECK_STAMP(p, 3 * MIB, 1);
	MUST(libshpt_unmap(p, 3 * MIB));
	write_text("/proc/sys/vm/nr_overcommit_hugepages", "0");
	p = libshpt_map(NULL, 3 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	CHECK_EQ(info_of(p).backend, LIBSHPT_BACKEND_PLAIN);
	check_sentence(info_of(p).why, "nr_hugepages");
	MUST(libshpt_unmap(p, 3 * MIB));
}

/* ---- what else there is to say ------------------------------------------- */

static void words(int fd)
{
	MUST(setenv("LIBSHPT_BACKEND", "best", 1));
	MUST_FAIL(libshpt_map(NULL, MIB, RW, MAP_SHARED, fd, 0), EINVAL);
	check_sentence(libshpt_errormsg(), "LIBSHPT_BACKEND");
	MUST(unsetenv("LIBSHPT_BACKEND"));
	CHECK_EQ(info_of(libshpt_map(NULL, MIB, RW, MAP_SHARED, fd, 0)).backend,
		 LIBSHPT_BACKEND_SHPT);
}

/* This program again, as one that changes who runs it. */
static void exec_setuid(void *arg)
{
	char *const argv[] = { "./setuid", "setuid", NULL };

	(void)arg;
	MUST(setenv("LIBSHPT_BACKEND", "best", 1));
	MUST(setgid(65534));
	MUST(setuid(65534));
	MUST(execv(argv[0], argv));
}

static int in_setuid(void)
{
	void *p = libshpt_map(NULL, MIB, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *backend = getenv("LIBSHPT_BACKEND");

	CHECK(getuid() == 65534 && geteuid() == 0, "not setuid");
	CHECK(backend && !strcmp(backend, "best"), "no environment");
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	return 0;
}

static void setuid_program(void)
{
	CHECK(system("cp /proc/$PPID/exe setuid && chmod 4755 setuid") == 0,
	      "no copy of this program");
	join(spawn(exec_setuid, NULL));
}

static void test(int kind)
{
	int fd = backing(kind, BYTES);

	if (kind == MEMFD)
		write_text(THP "shmem_enabled", "advise");
	else if (kind != DEVDAX)
		MUST(fallocate(fd, 0, 0, BYTES));
	if (kind != DAX)
		by_one_fault(fd);
	same_bytes(kind, fd);
	persistent(kind, fd);
	words(fd);
	if (kind == MEMFD) {
		write_text(THP "shmem_enabled", "never");
		hugetlb();
		setuid_program();
	}
	close(fd);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return in_setuid();
	return vmtest(test, MEMFD | DAX | DEVDAX, 30);
}
