// SPDX-License-Identifier: GPL-2.0-or-later
/* adopt.c - tests of libshpt_adopt() as far as it goes without the module */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define G CHUNK_BYTES

static void *map_at_chunk(int fd, int type, off_t offset)
{
	uintptr_t chunk = free_chunks(1);
	void *p = mmap((void *)chunk, 2 * PAGE, READ_WRITE,
		       type | MAP_FIXED_NOREPLACE, fd, offset);

	ck_assert_ptr_eq(p, (void *)chunk);
	return p;
}

static void refused(void *p, size_t length, int err, const char *words)
{
	ck_assert_int_eq(libshpt_adopt(p, length), -1);
	ck_assert_msg(errno == err, "%s: \"%s\"", strerrorname_np(errno),
		      libshpt_errormsg());
	ck_assert_msg(strstr(libshpt_errormsg(), words),
		      "\"%s\" does not say \"%s\"", libshpt_errormsg(), words);
}

/* The file was found if it is the module that is missed. */
static void found(void *p, size_t length)
{
	if (access(SHPT_DEVICE, F_OK) == 0)
		ck_assert_int_eq(libshpt_adopt(p, length), 0);
	else
		refused(p, length, ENOENT, SHPT_DEVICE);
	ck_assert_str_eq(p, "data");
	strcpy(p, "more");
	strcpy(p, "data");
}

/* Without descriptor and path it takes CAP_CHECKPOINT_RESTORE. */
static void lost(void *p, size_t length)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%zx-%zx", (size_t)p,
		 (size_t)p + length);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		found(p, length);
	} else {
		refused(p, length, ENOENT, "descriptor");
		ck_assert_str_eq(p, "data");
	}
}

START_TEST(found_by_descriptor)
{
	int fd = new_memfd(2 * PAGE, 0);
	char *p = map_at_chunk(fd, MAP_SHARED, 0);

	strcpy(p, "data");
	found(p, 2 * PAGE);
	/* Not all of it. */
	strcpy(p + PAGE, "data");
	found(p + PAGE, 1);
	close(fd);
}
END_TEST

/* And not if another file has its name now. */
START_TEST(found_by_path)
{
	char name[] = "unit-XXXXXX";
	int fd = mkstemp(name);
	char *p;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
	p = map_at_chunk(fd, MAP_SHARED, 0);
	strcpy(p, "data");
	close(fd);
	if (_i) {
		ck_assert_int_eq(unlink(name), 0);
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
		lost(p, 2 * PAGE);
	} else {
		found(p, 2 * PAGE);
	}
	ck_assert_int_eq(unlink(name), 0);
}
END_TEST

/* One line of maps after the other. */
START_TEST(mapped_in_parts)
{
	int fd = new_memfd(2 * PAGE, 0);
	char *p = map_at_chunk(fd, MAP_SHARED, 0);

	strcpy(p, "data");
	ck_assert_int_eq(madvise(p + PAGE, PAGE, MADV_DONTDUMP), 0);
	found(p, 2 * PAGE);

	p = map_at_chunk(fd, MAP_SHARED, 0);
	ck_assert_ptr_eq(mmap(p + PAGE, PAGE, READ_WRITE,
			      MAP_SHARED | MAP_FIXED, new_memfd(2 * PAGE, 0),
			      PAGE),
			 p + PAGE);
	refused(p, 2 * PAGE, ENOMEM, "one file");
}
END_TEST

/* The descriptor that is there must be able to do what the mapping can. */
START_TEST(read_only_descriptors_do_not_write)
{
	int fd = new_memfd(2 * PAGE, 0), read_only;
	char *p = map_at_chunk(fd, MAP_SHARED, 0), path[64];

	strcpy(p, "data");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(read_only, 0);
	close(fd);
	lost(p, 2 * PAGE);
	ck_assert_int_eq(libshpt_protect(p, 2 * PAGE, PROT_READ), 0);
	if (access(SHPT_DEVICE, F_OK))
		refused(p, 2 * PAGE, ENOENT, SHPT_DEVICE);
	ck_assert_str_eq(p, "data");
}
END_TEST

START_TEST(what_cannot_be_adopted)
{
	int fd = new_memfd(4 * PAGE, 0);
	char *p;

	refused((void *)1, PAGE, EINVAL, "page size");
	p = map_at_chunk(fd, MAP_PRIVATE, 0);
	refused(p, 2 * PAGE, EINVAL, "private");
	p = map_at_chunk(fd, MAP_SHARED, PAGE);
	refused(p, 2 * PAGE, EINVAL, "modulo 1 GiB");
	p = map_at_chunk(fd, MAP_SHARED, 0);
	refused(p, 3 * PAGE, ENOMEM, "one file");
	ck_assert_int_eq(mprotect(p, PAGE, PROT_READ), 0);
	refused(p, 2 * PAGE, ENOMEM, "same protection");
	ck_assert_int_eq(munmap(p, PAGE), 0);
	refused(p, 2 * PAGE, ENOMEM, "one file");
}
END_TEST

START_TEST(shared_already)
{
	static const struct libshpt_attr none;
	uintptr_t chunk = free_chunks(2);
	struct mapping *m = add_guest(chunk, chunk + PAGE, G, -1, &none);

	ck_assert_int_eq(libshpt_adopt((void *)(chunk + PAGE), G), 0);
	ck_assert_int_eq(libshpt_adopt((void *)(chunk + G), PAGE), 0);
	ck_assert(m->guest->chunks[0].shared);
	ck_assert(m->guest->chunks[1].shared);
}
END_TEST

TCase *adopt_tests(void)
{
	TCase *t = tcase_create("adopt");

	tcase_add_checked_fixture(t, choose_freely, NULL);
	tcase_add_test(t, found_by_descriptor);
	tcase_add_loop_test(t, found_by_path, 0, 2);
	tcase_add_test(t, mapped_in_parts);
	tcase_add_test(t, read_only_descriptors_do_not_write);
	tcase_add_test(t, what_cannot_be_adopted);
	tcase_add_test(t, shared_already);
	return t;
}
