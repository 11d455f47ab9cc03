// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backends.c - tests of the choice of a backend, and of those that need no
 * module: what this machine lets them do
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define MIB ((size_t)1 << 20)
#define HUGE_2MB (21 << MAP_HUGE_SHIFT)
#define THP_SETTINGS "/sys/kernel/mm/transparent_hugepage/"

static void ask_for(const char *backend)
{
	ck_assert_int_eq(setenv("LIBSHPT_BACKEND", backend, 1), 0);
}

static struct libshpt_info info_of(const void *p)
{
	struct libshpt_info info;

	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	return info;
}

static void *map_attr(size_t length, int flags, int fd, off_t offset,
		      uint64_t attr_flags)
{
	struct libshpt_attr attr = { .flags = attr_flags };

	errno = 0;
	return libshpt_map_attr(NULL, length, READ_WRITE, flags, fd, offset,
				&attr, sizeof(attr));
}

static void is_mib_congruent(const void *p, size_t mib)
{
	ck_assert_uint_eq((uintptr_t)p % (mib * MIB), 0);
}

/* ---- the choice ---------------------------------------------------------- */

START_TEST(unknown_words_are_refused)
{
	ask_for("fast");
	ck_assert_ptr_eq(map_attr(PAGE, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "LIBSHPT_BACKEND"));
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "\"fast\""));
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "hugetlb"));
	/* As if it were not set. */
	ask_for("");
	ck_assert_ptr_ne(map_attr(PAGE, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0),
			 MAP_FAILED);
}
END_TEST

static const char *const words[] = { "shpt", "hugetlb", "thp", "plain" };

/* Each gives memory, or plain does in its place. */
START_TEST(what_was_asked_for_or_plain)
{
	size_t length = 5 * MIB + 1;
	struct libshpt_info info;
	char *p;

	ask_for(words[_i]);
	p = map_attr(length, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	info = info_of(p + length - 1);
	ck_assert_ptr_eq(info.addr, p);
	ck_assert_uint_eq(info.length, length);
	ck_assert_uint_eq(info.reserved, 0);
	if (info.backend == LIBSHPT_BACKEND_PLAIN)
		ck_assert_uint_gt(strlen(info.why), 20);
	else
		ck_assert_str_eq(libshpt_backend_name(info.backend), words[_i]);
	ck_assert_int_eq(p[0] | p[length - 1], 0);
	p[length - 1] = 'x';
	ck_assert_int_eq(libshpt_unmap(p, length), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	ck_assert(!is_mapped((uintptr_t)p + length / PAGE * PAGE));
}
END_TEST

START_TEST(the_environment_is_a_reason)
{
	struct libshpt_info info;
	void *p;

	ask_for("plain");
	p = map_attr(4 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0);
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_int_eq(info.why_errno, ECANCELED);
	ck_assert_ptr_nonnull(strstr(info.why, "LIBSHPT_BACKEND is \"plain\""));
	p = map_attr(4 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1, 0,
		     LIBSHPT_REQUIRE_SHARED);
	ck_assert_ptr_eq(p, MAP_FAILED);
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "LIBSHPT_BACKEND"));
}
END_TEST

/* Two sentences where there is room for both. */
START_TEST(each_backend_has_its_reason)
{
	struct libshpt_info info =
		info_of(map_attr(4 * MIB, PLAIN | MAP_ANONYMOUS, -1, 0, 0));

	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "shared page tables"));
	ck_assert_ptr_nonnull(strstr(info.why, "huge pages"));
	ck_assert_ptr_nonnull(strstr(info.why, "; "));
}
END_TEST

/* ---- aligned addresses --------------------------------------------------- */

static const struct {
	size_t unit, align, length;
	off_t offset;
} places[] = {
	{ 4096, 2 * MIB, 1, 0 },
	{ 4096, 2 * MIB, 9 * MIB + 1, 4096 },
	{ 4096, 2 * MIB, 4 * MIB, 2 * MIB - 4096 },
	{ 4096, 1024 * MIB, 4 * MIB, 700 * MIB },
	{ 2 * MIB, 2 * MIB, 1, 4096 },
	{ 2 * MIB, 1024 * MIB, 2 * MIB, 3 * MIB },
	{ 2 * MIB, 1024 * MIB, 1025 * MIB, 1024 * MIB + 4096 },
};

START_TEST(aligned_addresses)
{
	size_t unit = places[_i].unit, align = places[_i].align;
	size_t head = places[_i].offset % unit;
	int fd = new_memfd(3 * CHUNK_BYTES, 0);
	struct request req = {
		.length = places[_i].length,
		.prot = READ_WRITE,
		.flags = MAP_SHARED,
		.fd = fd,
		.offset = places[_i].offset,
	};
	struct mapping m = { 0 };
	struct reason why;
	char byte = 'x';

	ck_assert_int_eq(map_aligned(&req, unit, align, &m, &why), 0);
	ck_assert_uint_eq((m.addr - req.offset) % align, 0);
	ck_assert_uint_eq(m.length, req.length);
	ck_assert_uint_eq(m.unit, unit);
	ck_assert_uint_eq(m.taken.start, m.addr - head);
	ck_assert_uint_eq(m.taken.end - m.taken.start,
			  round_up(head + req.length, unit));
	ck_assert_int_eq(pwrite(fd, &byte, 1, req.offset), 1);
	ck_assert_int_eq(*(char *)m.addr, 'x');
	ck_assert(!is_mapped(m.taken.start - PAGE) || !is_mapped(m.taken.end));

	/* That place as a hint, free and taken. */
	req.addr = m.addr;
	munmap((void *)m.taken.start, m.taken.end - m.taken.start);
	ck_assert_int_eq(map_aligned(&req, unit, align, &m, &why), 0);
	ck_assert_uint_eq(m.addr, req.addr);
	ck_assert_int_eq(map_aligned(&req, unit, align, &m, &why), 0);
	ck_assert_uint_ne(m.addr, req.addr);
	ck_assert_uint_eq((m.addr - req.offset) % align, 0);
	close(fd);
}
END_TEST

START_TEST(fixed_addresses_are_as_they_are)
{
	uintptr_t base = free_chunks(1);
	struct request req = {
		.addr = base + 6 * MIB,
		.length = 4 * MIB,
		.prot = READ_WRITE,
		.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
		.fd = -1,
	};
	struct mapping m = { 0 };
	struct reason why;

	ck_assert_int_eq(map_aligned(&req, 2 * MIB, 2 * MIB, &m, &why), 0);
	ck_assert_uint_eq(m.addr, req.addr);

	req.addr = base + 101 * MIB;
	ck_assert_int_eq(map_aligned(&req, 2 * MIB, 2 * MIB, &m, &why), -1);
	ck_assert_int_eq(why.err, EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "modulo 2 MiB"));
	/* Nothing beyond the caller's bytes. */
	req.addr = base + 102 * MIB;
	req.length = 3 * MIB;
	ck_assert_int_eq(map_aligned(&req, 2 * MIB, 2 * MIB, &m, &why), -1);
	ck_assert_int_eq(why.err, EINVAL);
	ck_assert(!is_mapped(req.addr));
}
END_TEST

START_TEST(no_room_to_align)
{
	struct request req = {
		.length = (size_t)1 << 46,
		.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
		.fd = -1,
	};
	struct mapping m = { 0 };
	struct reason why;

	ck_assert_int_eq(map_aligned(&req, PAGE, (size_t)1 << 46, &m, &why),
			 -1);
	ck_assert_int_eq(why.err, ENOMEM);
	ck_assert_ptr_nonnull(strstr(why.text, "ulimit -v"));
	req.length = SIZE_MAX - PAGE;
	ck_assert_int_eq(map_aligned(&req, 2 * MIB, 2 * MIB, &m, &why), -1);
	ck_assert_int_eq(why.err, ENOMEM);
}
END_TEST

/* ---- thp ----------------------------------------------------------------- */

/* The word in brackets of a setting, or "". */
static const char *setting(const char *path)
{
	static char line[128];
	FILE *f = fopen(path, "re");
	char *open = NULL;

	if (f && fgets(line, sizeof(line), f))
		open = strchr(line, '[');
	if (f)
		fclose(f);
	if (!open)
		return "";
	open[strcspn(open, "]")] = '\0';
	return open + 1;
}

/* Whether a memfd can have huge pages here, asked for. */
static bool memfds_can_be_huge(void)
{
	const char *word = setting(THP_SETTINGS "shmem_enabled");
	char all[16];

	snprintf(all, sizeof(all), "%.15s", word);
	if (!*all || strcmp(all, "deny") == 0)
		return false;
	if (strcmp(all, "force") == 0)
		return true;
	word = setting(THP_SETTINGS "hugepages-2048kB/shmem_enabled");
	if (!*word || strcmp(word, "inherit") == 0)
		word = all;
	return strcmp(word, "never") != 0;
}

/* Whether the mapping at @p has the mark of MADV_HUGEPAGE. */
static bool is_advised(const void *p)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool here = false, found = false;
	char line[512];
	unsigned long start, end;

	ck_assert_ptr_nonnull(smaps);
	while (!found && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)p && (uintptr_t)p < end;
		found = here && strncmp(line, "VmFlags:", 8) == 0 &&
			strstr(line, " hg");
	}
	fclose(smaps);
	return found;
}

START_TEST(thp_of_a_memfd)
{
	int fd = new_memfd(9 * MIB, 0);
	struct libshpt_info info;
	char *p;

	ask_for("thp");
	p = map_attr(8 * MIB + 5, MAP_SHARED | MAP_POPULATE, fd, 4096, 0);
	info = info_of(p);
	ck_assert_int_eq(info.why_errno, ECANCELED);
	if (!memfds_can_be_huge()) {
		ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
		ck_assert_ptr_nonnull(strstr(info.why, "shmem_enabled"));
		ck_assert(!is_advised(p));
		return;
	}
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_THP);
	is_mib_congruent(p - 4096, 2);
	ck_assert(is_advised(p));
	ck_assert(is_mapped((uintptr_t)p));
	ck_assert_uint_eq(info.chunk_bytes + info.linked_bytes, 0);
	/* Pages are the unit of what can be unmapped. */
	ck_assert_int_eq(libshpt_unmap(p + PAGE, PAGE), 0);
	ck_assert(!is_mapped((uintptr_t)p + PAGE));
	ck_assert_int_eq(libshpt_unmap(p, 8 * MIB + 5), 0);
}
END_TEST

/* On a mount it is the mount's to say, but for "deny" and "force". */
START_TEST(thp_of_a_file_on_tmpfs)
{
	char name[] = "/dev/shm/unit-XXXXXX", options[MOUNT_OPTIONS_BYTES];
	const char *word = setting(THP_SETTINGS "shmem_enabled");
	int fd = mkstemp(name);
	struct reason why;
	bool huge;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert(mount_options(fd, options));
	huge = strstr(options, "huge=") && !strstr(options, "huge=never");
	if (strcmp(word, "force") == 0)
		huge = true;
	if (!*word || strcmp(word, "deny") == 0)
		huge = false;
	ck_assert_int_eq(check_huge_shmem(fd, &why), huge ? 0 : -1);
	if (!huge && *word && strcmp(word, "deny") != 0)
		ck_assert_ptr_nonnull(strstr(why.text, "huge=advise"));
	close(fd);
}
END_TEST

static const struct {
	size_t length;
	off_t offset;
	int flags;
	const char *says;
} not_thp[] = {
	{ 2 * MIB - 4096, 0, MAP_SHARED, "2 MiB" },
	{ 3 * MIB - 8192, MIB + 4096, MAP_SHARED, "2 MiB" },
	{ 4 * MIB, 0, MAP_PRIVATE, "MAP_PRIVATE" },
	{ 4 * MIB, 0, MAP_SHARED | MAP_LOCKED, "mlock(2)" },
	{ 4 * MIB, 0, PLAIN, "" },
};

START_TEST(thp_is_refused)
{
	int fd = new_memfd(8 * MIB, 0);
	struct libshpt_info info;

	ask_for("thp");
	info = info_of(map_attr(not_thp[_i].length, not_thp[_i].flags, fd,
				not_thp[_i].offset, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_msg(strstr(info.why, not_thp[_i].says),
		      "\"%s\" does not say \"%s\"", info.why, not_thp[_i].says);
	close(fd);
}
END_TEST

START_TEST(thp_where_it_is_switched_off)
{
	struct libshpt_info info;

	ask_for("thp");
	ck_assert_int_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	info = info_of(map_attr(4 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "PR_SET_THP_DISABLE"));
}
END_TEST

START_TEST(thp_of_a_file_on_a_disk)
{
	char name[] = "unit-XXXXXX";
	int fd = mkstemp(name);
	struct libshpt_info info;

	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(ftruncate(fd, 4 * MIB), 0);
	ask_for("thp");
	info = info_of(map_attr(4 * MIB, MAP_SHARED, fd, 0, 0));
	if (file_kind(fd) == FILE_OTHER) {
		ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
		ck_assert_ptr_nonnull(strstr(info.why, "has no huge pages"));
	}
	close(fd);
}
END_TEST

/* ---- hugetlb ------------------------------------------------------------- */

/* With MAP_NORESERVE a mapping needs no huge pages until it is touched. */
#define UNRESERVED (MAP_SHARED | MAP_NORESERVE)

static int new_huge_memfd(off_t size)
{
	int fd = memfd_create("unit", MFD_CLOEXEC | MFD_HUGETLB | HUGE_2MB);

	ck_assert_msg(fd >= 0, "this kernel has no hugetlb: %m");
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

static const struct {
	size_t length, shared_mib;
	off_t offset;
} chunks[] = {
	{ 1024 * MIB, 1024, 0 },
	{ 2048 * MIB, 2048, 0 },
	{ 2048 * MIB + 4096, 2048, 0 },
	{ 2048 * MIB, 1024, 2 * MIB },
	{ 1024 * MIB, 1024, 1024 * MIB },
};

START_TEST(hugetlb_shares_whole_chunks)
{
	int fd = new_huge_memfd(4 * CHUNK_BYTES);
	struct libshpt_info info;
	char *p = map_attr(chunks[_i].length, UNRESERVED, fd, chunks[_i].offset,
			   LIBSHPT_REQUIRE_SHARED);

	ck_assert_msg(p != MAP_FAILED, "%s", libshpt_errormsg());
	is_mib_congruent(p - chunks[_i].offset, 1024);
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_HUGETLB);
	ck_assert_int_eq(info.why_errno, 0);
	ck_assert_str_eq(info.why, "");
	ck_assert_uint_eq(info.chunk_bytes, CHUNK_BYTES);
	ck_assert_uint_eq(info.linked_bytes, chunks[_i].shared_mib * MIB);
	ck_assert_uint_eq(info.region_id, 0);
	ck_assert_int_eq(libshpt_unmap(p, chunks[_i].length), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	ck_assert(!is_mapped((uintptr_t)p + chunks[_i].length / PAGE * PAGE -
			     PAGE));
	close(fd);
}
END_TEST

START_TEST(hugetlb_without_a_whole_chunk)
{
	int fd = new_huge_memfd(2 * CHUNK_BYTES);
	struct libshpt_info info;
	char *p;

	ck_assert_ptr_eq(map_attr(CHUNK_BYTES, UNRESERVED, fd, 2 * MIB,
				  LIBSHPT_REQUIRE_SHARED),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EMEDIUMTYPE);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "whole chunks"));
	/* From the middle of a huge page to the middle of another. */
	p = map_attr(4 * MIB, UNRESERVED, fd, 3 * MIB, 0);
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_HUGETLB);
	ck_assert_int_eq(info.why_errno, EMEDIUMTYPE);
	ck_assert_uint_eq(info.chunk_bytes + info.linked_bytes, 0);
	is_mib_congruent(p - MIB, 2);
	ck_assert(is_mapped((uintptr_t)p - MIB));
	/* It can be cut between huge pages. */
	ck_assert_int_eq(libshpt_unmap(p, PAGE), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "huge pages"));
	ck_assert_int_eq(libshpt_unmap(p, MIB), 0);
	ck_assert(!is_mapped((uintptr_t)p - MIB));
	ck_assert(is_mapped((uintptr_t)p + MIB));
	ck_assert_int_eq(libshpt_unmap(p + MIB, 3 * MIB), 0);
	ck_assert(!is_mapped((uintptr_t)p + 3 * MIB));
	close(fd);
}
END_TEST

START_TEST(hugetlb_that_is_anonymous)
{
	int flags = UNRESERVED | MAP_ANONYMOUS;
	struct libshpt_info info;
	char *p = map_attr(CHUNK_BYTES, flags | MAP_HUGETLB | HUGE_2MB, -1, 0,
			   LIBSHPT_REQUIRE_SHARED);

	ck_assert_msg(p != MAP_FAILED, "%s", libshpt_errormsg());
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_HUGETLB);
	ck_assert_uint_eq(info.linked_bytes, CHUNK_BYTES);
	ck_assert_int_eq(libshpt_unmap(p, CHUNK_BYTES), 0);

	/* Only when it is asked for. */
	info = info_of(map_attr(CHUNK_BYTES, flags, -1, 0, 0));
	ck_assert_uint_ne(info.backend, LIBSHPT_BACKEND_HUGETLB);
	ask_for("hugetlb");
	info = info_of(map_attr(CHUNK_BYTES, flags, -1, 0, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_HUGETLB);
	ck_assert_int_eq(info.why_errno, ECANCELED);
}
END_TEST

START_TEST(hugetlb_of_no_such_size)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB;

	ck_assert_ptr_eq(map_attr(CHUNK_BYTES, flags | 13 << MAP_HUGE_SHIFT, -1,
				  0, LIBSHPT_REQUIRE_SHARED),
			 MAP_FAILED);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_ptr_nonnull(
		strstr(libshpt_errormsg(), "/sys/kernel/mm/hugepages"));
}
END_TEST

/* A signal would end this process. */
START_TEST(hugetlb_beyond_the_limit_of_files)
{
	int flags = UNRESERVED | MAP_ANONYMOUS | MAP_HUGETLB | HUGE_2MB;
	struct rlimit limit = { 3 * MIB, RLIM_INFINITY };
	struct reason why;

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_ptr_eq(
		map_attr(3 * MIB, flags, -1, 0, LIBSHPT_REQUIRE_SHARED),
		MAP_FAILED);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "ulimit -f"));
	/* What does without a file has no such limit. */
	ck_assert_ptr_ne(map_attr(4 * MIB, flags, -1, 0, 0), MAP_FAILED);
	ck_assert_int_eq(anonymous_file(3 * MIB + 1, &why), -1);
	ck_assert_int_eq(why.err, EFBIG);
	ck_assert_int_ge(anonymous_file(3 * MIB, &why), 0);
}
END_TEST

/* Where others are forbidden it must be one that cannot be executed. */
START_TEST(files_for_memory_are_not_executable)
{
	struct reason why;
	int fd = anonymous_file(PAGE, &why);
	int known = memfd_create("unit", MFD_CLOEXEC | 8);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, PAGE);
	if (known >= 0)
		ck_assert_int_eq(st.st_mode & 0111, 0);
}
END_TEST

/* Of twice the memory that the machine has. */
START_TEST(hugetlb_without_huge_pages)
{
	int fd = new_huge_memfd(0);
	size_t length = 2 * PAGE * (size_t)sysconf(_SC_PHYS_PAGES);

	ck_assert_ptr_eq(map_attr(length, MAP_SHARED, fd, 0, 0), MAP_FAILED);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "nr_hugepages"));
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "2048 kB"));
	close(fd);
}
END_TEST

START_TEST(hugetlb_is_refused)
{
	int fd = new_memfd(4 * MIB, 0), huge = new_huge_memfd(4 * MIB);
	struct libshpt_info info;
	void *p;

	ask_for("hugetlb");
	info = info_of(map_attr(4 * MIB, MAP_SHARED, fd, 0, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "not on hugetlbfs"));
	/* Private ones are mmap(2)'s, but of huge pages all the same. */
	p = map_attr(MIB, MAP_PRIVATE | MAP_NORESERVE, huge, 0, 0);
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "MAP_PRIVATE"));
	ck_assert_int_eq(libshpt_unmap(p, MIB), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	ask_for("shpt");
	info = info_of(map_attr(4 * MIB, UNRESERVED, huge, 0, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ask_for("thp");
	info = info_of(map_attr(4 * MIB, UNRESERVED, huge, 0, 0));
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "hugetlb"));
	close(huge);
	close(fd);
}
END_TEST

/* Fixed where the kernel can share, and fixed where it cannot. */
START_TEST(hugetlb_at_a_fixed_address)
{
	int fd = new_huge_memfd(2 * CHUNK_BYTES);
	char *base = (char *)free_chunks(2), *p;
	struct libshpt_info info;

	p = libshpt_map(base, CHUNK_BYTES, READ_WRITE, UNRESERVED | MAP_FIXED,
			fd, CHUNK_BYTES);
	ck_assert_ptr_eq(p, base);
	ck_assert_uint_eq(info_of(p).backend, LIBSHPT_BACKEND_HUGETLB);
	/* Over itself. */
	p = libshpt_map(base, CHUNK_BYTES, READ_WRITE, UNRESERVED | MAP_FIXED,
			fd, 0);
	ck_assert_ptr_eq(p, base);
	p = libshpt_map(base + 2 * MIB, CHUNK_BYTES, READ_WRITE,
			UNRESERVED | MAP_FIXED, fd, 0);
	ck_assert_ptr_eq(p, base + 2 * MIB);
	info = info_of(p);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "modulo 1024 MiB"));
	ck_assert_uint_eq(info_of(base).length, 2 * MIB);
	close(fd);
}
END_TEST

/* For those who run all tests in one process. */
static void ask_for_nothing(void)
{
	unsetenv("LIBSHPT_BACKEND");
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

TCase *backends_tests(void)
{
	TCase *t = tcase_create("backends");

	tcase_add_checked_fixture(t, choose_freely, ask_for_nothing);
	tcase_add_test(t, unknown_words_are_refused);
	tcase_add_loop_test(t, what_was_asked_for_or_plain, 0, COUNT(words));
	tcase_add_test(t, the_environment_is_a_reason);
	tcase_add_test(t, each_backend_has_its_reason);
	tcase_add_loop_test(t, aligned_addresses, 0, COUNT(places));
	tcase_add_test(t, fixed_addresses_are_as_they_are);
	tcase_add_test(t, no_room_to_align);
	tcase_add_test(t, thp_of_a_memfd);
	tcase_add_test(t, thp_of_a_file_on_tmpfs);
	tcase_add_loop_test(t, thp_is_refused, 0, COUNT(not_thp));
	tcase_add_test(t, thp_where_it_is_switched_off);
	tcase_add_test(t, thp_of_a_file_on_a_disk);
	tcase_add_loop_test(t, hugetlb_shares_whole_chunks, 0, COUNT(chunks));
	tcase_add_test(t, hugetlb_without_a_whole_chunk);
	tcase_add_test(t, hugetlb_that_is_anonymous);
	tcase_add_test(t, hugetlb_of_no_such_size);
	tcase_add_test(t, hugetlb_beyond_the_limit_of_files);
	tcase_add_test(t, files_for_memory_are_not_executable);
	tcase_add_test(t, hugetlb_without_huge_pages);
	tcase_add_test(t, hugetlb_is_refused);
	tcase_add_test(t, hugetlb_at_a_fixed_address);
	return t;
}
