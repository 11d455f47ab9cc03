// SPDX-License-Identifier: GPL-2.0-or-later
/* errors.c - tests that refusals say what was wrong and what to do */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define LAST_ERRNO 133

static void says(const struct reason *why, int err, const char *words)
{
	ck_assert_int_eq(why->err, err);
	ck_assert_msg(strstr(why->text, words), "\"%s\" does not say \"%s\"",
		      why->text, words);
}

START_TEST(device)
{
	struct reason why;
	bool loaded = access("/sys/class/misc/shpt", F_OK) == 0;

	ck_assert_int_eq(refuse_device(ENOENT, &why), -1);
	says(&why, ENOENT, SHPT_DEVICE);
	says(&why, ENOENT, loaded ? "container" : "modprobe shpt");
	refuse_device(ENXIO, &why);
	says(&why, ENOENT, SHPT_DEVICE);
	refuse_device(EACCES, &why);
	says(&why, EACCES, "group");
	refuse_device(EMFILE, &why);
	says(&why, EMFILE, "ulimit -n");
}
END_TEST

static const struct {
	int err;
	const char *words;
} region_cases[] = {
	{ EMEDIUMTYPE, "hugetlb" },
	{ EACCES, "O_RDWR" },
	{ ENOPKG, "donor=PATH" },
	{ ENFILE, "max_regions" },
	{ EDQUOT, "max_regions_per_user" },
	{ EMFILE, "ulimit -n" },
	{ ENOMEM, "no memory" },
	{ E2BIG, "one version" },
	{ ENOTTY, "one version" },
	{ EPERM, "append-only" },
	{ EIO, "Input/output error" },
};

START_TEST(region)
{
	int fd = new_memfd(PAGE, 0);
	struct reason why;

	refuse_region(region_cases[_i].err, fd, &why);
	says(&why, region_cases[_i].err, region_cases[_i].words);
	close(fd);
}
END_TEST

static const struct {
	int err;
	const char *words;
} guest_cases[] = {
	{ EBUSY, "KVM" },
	{ EOVERFLOW, "/memfd:unit" },
	{ ENOMEM, "1 GiB" },
	{ EPERM, "/memfd:unit" },
	{ EIO, "Input/output error" },
};

START_TEST(guest)
{
	int fd = new_memfd(PAGE, 0);
	struct reason why;

	refuse_guest(guest_cases[_i].err, fd, &why);
	says(&why, guest_cases[_i].err, guest_cases[_i].words);
	close(fd);
}
END_TEST

START_TEST(node)
{
	struct libshpt_attr attr = { .node = 7 };
	struct request req = { .fd = new_memfd(PAGE, 0), .attr = &attr };
	struct reason why;

	refuse_node(EACCES, &req, &why);
	says(&why, EACCES, "O_RDWR");
	refuse_node(ENXIO, &req, &why);
	says(&why, ENXIO, "node 7 is not there");
	refuse_node(EINVAL, &req, &why);
	says(&why, ENXIO, "numactl --hardware");
	refuse_node(ENOPKG, &req, &why);
	says(&why, ENOPKG, "donor=PATH");
	close(req.fd);
}
END_TEST

START_TEST(sealed_memfd)
{
	int fd = new_memfd(PAGE, MFD_ALLOW_SEALING);
	struct reason why;

	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	refuse_region(EPERM, fd, &why);
	ck_assert_ptr_null(strstr(why.text, "sealed against"));
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	refuse_region(EPERM, fd, &why);
	says(&why, EPERM, "/memfd:unit");
	says(&why, EPERM, "sealed against writing");
	close(fd);
}
END_TEST

START_TEST(ordinary_file)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	struct reason why;
	char path[64];

	refuse_region(ENODEV, fd, &why);
	snprintf(path, sizeof(path), "/proc/%d/status is on proc without DAX",
		 getpid());
	says(&why, ENODEV, path);
	says(&why, ENODEV, "-o dax=always");
	close(fd);
}
END_TEST

START_TEST(no_file)
{
	int fd = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct reason why;

	refuse_region(ENODEV, fd, &why);
	says(&why, ENODEV, "/dev is not a regular file");
	says(&why, ENODEV, "-o dax=always");
	close(fd);
}
END_TEST

static const struct {
	int prot;
	int flags;
	int err;
	const char *words;
} shape_cases[] = {
	{ READ_WRITE, MAP_PRIVATE, EOPNOTSUPP, "MAP_PRIVATE" },
	{ READ_WRITE | PROT_EXEC, MAP_SHARED, EPERM, "PROT_EXEC" },
	{ READ_WRITE | 1 << 10, MAP_SHARED, EOPNOTSUPP, "protection 0x403" },
	{ READ_WRITE, MAP_SHARED | MAP_LOCKED, EOPNOTSUPP, "MAP_LOCKED" },
	{ READ_WRITE, MAP_SHARED | MAP_HUGETLB, EOPNOTSUPP, "MAP_HUGETLB" },
	{ READ_WRITE, MAP_SHARED | 1 << 30, EOPNOTSUPP, "0x40000000" },
};

START_TEST(shape_of_the_mapping)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	int fd = new_memfd(PAGE, 0);
	void *p;

	p = libshpt_map_attr(NULL, PAGE, shape_cases[_i].prot,
			     shape_cases[_i].flags, fd, 0, &attr, sizeof(attr));
	ck_assert_ptr_eq(p, MAP_FAILED);
	ck_assert_int_eq(errno, shape_cases[_i].err);
	ck_assert_msg(strstr(libshpt_errormsg(), shape_cases[_i].words),
		      "\"%s\" does not say \"%s\"", libshpt_errormsg(),
		      shape_cases[_i].words);
	close(fd);
}
END_TEST

/* A cut sentence would lack what to do, which stands at its end. */
static void is_whole(int (*refuse_fd)(int, int, struct reason *), int fd)
{
	for (int err = 1; err <= LAST_ERRNO; err++) {
		struct reason why;

		ck_assert_int_eq(refuse_fd(err, fd, &why), -1);
		ck_assert_uint_gt(strlen(why.text), 10);
		ck_assert_msg(strlen(why.text) < sizeof(why.text) - 1,
			      "cut: \"%s\"", why.text);
		ck_assert_ptr_null(strchr(why.text, '\n'));
	}
}

START_TEST(no_sentence_is_cut)
{
	char dir[] = "unit-XXXXXX", long_name[256], name[FILE_NAME_BYTES];
	int fd, here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(long_name, 'x', 200);
	strcpy(long_name + 200, "-end");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	fd = open(long_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(file_name(fd, name) + FILE_NAME_BYTES - 6, "x-end");
	is_whole(refuse_region, fd);
	is_whole(refuse_guest, fd);
	is_whole(refuse_register, fd);
	is_whole(refuse_unregister, fd);
	is_whole(refuse_reclaim, fd);
	is_whole(refuse_lock, fd);
	ck_assert_int_eq(unlink(long_name), 0);
	ck_assert_int_eq(fchdir(here), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	close(here);
	close(fd);

	fd = new_memfd(0, MFD_ALLOW_SEALING);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	is_whole(refuse_region, fd);
	close(fd);
}
END_TEST

/* And errno, as mmap(2) does, whatever backends have refused it. */
START_TEST(a_success_keeps_the_message)
{
	char message[256];
	void *p;

	libshpt_unmap((void *)1, PAGE);
	strcpy(message, libshpt_errormsg());
	errno = ENOTUNIQ;
	p = libshpt_map(NULL, PAGE, READ_WRITE, PLAIN | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(errno, ENOTUNIQ);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_str_eq(libshpt_errormsg(), message);
}
END_TEST

TCase *errors_tests(void)
{
	TCase *t = tcase_create("errors");

	tcase_add_checked_fixture(t, choose_freely, NULL);
	tcase_add_test(t, device);
	tcase_add_loop_test(t, region, 0, COUNT(region_cases));
	tcase_add_loop_test(t, guest, 0, COUNT(guest_cases));
	tcase_add_test(t, node);
	tcase_add_test(t, sealed_memfd);
	tcase_add_test(t, ordinary_file);
	tcase_add_test(t, no_file);
	tcase_add_loop_test(t, shape_of_the_mapping, 0, COUNT(shape_cases));
	tcase_add_test(t, no_sentence_is_cut);
	tcase_add_test(t, a_success_keeps_the_message);
	return t;
}
