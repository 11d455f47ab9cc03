// SPDX-License-Identifier: GPL-2.0-or-later
/* regions.c - tests of what is told of regions, and asked of them */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char root[] = "/tmp/unit-XXXXXX";
static int root_fd;

/* A tree like the one that the kernel part shows. */
static void make_root(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root_fd, 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_root(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sys/class/misc/shpt/region/%s", root,
		 file);
	for (char *c = path + strlen(root) + 1; (c = strchr(c, '/'));
	     *c++ = '/') {
		*c = '\0';
		mkdir(path, 0700);
	}
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static void two_regions(void)
{
	put("10/backing", "/dev/shm/a file");
	put("10/guests", "3");
	put("10/saved_bytes", "-4096");
	put("10/name", "pool");
	put("10/uid", "4000000000");
	put("10/gid", "7");
	put("10/mode", "0640");
	put("10/locked", "1");
	put("10/node", "2");
	put("10/reclaim_mode", "always");
	put("9/backing", "/memfd:x (deleted)");
	put("9/backing_bytes", "9223372036854775807");
	put("not-a-region/guests", "1");
}

START_TEST(lowest_number_first)
{
	struct libshpt_region r;
	struct reason why;

	two_regions();
	memset(&r, 0xff, sizeof(r));
	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), 1);
	ck_assert_uint_eq(r.id, 9);
	ck_assert_uint_eq(r.backing_bytes, INT64_MAX);
	ck_assert_uint_eq(r.guests, 0);
	ck_assert_uint_eq(r.registered, 0);
	ck_assert_uint_eq(r.node_policy, 0);
	ck_assert_uint_eq(r.reclaim_mode, LIBSHPT_RECLAIM_UNKNOWN);
	ck_assert_str_eq(r.name, "");
	ck_assert_str_eq(r.backing, "/memfd:x (deleted)");

	ck_assert_int_eq(next_region(root_fd, 9, &r, &why), 1);
	ck_assert_uint_eq(r.id, 10);
	ck_assert_uint_eq(r.guests, 3);
	ck_assert_int_eq(r.saved_bytes, -4096);
	ck_assert_uint_eq(r.registered, 1);
	ck_assert_str_eq(r.name, "pool");
	ck_assert_uint_eq(r.uid, 4000000000);
	ck_assert_uint_eq(r.gid, 7);
	ck_assert_uint_eq(r.mode, 0640);
	ck_assert_uint_eq(r.locked, 1);
	ck_assert_uint_eq(r.node_policy, LIBSHPT_NODE_FIXED);
	ck_assert_uint_eq(r.node, 2);
	ck_assert_uint_eq(r.reclaim_mode, LIBSHPT_RECLAIM_ALWAYS);
	ck_assert_str_eq(r.backing, "/dev/shm/a file");

	ck_assert_int_eq(next_region(root_fd, 10, &r, &why), 0);
	ck_assert_int_eq(next_region(root_fd, UINT64_MAX, &r, &why), 0);
}
END_TEST

static const struct {
	const char *word;
	uint32_t policy;
} policies[] = {
	{ "one", LIBSHPT_NODE_ONE },
	{ "local", LIBSHPT_NODE_LOCAL },
	{ "0", LIBSHPT_NODE_FIXED },
};

START_TEST(policies_and_modes)
{
	static const char *const modes[] = { "never", "advise", "sometimes" };
	static const uint32_t expected[] = { LIBSHPT_RECLAIM_NEVER,
					     LIBSHPT_RECLAIM_ADVISE,
					     LIBSHPT_RECLAIM_UNKNOWN };
	struct libshpt_region r;
	struct reason why;

	put("3/backing", "/x");
	put("3/node", policies[_i].word);
	put("3/reclaim_mode", modes[_i]);
	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), 1);
	ck_assert_uint_eq(r.node_policy, policies[_i].policy);
	ck_assert_uint_eq(r.node, 0);
	ck_assert_uint_eq(r.reclaim_mode, expected[_i]);
}
END_TEST

/* One that ends while it is read has no backing any more. */
START_TEST(passes_over_what_ends)
{
	struct libshpt_region r;
	struct reason why;

	put("3/guests", "1");
	put("4/backing", "/x");
	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), 1);
	ck_assert_uint_eq(r.id, 4);
}
END_TEST

START_TEST(longest_path)
{
	struct libshpt_region r;
	struct reason why;
	char path[4096];

	memset(path, 'x', 4095);
	path[4095] = '\0';
	put("3/backing", path);
	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), 1);
	ck_assert_str_eq(r.backing, path);
}
END_TEST

START_TEST(not_understood)
{
	static const char *const files[] = { "3/guests", "3/uid", "3/locked",
					     "3/node", "3/links" };
	static const char *const texts[] = { "12x", "", "", "",
					     "9223372036854775808" };
	struct libshpt_region r;
	struct reason why;

	put("3/backing", "/x");
	put("3/name", "");
	put(files[_i], texts[_i]);
	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), -1);
	ck_assert_int_eq(why.err, EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, files[_i]));
	ck_assert_ptr_nonnull(strstr(why.text, "one version"));
}
END_TEST

START_TEST(no_kernel_part)
{
	struct libshpt_region r;
	struct reason why;

	ck_assert_int_eq(next_region(root_fd, 0, &r, &why), -1);
	ck_assert_int_eq(why.err, ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, SHPT_DEVICE));
}
END_TEST

static bool loaded(void)
{
	return access("/sys/class/misc/shpt", F_OK) == 0;
}

START_TEST(of_this_machine)
{
	struct libshpt_region r;

	fails(libshpt_next_region(0, NULL, sizeof(r)), EINVAL, "(nil)");
	fails(libshpt_next_region(0, &r, 0), EINVAL, "0 bytes");
	if (loaded())
		ck_assert_int_ge(libshpt_next_region(0, &r, sizeof(r)), 0);
	else
		fails(libshpt_next_region(0, &r, sizeof(r)), ENOENT,
		      "modprobe shpt");
}
END_TEST

START_TEST(structs_of_all_releases)
{
	uint64_t known[2] = { 1, 2 }, to[4];

	memset(to, 0xff, sizeof(to));
	give_struct(to, 8, known, sizeof(known));
	ck_assert_uint_eq(to[0], 1);
	ck_assert_uint_eq(to[1], UINT64_MAX);
	give_struct(to, 24, known, sizeof(known));
	ck_assert_uint_eq(to[1], 2);
	ck_assert_uint_eq(to[2], 0);
	ck_assert_uint_eq(to[3], UINT64_MAX);
}
END_TEST

/* What all calls on a file have in common, and each its own arguments. */
START_TEST(calls_on_bad_files)
{
	int fd = new_memfd(PAGE, 0);
	uint64_t freed;

	fails(libshpt_register(-1, "unit", 0600), EBADF, "descriptor -1");
	fails(libshpt_register(fd, "unit", 0700), EINVAL, "mode 0700");
	fails(libshpt_unregister(999), EBADF, "descriptor 999");
	fails(libshpt_reclaim(-1, 0, 1, &freed), EBADF, "descriptor -1");
	fails(libshpt_reclaim(fd, 0, 0, &freed), EINVAL, "at least one byte");
	fails(libshpt_reclaim(fd, -1, 1, NULL), EINVAL, "offset -1");
	fails(libshpt_reclaim(fd, 0, -1, NULL), EINVAL, "-1 bytes");
	fails(libshpt_lock(-1), EBADF, "descriptor -1");
	fails(libshpt_unlock(-1), EBADF, "descriptor -1");
	if (loaded())
		return;
	fails(libshpt_register(fd, NULL, 0600), ENOENT, "modprobe shpt");
	fails(libshpt_unregister(fd), ENOENT, "modprobe shpt");
	fails(libshpt_reclaim(fd, 0, 1, &freed), ENOENT, "modprobe shpt");
	fails(libshpt_lock(fd), ENOENT, "modprobe shpt");
	fails(libshpt_unlock(fd), ENOENT, "modprobe shpt");
}
END_TEST

START_TEST(no_region)
{
	int fd = new_memfd(PAGE, 0);

	ck_assert(!is_region(fd));
	ck_assert_uint_eq(region_id(fd), 0);
}
END_TEST

TCase *regions_tests(void)
{
	TCase *t = tcase_create("regions");

	tcase_add_checked_fixture(t, make_root, remove_root);
	tcase_add_test(t, lowest_number_first);
	tcase_add_test(t, passes_over_what_ends);
	tcase_add_test(t, longest_path);
	tcase_add_loop_test(t, policies_and_modes, 0, 3);
	tcase_add_loop_test(t, not_understood, 0, 5);
	tcase_add_test(t, no_kernel_part);
	tcase_add_test(t, of_this_machine);
	tcase_add_test(t, structs_of_all_releases);
	tcase_add_test(t, calls_on_bad_files);
	tcase_add_test(t, no_region);
	return t;
}
