// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * refusals.c - tests of bad input and of resources that are used up: each
 * refusal has its errno and its sentence, and leaves mappings, descriptors and
 * the table as they were
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state.h"
#include "unit.h"

#define G CHUNK_BYTES
#define MIB ((size_t)1 << 20)
#define PAGE_4K 4096UL
#define TABLE_ENTRIES 8

/* ---- nothing has changed ------------------------------------------------- */

struct all {
	struct state process;
	struct mapping table[TABLE_ENTRIES];
};

static void take_all(struct all *all)
{
	struct mapping *m = NULL;
	size_t n = 0;

	ck_assert_ptr_null(state_take(&all->process));
	memset(all->table, 0, sizeof(all->table));
	table_lock();
	while ((m = table_next(m, (struct range){ 0, UINTPTR_MAX })))
		if (n < TABLE_ENTRIES)
			all->table[n++] = *m;
	table_unlock();
	ck_assert_uint_lt(n, TABLE_ENTRIES);
}

static struct all before, after;

static bool is_same(const struct mapping *a, const struct mapping *b)
{
	return a->backend == b->backend && a->addr == b->addr &&
	       a->length == b->length && a->taken.start == b->taken.start &&
	       a->taken.end == b->taken.end && a->guest == b->guest;
}

static void nothing_changed(const char *what)
{
	const char *difference;

	take_all(&after);
	difference = state_difference(&before.process, &after.process);
	ck_assert_msg(!difference, "%s: %s", what, difference);
	for (size_t i = 0; i < TABLE_ENTRIES; i++)
		ck_assert_msg(is_same(&before.table[i], &after.table[i]),
			      "%s: the table has changed", what);
}

/* ---- mappings that cannot be --------------------------------------------- */

enum file {
	NO_FILE,
	MEMFD,
	SHORT, /* one page */
	CLOSED,
	PATH_ONLY,
	FOLDER,
	PIPE,
	READ_ONLY,
	WRITE_ONLY,
	SEALED,
};

static int reopen(int fd, int access)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, access | O_CLOEXEC);
	ck_assert_int_ge(again, 0);
	close(fd);
	return again;
}

static int open_file(enum file file)
{
	int fd = -1, fds[2];

	switch (file) {
	case NO_FILE:
		return -1;
	case CLOSED:
		return 999;
	case MEMFD:
		return new_memfd(4 * G, 0);
	case SHORT:
		return new_memfd(PAGE, 0);
	case PATH_ONLY:
		return open("/", O_PATH | O_CLOEXEC);
	case FOLDER:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case PIPE:
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		close(fds[1]);
		return fds[0];
	case READ_ONLY:
		return reopen(new_memfd(4 * G, 0), O_RDONLY);
	case WRITE_ONLY:
		return reopen(new_memfd(4 * G, 0), O_WRONLY);
	case SEALED:
		fd = new_memfd(4 * G, MFD_ALLOW_SEALING);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	}
	return fd;
}

enum where { ANYWHERE, IN_USE, ODD };

#define ANON (MAP_SHARED | MAP_ANONYMOUS)
#define KEEP MAP_FIXED_NOREPLACE
#define REQUIRE LIBSHPT_REQUIRE_SHARED
#define LAST_OFFSET (INT64_MAX - 4095)

/* With at most @most of @resource, if that is not 0. */
static const struct {
	const char *what;
	enum file file;
	enum where where;
	size_t length;
	off_t offset;
	int flags;
	uint64_t attr;
	int resource;
	size_t most;
	int err;
	const char *says;
} maps[] = {
	{ "no bytes", MEMFD, .flags = MAP_SHARED, .err = EINVAL,
	  .says = "length is 0" },
	{ "all bytes", MEMFD, .length = SIZE_MAX, .flags = MAP_SHARED,
	  .err = ENOMEM, .says = "exceeds any address space" },
	{ "more than the address space", MEMFD, .length = (size_t)1 << 47,
	  .flags = MAP_SHARED, .err = ENOMEM, .says = "ulimit -v" },
	{ "an end beyond all files", MEMFD, .length = 2 * PAGE_4K,
	  .offset = LAST_OFFSET, .flags = MAP_SHARED, .err = EOVERFLOW,
	  .says = "2^63" },
	{ "a negative offset", MEMFD, .length = G, .offset = -4096,
	  .flags = MAP_SHARED, .err = EOVERFLOW, .says = "offset -4096" },
	{ "an odd offset", MEMFD, .length = G, .offset = 100,
	  .flags = MAP_SHARED, .err = EINVAL, .says = "page size" },
	{ "neither shared nor private", MEMFD, .length = G, .err = EINVAL,
	  .says = "MAP_SHARED" },
	{ "no file", NO_FILE, .length = G, .flags = MAP_SHARED, .err = EBADF,
	  .says = "MAP_ANONYMOUS" },
	{ "a closed descriptor", CLOSED, .length = G, .flags = MAP_SHARED,
	  .err = EBADF, .says = "descriptor 999" },
	{ "a path", PATH_ONLY, .length = G, .flags = MAP_SHARED, .err = EBADF,
	  .says = "not open for mapping" },
	{ "a folder", FOLDER, .length = G, .flags = MAP_PRIVATE, .err = ENODEV,
	  .says = "regular file" },
	{ "a pipe", PIPE, .length = G, .flags = MAP_PRIVATE, .err = ENODEV,
	  .says = "regular file" },
	{ "a folder, for writing", FOLDER, .length = G, .flags = MAP_SHARED,
	  .err = EACCES, .says = "O_RDWR" },
	{ "a descriptor that only reads", READ_ONLY, .length = G,
	  .flags = MAP_SHARED, .err = EACCES, .says = "O_RDWR" },
	{ "a descriptor that only writes", WRITE_ONLY, .length = G,
	  .flags = MAP_SHARED, .err = EACCES, .says = "O_RDWR" },
	{ "a sealed memfd", SEALED, .length = G, .flags = MAP_SHARED,
	  .err = EPERM, .says = "sealed" },
	{ "an odd address", MEMFD, ODD, .length = G,
	  .flags = MAP_SHARED | MAP_FIXED, .err = EINVAL, .says = "page size" },
	{ "an address in use", MEMFD, IN_USE, .length = PAGE_4K,
	  .flags = MAP_SHARED | KEEP, .err = EEXIST, .says = "mapped" },
	{ "an address in use by a part", MEMFD, IN_USE, .length = G,
	  .flags = MAP_SHARED | KEEP, .err = EEXIST, .says = "mapped" },
	{ "an address in use, anonymous", NO_FILE, IN_USE, .length = G,
	  .flags = ANON | KEEP, .err = EEXIST, .says = "mapped" },
	{ "nothing to replace with", CLOSED, IN_USE, .length = G,
	  .flags = MAP_SHARED | MAP_FIXED, .err = EBADF, .says = "999" },
	{ "a folder to replace with", FOLDER, IN_USE, .length = G,
	  .flags = MAP_PRIVATE | MAP_FIXED, .err = ENODEV,
	  .says = "regular file" },
	{ "no address space", MEMFD, .length = G, .flags = MAP_SHARED,
	  .resource = RLIMIT_AS, .most = MIB, .err = ENOMEM,
	  .says = "ulimit -v" },
	{ "no address space, anonymous", NO_FILE, .length = G, .flags = ANON,
	  .resource = RLIMIT_AS, .most = MIB, .err = ENOMEM,
	  .says = "ulimit -v" },
	{ "no address space to replace with", MEMFD, IN_USE, .length = G,
	  .flags = MAP_SHARED | MAP_FIXED, .resource = RLIMIT_AS, .most = MIB,
	  .err = ENOMEM, .says = "ulimit -v" },
	{ "no huge pages", NO_FILE, .length = 8 * G,
	  .flags = ANON | MAP_HUGETLB, .err = ENOMEM, .says = "nr_hugepages" },
	{ "no descriptor left", MEMFD, .length = G, .flags = MAP_SHARED,
	  .attr = REQUIRE, .resource = RLIMIT_NOFILE, .most = 3, .err = EMFILE,
	  .says = "ulimit -n" },
	{ "a folder that has to be shared", FOLDER, .length = G,
	  .flags = MAP_SHARED, .attr = REQUIRE, .err = -1, .says = "" },
	{ "code that has to be shared", MEMFD, .length = G,
	  .flags = MAP_SHARED | MAP_LOCKED, .attr = REQUIRE, .err = EOPNOTSUPP,
	  .says = "MAP_LOCKED" },
	{ "an unknown attribute", MEMFD, .length = G, .flags = MAP_SHARED,
	  .attr = 1ULL << 40, .err = EINVAL, .says = "0x10000000000" },
	{ "private without MAP_PRIVATE", MEMFD, .length = G,
	  .flags = MAP_SHARED, .attr = LIBSHPT_PRIVATE, .err = EINVAL,
	  .says = "MAP_PRIVATE" },
	{ "a file that ends", SHORT, .length = 4 * PAGE_4K, .flags = MAP_SHARED,
	  .attr = LIBSHPT_POPULATE, .err = EFAULT, .says = "end" },
	{ "a file that ends, privately", SHORT, .length = 4 * PAGE_4K,
	  .flags = MAP_PRIVATE, .attr = LIBSHPT_POPULATE, .err = EFAULT,
	  .says = "end" },
};

static void limit_to(int resource, size_t most, struct rlimit *old)
{
	struct rlimit limit;

	if (!resource)
		return;
	ck_assert_int_eq(getrlimit(resource, old), 0);
	limit = (struct rlimit){ most, old->rlim_max };
	ck_assert_int_eq(setrlimit(resource, &limit), 0);
}

static uintptr_t address(enum where where)
{
	uintptr_t at = free_chunks(2) + 5 * PAGE;

	if (where == ANYWHERE)
		return 0;
	ck_assert_ptr_eq(libshpt_map((void *)at, PAGE, READ_WRITE,
				     PLAIN | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 (void *)at);
	strcpy((char *)at, "old");
	return where == ODD ? at + 1 : at;
}

/* The first calls may take what the library keeps, and what malloc(3) does; the
 * last is to take nothing. */
START_TEST(no_mapping)
{
	struct libshpt_attr attr = { .flags = maps[_i].attr };
	uintptr_t at = address(maps[_i].where);
	int fd = open_file(maps[_i].file), err;
	struct rlimit old;
	void *p;

	if (SANITIZED && maps[_i].resource == RLIMIT_AS)
		return;
	if (attr.flags & REQUIRE)
		choose_freely();
	for (int i = 0; i < 3; i++) {
		take_all(&before);
		limit_to(maps[_i].resource, maps[_i].most, &old);
		errno = 0;
		p = libshpt_map_attr((void *)at, maps[_i].length, READ_WRITE,
				     maps[_i].flags, fd, maps[_i].offset, &attr,
				     sizeof(attr));
		err = errno;
		if (maps[_i].resource)
			setrlimit(maps[_i].resource, &old);
	}
	ck_assert_msg(p == MAP_FAILED, "%s was mapped", maps[_i].what);
	ck_assert_msg(err == maps[_i].err || (maps[_i].err < 0 && err),
		      "%s: %s", maps[_i].what, strerrorname_np(err));
	ck_assert_msg(strstr(libshpt_errormsg(), maps[_i].says) &&
			      strlen(libshpt_errormsg()) > 10,
		      "%s: \"%s\"", maps[_i].what, libshpt_errormsg());
	nothing_changed(maps[_i].what);
	if (at)
		ck_assert_str_eq((char *)(at & ~(PAGE - 1)), "old");
}
END_TEST

/* ---- calls on ranges ----------------------------------------------------- */

static int protect(void *p, size_t length)
{
	return libshpt_protect(p, length, PROT_READ);
}

static int advise(void *p, size_t length)
{
	return libshpt_advise(p, length, MADV_COLD);
}

static int sync_range(void *p, size_t length)
{
	return libshpt_sync(p, length, MS_ASYNC);
}

static int populate_range(void *p, size_t length)
{
	return libshpt_populate(p, length, NULL, 0);
}

static int info(void *p, size_t length)
{
	struct libshpt_info what;

	(void)length;
	return libshpt_info(p, &what, sizeof(what));
}

/* Their errno with an odd address, no byte, all bytes, and where nothing is
 * mapped; 0 is that this is no error. */
static const struct {
	const char *what;
	int (*call)(void *p, size_t length);
	int odd, none, all, hole;
} calls[] = {
	{ "libshpt_unmap", libshpt_unmap, EINVAL, EINVAL, EINVAL, 0 },
	{ "libshpt_protect", protect, EINVAL, EINVAL, EINVAL, ENOMEM },
	{ "libshpt_advise", advise, EINVAL, EINVAL, EINVAL, ENOMEM },
	{ "libshpt_sync", sync_range, EINVAL, EINVAL, EINVAL, ENOMEM },
	{ "libshpt_adopt", libshpt_adopt, EINVAL, EINVAL, EINVAL, ENOMEM },
	{ "libshpt_break", libshpt_break, EINVAL, EINVAL, EINVAL, ENOENT },
	{ "libshpt_populate", populate_range, 0, EINVAL, EINVAL, ENOENT },
	{ "libshpt_info", info, 0, 0, 0, ENOENT },
};

static void call_refused(int i, uintptr_t p, size_t length, int want)
{
	int ret, err;

	if (!want)
		return;
	calls[i].call((void *)p, length);
	take_all(&before);
	ret = calls[i].call((void *)p, length);
	err = errno;
	ck_assert_msg(ret == -1 && err == want,
		      "%s(%#zx, %zu) returned %d, %s, expected %s",
		      calls[i].what, (size_t)p, length, ret,
		      strerrorname_np(err), strerrorname_np(want));
	ck_assert_uint_gt(strlen(libshpt_errormsg()), 10);
	nothing_changed(calls[i].what);
}

START_TEST(bad_ranges)
{
	uintptr_t p = (uintptr_t)libshpt_map(NULL, 4 * PAGE, READ_WRITE,
					     PLAIN | MAP_ANONYMOUS, -1, 0);

	call_refused(_i, p + 1, PAGE, calls[_i].odd);
	call_refused(_i, p, 0, calls[_i].none);
	call_refused(_i, p, SIZE_MAX, calls[_i].all);
	ck_assert_int_eq(libshpt_unmap((void *)p, PAGE), 0);
	call_refused(_i, p, PAGE, calls[_i].hole);
}
END_TEST

/* ---- no memory ----------------------------------------------------------- */

/* How many allocations succeed before one fails; if negative, all do. The
 * linker puts the functions below in the place of libc's. */
static int allocations = -1;

static bool no_memory(void)
{
	if (allocations < 0 || allocations--)
		return false;
	errno = ENOMEM;
	return true;
}

/* The linker wants these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

void *__wrap_malloc(size_t size)
{
	return no_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory() ? NULL : __real_realloc(p, size);
}

static int map_anonymous(void *p, size_t length)
{
	void *q = libshpt_map(NULL, length, READ_WRITE, ANON, -1, 0);
	int left = allocations;

	(void)p;
	if (q == MAP_FAILED)
		return -1;
	allocations = -1;
	ck_assert_int_eq(libshpt_unmap(q, length), 0);
	allocations = left;
	return 0;
}

static int map_fixed(void *p, size_t length)
{
	void *q = libshpt_map(p, length, READ_WRITE, ANON | MAP_FIXED, -1, 0);

	return q == MAP_FAILED ? -1 : 0;
}

static int break_chunk(void *p, size_t length)
{
	libshpt_break(p, length);
	return 0;
}

/* What a range of a guest is subjected to. Some do without memory. */
static const struct {
	const char *what;
	int (*call)(void *p, size_t length);
	bool allocates;
} takers[] = {
	{ "libshpt_map", map_anonymous, true },
	{ "libshpt_map, fixed", map_fixed, true },
	{ "libshpt_unmap", libshpt_unmap, true },
	{ "libshpt_protect", protect, false },
	{ "libshpt_advise", advise, false },
	{ "libshpt_break", break_chunk, false },
	{ "libshpt_populate", populate_range, false },
	{ "libshpt_info", info, false },
};

/* Each allocation in turn fails, until there are no more. */
START_TEST(out_of_memory)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(2);
	void *part = (void *)(chunk + 3 * PAGE);
	bool failed = true;
	int n, ret, err;

	add_guest(chunk, chunk, G, -1, &none);
	map_anonymous(NULL, PAGE);
	for (n = 0; failed; n++) {
		take_all(&before);
		allocations = n;
		ret = takers[_i].call(part, PAGE);
		err = errno;
		failed = allocations < 0;
		allocations = -1;
		if (ret == 0)
			continue;
		ck_assert_msg(failed && err == ENOMEM, "%s: %s",
			      takers[_i].what, strerrorname_np(err));
		ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "memory"));
		nothing_changed(takers[_i].what);
	}
	ck_assert_msg((n > 1) == takers[_i].allocates, "%s: %d allocations",
		      takers[_i].what, n - 1);
}
END_TEST

/* ---- a file that is cut -------------------------------------------------- */

static int signal_of_reading(const volatile char *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(*p);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* As with mmap(2). */
START_TEST(file_is_cut_while_mapped)
{
	int fd = new_memfd(8 * MIB, 0);
	size_t length = 8 * MIB - 5;
	char *p = libshpt_map(NULL, length, READ_WRITE, MAP_SHARED, fd, 0);

	ck_assert_int_eq(libshpt_unmap(p, length), 0);
	take_all(&before);
	p = libshpt_map(NULL, length, READ_WRITE, MAP_SHARED, fd, 0);
	p[0] = p[MIB] = 'x';
	ck_assert_int_eq(signal_of_reading(p + MIB), 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	ck_assert_int_eq(signal_of_reading(p + MIB), SIGBUS);
	ck_assert_int_eq(p[0], 'x');
	ck_assert_int_eq(info(p + MIB, 1), 0);
	fails(populate_range(p, length), EFAULT, "ends");
	ck_assert_int_eq(sync_range(p, length), 0);
	ck_assert_int_eq(protect(p, length), 0);
	ck_assert_int_eq(signal_of_reading(p + MIB), SIGBUS);
	ck_assert_int_eq(protect(p + MIB, PAGE), 0);
	ck_assert_int_eq(libshpt_unmap(p + MIB, PAGE), 0);
	ck_assert_int_eq(libshpt_unmap(p, length), 0);
	nothing_changed("a file that was cut");
	close(fd);
}
END_TEST

/* ---- as many mappings as the kernel allows ------------------------------- */

/* Every other page of @p is made a mapping of its own, which makes two more at
 * a time. */
static void use_up_mappings(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ))
			break;
	while (mmap(NULL, PAGE, PROT_READ, ANON, -1, 0) != MAP_FAILED)
		;
}

static size_t count_mappings(void)
{
	FILE *lines = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	ck_assert_ptr_nonnull(lines);
	while ((c = getc(lines)) != EOF)
		n += c == '\n';
	fclose(lines);
	return n;
}

static int map_one(void *p)
{
	(void)p;
	return libshpt_map(NULL, PAGE, READ_WRITE, ANON, -1, 0) == MAP_FAILED ?
		       -1 :
		       0;
}

static int unmap_page(void *p)
{
	return libshpt_unmap(p, PAGE);
}

static int protect_page(void *p)
{
	return protect(p, PAGE);
}

static int (*const maps_beyond[])(void *p) = { map_one, unmap_page,
					       protect_page };

/* What makes more of them is refused, what makes fewer is not. */
START_TEST(too_many_mappings)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(1);
	size_t pages = 1 << 17, n;
	char *p, *q;

	if (SANITIZED)
		return;
	add_guest(chunk, chunk, G, -1, &none);
	p = libshpt_map(NULL, PAGE, READ_WRITE, ANON, -1, 0);
	q = mmap(NULL, pages * PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(q, MAP_FAILED);
	use_up_mappings(q, pages);
	n = count_mappings();
	for (size_t i = 0; i < COUNT(maps_beyond); i++)
		fails(maps_beyond[i]((void *)(chunk + PAGE)), ENOMEM,
		      "vm.max_map_count");
	ck_assert_uint_eq(count_mappings(), n);
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	ck_assert_int_eq(libshpt_unmap((void *)chunk, G), 0);
	ck_assert_int_eq(munmap(q, pages * PAGE), 0);
}
END_TEST

TCase *refusals_tests(void)
{
	TCase *t = tcase_create("refusals");

	tcase_add_loop_test(t, no_mapping, 0, COUNT(maps));
	tcase_add_loop_test(t, bad_ranges, 0, COUNT(calls));
	tcase_add_loop_test(t, out_of_memory, 0, COUNT(takers));
	tcase_add_test(t, file_is_cut_while_mapped);
	tcase_add_test(t, too_many_mappings);
	return t;
}
