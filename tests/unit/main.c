// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - runs the unit tests, which need neither module nor root
 *
 * Each test is a process of its own, except with CK_FORK=no in the environment.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

/* For tests of what is chosen, and why. All others pass whatever backend the
 * environment asks for. */
void choose_freely(void)
{
	ck_assert_int_eq(unsetenv("LIBSHPT_BACKEND"), 0);
}

bool is_mapped(uintptr_t addr)
{
	unsigned char resident;

	return mincore((void *)addr, PAGE, &resident) == 0;
}

/* A 1 GiB-aligned address where that many chunks are free. */
uintptr_t free_chunks(size_t chunks)
{
	size_t length = (chunks + 1) * CHUNK_BYTES;
	void *p = mmap(NULL, length, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(munmap(p, length), 0);
	return round_up((uintptr_t)p, CHUNK_BYTES);
}

int new_memfd(off_t size, unsigned int flags)
{
	int fd = memfd_create("unit", MFD_CLOEXEC | flags);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

/*
 * Puts a mapping in the table as the shpt backend would: the whole chunks
 * around the caller's bytes, from @chunk on. What is mapped is an ordinary
 * mapping of the file @fd, or of a new one with -1.
 */
struct mapping *add_guest(uintptr_t chunk, uintptr_t addr, size_t length,
			  int fd, const struct libshpt_attr *attr)
{
	bool is_private = attr->flags & LIBSHPT_PRIVATE;
	struct mapping *m = calloc(1, sizeof(*m));
	struct request req = {
		.addr = addr,
		.length = length,
		.prot = READ_WRITE,
		.flags = is_private ? MAP_PRIVATE : MAP_SHARED,
		.offset = addr - chunk,
		.attr = attr,
	};
	struct reason why;

	ck_assert_ptr_nonnull(m);
	m->backend = &shpt_backend;
	m->addr = addr;
	m->length = length;
	m->taken = whole_chunks(addr, length);
	m->unit = CHUNK_BYTES;
	ck_assert_uint_eq(m->taken.start, chunk);
	req.fd = fd < 0 ? new_memfd(m->taken.end - m->taken.start, 0) : fd;
	ck_assert_ptr_ne(mmap((void *)m->taken.start,
			      m->taken.end - m->taken.start,
			      mapped_prot(READ_WRITE, is_private),
			      MAP_SHARED | MAP_FIXED_NOREPLACE, req.fd, 0),
			 MAP_FAILED);
	m->guest = guest_new(&req, -1, m->taken, &why);
	ck_assert_msg(m->guest, "%s", why.text);
	if (attr->flags & LIBSHPT_BREAK_ON_WRITE)
		watch_writes(m->guest);
	if (fd < 0)
		close(req.fd);
	table_lock();
	table_add(m, NULL);
	table_unlock();
	return m;
}

/* One of another backend with this unit, of ordinary memory. */
struct mapping *add_mapping(uintptr_t addr, size_t length, size_t unit,
			    const struct backend *backend)
{
	struct mapping *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	m->backend = backend;
	m->addr = addr;
	m->length = length;
	m->taken.start = addr & ~(unit - 1);
	m->taken.end = round_up(addr + length, unit);
	m->unit = unit;
	ck_assert_ptr_ne(mmap((void *)m->taken.start,
			      m->taken.end - m->taken.start, READ_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE |
				      MAP_FIXED_NOREPLACE,
			      -1, 0),
			 MAP_FAILED);
	table_lock();
	table_add(m, NULL);
	table_unlock();
	return m;
}

/* What a call of the library that failed returned, and what it has to say. */
void fails(int ret, int err, const char *says)
{
	int got = errno;

	ck_assert_int_eq(ret, -1);
	ck_assert_int_eq(got, err);
	ck_assert_msg(strstr(libshpt_errormsg(), says),
		      "\"%s\" does not say \"%s\"", libshpt_errormsg(), says);
}

int main(void)
{
	Suite *suite = suite_create("libshpt");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, range_tests());
	suite_add_tcase(suite, lines_tests());
	suite_add_tcase(suite, structs_tests());
	suite_add_tcase(suite, plain_tests());
	suite_add_tcase(suite, backends_tests());
	suite_add_tcase(suite, numa_tests());
	suite_add_tcase(suite, check_tests());
	suite_add_tcase(suite, fixed_tests());
	suite_add_tcase(suite, table_tests());
	suite_add_tcase(suite, fork_tests());
	suite_add_tcase(suite, errors_tests());
	suite_add_tcase(suite, refusals_tests());
	suite_add_tcase(suite, replace_tests());
	suite_add_tcase(suite, private_tests());
	suite_add_tcase(suite, adopt_tests());
	suite_add_tcase(suite, edges_tests());
	suite_add_tcase(suite, open_tests());
	suite_add_tcase(suite, populate_tests());
	suite_add_tcase(suite, regions_tests());
	suite_add_tcase(suite, symbols_tests());

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
