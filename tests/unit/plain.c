// SPDX-License-Identifier: GPL-2.0-or-later
/* plain.c - tests of the backend that is mmap(2) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

START_TEST(file_at_an_offset)
{
	char name[] = "unit-XXXXXX", byte;
	int fd = mkstemp(name);
	char *p;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(ftruncate(fd, 3 * PAGE), 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 2 * PAGE), 1);

	p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN, fd, 2 * PAGE);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(p[0], 'x');
	p[1] = 'y';
	ck_assert_int_eq(pread(fd, &byte, 1, 2 * PAGE + 1), 1);
	ck_assert_int_eq(byte, 'y');
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	close(fd);
}
END_TEST

START_TEST(memfd_mapped_twice_is_one_memory)
{
	int fd = new_memfd(PAGE, 0);
	char *p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN, fd, 0);
	char *q = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN, fd, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_ptr_ne(q, MAP_FAILED);
	ck_assert_ptr_ne(p, q);
	close(fd);
	p[7] = 'x';
	ck_assert_int_eq(q[7], 'x');
}
END_TEST

START_TEST(private_writes_stay_private)
{
	int fd = new_memfd(PAGE, 0);
	struct libshpt_info info;
	char byte = 1;
	char *p;

	choose_freely();
	p = libshpt_map(NULL, PAGE, READ_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	p[0] = 'x';
	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 0);
	ck_assert_int_eq(libshpt_info(p, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.backend, LIBSHPT_BACKEND_PLAIN);
	ck_assert_ptr_nonnull(strstr(info.why, "MAP_PRIVATE"));
	close(fd);
}
END_TEST

/* Whatever backend serves it. */
START_TEST(anonymous_memory_is_the_childrens_too)
{
	char *p = libshpt_map(NULL, 3 * PAGE + 5, READ_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	ck_assert_ptr_ne(p, MAP_FAILED);
	for (size_t i = 0; i < 4 * PAGE; i++)
		ck_assert_int_eq(p[i], 0);
	p[0] = 'p';
	pid = fork();
	if (pid == 0) {
		p[3 * PAGE + 4] = (char)(p[0] + 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(p[3 * PAGE + 4], 'p' + 1);
	ck_assert_int_eq(libshpt_unmap(p, 3 * PAGE + 5), 0);
	ck_assert(!is_mapped((uintptr_t)p));
	ck_assert(!is_mapped((uintptr_t)p + 3 * PAGE));
}
END_TEST

START_TEST(child_unmaps_for_itself_only)
{
	char *p = libshpt_map(NULL, PAGE, READ_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	ck_assert_ptr_ne(p, MAP_FAILED);
	pid = fork();
	if (pid == 0)
		_exit(libshpt_unmap(p, PAGE) || is_mapped((uintptr_t)p));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	p[0] = 'x';
	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
}
END_TEST

START_TEST(parts_unmap_like_munmap)
{
	uintptr_t p = (uintptr_t)libshpt_map(NULL, 5 * PAGE - 9, READ_WRITE,
					     PLAIN | MAP_ANONYMOUS, -1, 0);
	struct libshpt_info info;

	ck_assert_int_eq(libshpt_unmap((void *)(p + PAGE), PAGE), 0);
	ck_assert(is_mapped(p));
	ck_assert(!is_mapped(p + PAGE));
	ck_assert(is_mapped(p + 2 * PAGE));

	ck_assert_int_eq(libshpt_info((void *)p, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.length, PAGE);
	ck_assert_int_eq(libshpt_info((void *)(p + PAGE), &info, sizeof(info)),
			 -1);
	ck_assert_int_eq(
		libshpt_info((void *)(p + 2 * PAGE), &info, sizeof(info)), 0);
	ck_assert_uint_eq((uintptr_t)info.addr, p + 2 * PAGE);
	ck_assert_uint_eq(info.length, 3 * PAGE - 9);

	ck_assert_int_eq(libshpt_unmap((void *)p, 5 * PAGE - 9), 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!is_mapped(p + i * PAGE));
}
END_TEST

START_TEST(foreign_mappings_unmap_too)
{
	void *p =
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(libshpt_unmap(p, PAGE), 0);
	ck_assert(!is_mapped((uintptr_t)p));
}
END_TEST

START_TEST(read_only_file)
{
	int rw = new_memfd(PAGE, 0), fd;
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_eq(libshpt_map(NULL, PAGE, READ_WRITE, PLAIN, fd, 0),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "/memfd:unit"));
	ck_assert_ptr_nonnull(strstr(libshpt_errormsg(), "O_RDWR"));

	ck_assert_int_eq(pwrite(rw, "x", 1, 0), 1);
	p = libshpt_map(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(p[0], 'x');
	close(fd);
	close(rw);
}
END_TEST

TCase *plain_tests(void)
{
	TCase *t = tcase_create("plain");

	tcase_add_test(t, file_at_an_offset);
	tcase_add_test(t, memfd_mapped_twice_is_one_memory);
	tcase_add_test(t, private_writes_stay_private);
	tcase_add_test(t, anonymous_memory_is_the_childrens_too);
	tcase_add_test(t, child_unmaps_for_itself_only);
	tcase_add_test(t, parts_unmap_like_munmap);
	tcase_add_test(t, foreign_mappings_unmap_too);
	tcase_add_test(t, read_only_file);
	return t;
}
