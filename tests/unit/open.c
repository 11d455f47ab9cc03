// SPDX-License-Identifier: GPL-2.0-or-later
/* open.c - tests of names: libshpt_open() and libshpt_unlink() as shm_open(3) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define MODE_OF(fd) (stat_of(fd).st_mode & 07777)

static char name[64];

/* A name of this test's own, and nothing under it. */
static void new_name(void)
{
	snprintf(name, sizeof(name), "/unit.%d", getpid());
	umask(022);
}

static void forget_name(void)
{
	libshpt_unlink(name);
}

static struct stat stat_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st;
}

static int open_ok(int oflag, mode_t mode)
{
	int fd = libshpt_open(name, oflag, mode);

	ck_assert_msg(fd >= 0, "%s", libshpt_errormsg());
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return fd;
}

START_TEST(memory_outlives_its_creator)
{
	char *p;
	int fd = open_ok(O_RDWR | O_CREAT | O_EXCL, 0640);

	ck_assert_int_eq(stat_of(fd).st_size, 0);
	ck_assert_uint_eq(MODE_OF(fd), 0640);
	ck_assert_int_eq(ftruncate(fd, 3 * PAGE), 0);
	p = libshpt_map(NULL, 3 * PAGE, READ_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	strcpy(p + PAGE, "here");
	ck_assert_int_eq(libshpt_unmap(p, 3 * PAGE), 0);
	close(fd);

	fd = open_ok(O_RDONLY, 0);
	ck_assert_int_eq(stat_of(fd).st_size, 3 * PAGE);
	p = libshpt_map(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_str_eq(p + PAGE, "here");
	ck_assert_ptr_eq(libshpt_map(NULL, PAGE, READ_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	close(fd);

	/* Who has it mapped goes on. */
	ck_assert_int_eq(libshpt_unlink(name), 0);
	ck_assert_str_eq(p + PAGE, "here");
	fails(libshpt_open(name, O_RDWR, 0), ENOENT, "O_CREAT");
	fails(libshpt_unlink(name), ENOENT, "nothing has the name");
}
END_TEST

START_TEST(others_find_it_by_shm_open)
{
	int fd = open_ok(O_RDWR | O_CREAT, 0666);
	int other = shm_open(name, O_RDWR, 0);

	ck_assert_int_ge(other, 0);
	ck_assert_uint_eq(stat_of(fd).st_ino, stat_of(other).st_ino);
	ck_assert_uint_eq(MODE_OF(fd), 0644);
	ck_assert_int_eq(libshpt_unlink(name), 0);

	/* And the other way round. */
	other = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(other, 0);
	fd = open_ok(O_RDWR | O_CREAT, 0600);
	ck_assert_uint_eq(stat_of(fd).st_ino, stat_of(other).st_ino);
}
END_TEST

START_TEST(a_slash_makes_no_difference)
{
	int fd = open_ok(O_RDWR | O_CREAT, 0600), other;

	other = libshpt_open(name + 1, O_RDWR, 0);
	ck_assert_int_ge(other, 0);
	ck_assert_uint_eq(stat_of(fd).st_ino, stat_of(other).st_ino);
	ck_assert_int_eq(libshpt_unlink(name + 1), 0);
}
END_TEST

START_TEST(exclusive_and_truncated)
{
	int fd = open_ok(O_RDWR | O_CREAT | O_EXCL, 0600), other;

	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	fails(libshpt_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST,
	      name + 1);
	ck_assert_int_eq(stat_of(fd).st_size, PAGE);
	other = open_ok(O_RDWR | O_TRUNC, 0);
	ck_assert_int_eq(stat_of(other).st_size, 0);
	ck_assert_int_eq(stat_of(fd).st_size, 0);
}
END_TEST

/* A lock that the program has on the file is still there afterwards. */
START_TEST(exclusive_touches_nothing)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open_ok(O_RDWR | O_CREAT, 0600), status;
	pid_t pid;

	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	fails(libshpt_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST,
	      "O_EXCL");
	pid = fork();
	if (pid == 0)
		_exit(fcntl(fd, F_SETLK, &lock) == 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* All find what one of them made. */
START_TEST(creators_race)
{
	struct stat *seen = mmap(NULL, 8 * sizeof(*seen), READ_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 8; i++)
			if (fork() == 0) {
				int fd = libshpt_open(name, O_RDWR | O_CREAT,
						      0600);

				_exit(fd < 0 || fstat(fd, &seen[i]));
			}
		for (int i = 0; i < 8; i++) {
			int status;

			ck_assert_int_gt(wait(&status), 0);
			ck_assert_int_eq(status, 0);
		}
		for (int i = 1; i < 8; i++)
			ck_assert_uint_eq(seen[i].st_ino, seen[0].st_ino);
		ck_assert_int_eq(libshpt_unlink(name), 0);
	}
}
END_TEST

static const struct {
	const char *name;
	int err;
} bad_names[] = {
	{ NULL, EINVAL },
	{ "", EINVAL },
	{ "/", EINVAL },
	{ ".", EINVAL },
	{ "/..", EINVAL },
	{ "//unit", EINVAL },
	{ "unit/x", EINVAL },
	{ "unit\n", EINVAL },
	{ "unit\177", EINVAL },
	{ "0123456789012345678901234567890123456789012345678901234567890123",
	  ENAMETOOLONG },
	{ "/0123456789012345678901234567890123456789012345678901234567890123",
	  ENAMETOOLONG },
};

START_TEST(bad_names_fail)
{
	const char *bad = bad_names[_i].name;
	int err = bad_names[_i].err;
	const char *says = err == EINVAL ? "\"/pool\"" : "1 to 63";

	fails(libshpt_open(bad, O_RDWR | O_CREAT, 0600), err, says);
	fails(libshpt_unlink(bad), err, says);
	if (bad && *bad)
		fails(libshpt_register(0, bad, 0600), err, says);
}
END_TEST

START_TEST(names_of_all_lengths)
{
	char longest[65] = "/";

	memset(longest + 1, 'x', 63);
	snprintf(longest + 1, 32, "unit.%d", getpid());
	longest[strlen(longest)] = '.';
	ck_assert_uint_eq(strlen(longest), 64);
	ck_assert_int_ge(libshpt_open(longest, O_RDWR | O_CREAT, 0600), 0);
	ck_assert_int_eq(libshpt_unlink(longest), 0);
	/* Bytes above 127 are letters of some alphabet. */
	snprintf(name, sizeof(name), "/\303\274nit.%d", getpid());
	ck_assert_int_ge(libshpt_open(name, O_RDWR | O_CREAT, 0600), 0);
	ck_assert_int_eq(libshpt_unlink(name), 0);
}
END_TEST

START_TEST(bad_flags_fail)
{
	fails(libshpt_open(name, O_WRONLY | O_CREAT, 0600), EINVAL, "O_RDWR");
	fails(libshpt_open(name, O_RDWR | O_CREAT | O_APPEND, 0600), EINVAL,
	      "O_RDWR");
	fails(libshpt_open(name, O_RDONLY | O_CREAT | O_TRUNC, 0600), EINVAL,
	      "O_TRUNC");
	fails(libshpt_open(name, O_RDWR, 0), ENOENT, "O_CREAT");
}
END_TEST

/* In a child, which is another user from now on. */
static void as_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(99);
}

START_TEST(permissions)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	open_ok(O_RDWR | O_CREAT, 0604);
	pid = fork();
	if (pid == 0) {
		as_nobody();
		if (libshpt_open(name, O_RDWR, 0) != -1 || errno != EACCES ||
		    !strstr(libshpt_errormsg(), "permission"))
			_exit(1);
		if (libshpt_open(name, O_RDONLY, 0) < 0)
			_exit(2);
		if (libshpt_unlink(name) != -1 || errno != EACCES ||
		    !strstr(libshpt_errormsg(), "permission"))
			_exit(3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(libshpt_unlink(name), 0);
}
END_TEST

START_TEST(too_many_open_files)
{
	struct rlimit before, limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ 3, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fails(libshpt_open(name, O_RDWR | O_CREAT, 0600), EMFILE, "ulimit -n");
	setrlimit(RLIMIT_NOFILE, &before);
}
END_TEST

TCase *open_tests(void)
{
	TCase *t = tcase_create("open");

	tcase_add_checked_fixture(t, new_name, forget_name);
	tcase_add_test(t, memory_outlives_its_creator);
	tcase_add_test(t, others_find_it_by_shm_open);
	tcase_add_test(t, a_slash_makes_no_difference);
	tcase_add_test(t, exclusive_and_truncated);
	tcase_add_test(t, exclusive_touches_nothing);
	tcase_add_test(t, creators_race);
	tcase_add_loop_test(t, bad_names_fail, 0, COUNT(bad_names));
	tcase_add_test(t, names_of_all_lengths);
	tcase_add_test(t, bad_flags_fail);
	tcase_add_test(t, permissions);
	tcase_add_test(t, too_many_open_files);
	return t;
}
