// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * preload.c - tests of libshpt-preload.so that need no module
 *
 * With LIBSHPT_BACKEND=plain and with LIBSHPT_BACKING the library does all that
 * it does to a shared mapping to an ordinary one.
 */
#define _GNU_SOURCE
#include <check.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "exports.h"
#include "preloaded.h"

static const char preload[] = "LD_PRELOAD=" LIBSHPT_PRELOAD_SO;

#define RUN(name, ...)                                                         \
	do {                                                                   \
		int status_ =                                                  \
			run("/proc/self/exe",                                  \
			    (const char *[]){ "preload", name, NULL },         \
			    (const char *[]){ preload, ##__VA_ARGS__, NULL }); \
		ck_assert_msg(status_ == 0, "%s: status %#x: %s", name,        \
			      status_, said);                                  \
	} while (0)

#define SAID(times, text)                                                  \
	ck_assert_msg(count(text) == (times), "'%s' %d times, not %d: %s", \
		      text, count(text), times, said)

START_TEST(what_is_passed_through_is_said_once)
{
	RUN("code");
	SAID(1, "libshpt-preload[");
	SAID(1, "mmap of 67121157 bytes is not shared: PROT_EXEC ");
	RUN("code", "LIBSHPT_VERBOSE=1");
	SAID(2, "PROT_EXEC ");
	RUN("code", "LIBSHPT_VERBOSE=0");
	SAID(1, "PROT_EXEC ");
	RUN("code", "LIBSHPT_BACKEND=plain");
	SAID(0, "libshpt-preload");
}
END_TEST

START_TEST(what_is_others_is_left_alone)
{
	RUN("others", "LIBSHPT_VERBOSE=1");
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(what_it_tells)
{
	RUN("asked", "LIBSHPT_BACKEND=plain");
	RUN("asked_passed");
	RUN("asked_given_up", "LIBSHPT_BACKEND=plain");
}
END_TEST

/* Only what is shared has a region. */
START_TEST(what_is_said_of_a_mapping)
{
	RUN("populated", "LIBSHPT_BACKEND=plain", "LIBSHPT_VERBOSE=1");
	SAID(1, ": plain\n");
	RUN("populated", "LIBSHPT_BACKEND=plain", "LIBSHPT_VERBOSE=first");
	SAID(1, ": plain\n");
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *setting;
		int served;
	} all[] = {
		{ "LIBSHPT_MIN_SIZE=67121157", 1 },
		{ "LIBSHPT_MIN_SIZE=67121158", 0 },
		{ "LIBSHPT_MIN_SIZE=65548K", 1 },
		{ "LIBSHPT_MIN_SIZE=65549k", 0 },
		{ "LIBSHPT_MIN_SIZE=64M", 1 },
		{ "LIBSHPT_MIN_SIZE=65M", 0 },
		{ "LIBSHPT_MIN_SIZE=1G", 0 },
		{ "LIBSHPT_MIN_SIZE=0", 1 },
		{ "LIBSHPT_MIN_SIZE=17179869184G", -1 },
		{ "LIBSHPT_MIN_SIZE=99999999999999999999", -1 },
		{ "LIBSHPT_MIN_SIZE=-1", -1 },
		{ "LIBSHPT_MIN_SIZE=1T", -1 },
		{ "LIBSHPT_MIN_SIZE=1MB", -1 },
		{ "LIBSHPT_MIN_SIZE=M", -1 },
	};

	for (size_t i = 0; i < COUNT(all); i++) {
		RUN("code", all[i].setting);
		SAID(all[i].served != 0, "PROT_EXEC ");
		SAID(all[i].served < 0, "is no size");
	}
}
END_TEST

START_TEST(memory_is_on_files)
{
	RUN("backed", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_BACKEND=plain");
	ck_assert_str_eq(said, "");
}
END_TEST

/* On a file system of 80 MiB. That takes root. */
START_TEST(no_room_for_files)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/mnt", "tmpfs", 0, "size=80M"), 0);
	RUN("no_room", "LIBSHPT_BACKING=/mnt", "LIBSHPT_BACKEND=plain");
	SAID(1, "LIBSHPT_BACKING=/mnt has no room for it: ");
	SAID(1, "libshpt-preload[");
}
END_TEST

START_TEST(no_such_folder)
{
	RUN("not_backed", "LIBSHPT_BACKING=/nowhere");
	SAID(1, "is not shared: LIBSHPT_BACKING=/nowhere: ");
	SAID(1, "No such file or directory");
	RUN("not_backed", "LIBSHPT_BACKING=/proc");
	SAID(1, "LIBSHPT_BACKING=/proc: ");
}
END_TEST

START_TEST(limit_of_file_size)
{
	RUN("small_files");
	SAID(1, "ulimit -f");
}
END_TEST

/* As libc has it, as an ordinary mapping of libshpt, on a file in a folder. */
static const char *const ways[] = {
	"LIBSHPT_MIN_SIZE=1G",
	"LIBSHPT_BACKEND=plain",
	"LIBSHPT_BACKING=/dev/shm",
};

START_TEST(servers)
{
	RUN("server", ways[_i]);
}
END_TEST

/* Of a mapping that the library made, and of one that it passed through. */
START_TEST(in_parts)
{
	RUN("parts", ways[_i], "LIBSHPT_VERBOSE=1");
	SAID(0, "cannot be had");
	RUN("fixed_over", ways[_i], "LIBSHPT_VERBOSE=1");
	SAID(_i != 0, "MAP_FIXED over it cannot be had");
	RUN("remap", ways[_i], "LIBSHPT_VERBOSE=1");
	SAID(_i ? 4 : 0, "mremap cannot be had");
	SAID(_i != 0, "mremap over it cannot be had");
	RUN("remap", ways[_i]);
	SAID(_i != 0, "cannot be had");
	RUN("advice", ways[_i]);
	SAID(0, "cannot be had");
}
END_TEST

START_TEST(as_system_calls_are)
{
	RUN("cancelled", ways[_i]);
	RUN("handlers", ways[_i]);
	RUN("pieces", ways[_i]);
	RUN("populated", ways[_i]);
	RUN("not_inherited", ways[_i]);
	SAID(_i != 0, "MADV_DONTFORK cannot be had");
}
END_TEST

START_TEST(huge_pages)
{
	RUN("huge");
	SAID(0, "libshpt-preload");
}
END_TEST

START_TEST(environment_that_comes_and_goes)
{
	RUN("early", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_BACKEND=plain");
	SAID(0, "libshpt-preload");
	RUN("titled", "LIBSHPT_BACKING=/dev/shm", "LIBSHPT_BACKEND=plain");
	SAID(0, "libshpt-preload");
}
END_TEST

START_TEST(nobody_listens)
{
	RUN("unheard");
}
END_TEST

START_TEST(more_than_fit)
{
	RUN("many", "LIBSHPT_MIN_SIZE=1M", "LIBSHPT_BACKING=/dev/shm",
	    "LIBSHPT_BACKEND=plain");
	SAID(1, "raise LIBSHPT_MIN_SIZE");
}
END_TEST

START_TEST(threads_and_children)
{
	RUN("threads", "LIBSHPT_MIN_SIZE=1M", "LIBSHPT_BACKING=/dev/shm",
	    "LIBSHPT_BACKEND=plain");
}
END_TEST

START_TEST(segments)
{
	RUN("segment", "LIBSHPT_BACKEND=plain", "LIBSHPT_VERBOSE=1");
	if (geteuid() == 0)
		SAID(3, "shmat of 67121157 bytes at 0x");
	RUN("segment", "LIBSHPT_BACKEND=plain", "LIBSHPT_VERBOSE=first");
	if (geteuid() == 0)
		SAID(1, "libshpt-preload[");
	RUN("segment_fixed", "LIBSHPT_BACKEND=plain");
	RUN("segment");
	RUN("segment_fixed");
	RUN("segment_huge", "LIBSHPT_BACKEND=plain");
	RUN("segment_replaced", "LIBSHPT_BACKEND=plain");
	RUN("segment_replaced");
}
END_TEST

START_TEST(segments_without_privilege)
{
	RUN("segment_unprivileged", "LIBSHPT_BACKEND=plain");
	SAID(1, "CAP_CHECKPOINT_RESTORE");
	SAID(1, "libshpt-preload[");
}
END_TEST

/* Its malloc() maps shared memory with its lock held. */
START_TEST(called_by_an_allocator)
{
	static const char *const backend[] = { "LIBSHPT_BACKEND=plain",
					       "LIBSHPT_BACKEND=thp",
					       "LIBSHPT_BACKEND=hugetlb" };
	int status = run(ALLOCATOR, (const char *[]){ "allocator", NULL },
			 (const char *[]){ preload, backend[_i],
					   "LIBSHPT_VERBOSE=1", NULL });

	ck_assert_msg(status == 0, "status %#x: %s", status, said);
	SAID(3, "bytes at 0x");
}
END_TEST

/* Of another group than its caller's, so AT_SECURE is set. That takes root. */
START_TEST(not_in_setuid_programs)
{
	static const char copy[] = SECURE "-setgid";

	static const char *const argv[] = { "secure", NULL };
	static const char *const none[] = { NULL };

	ck_assert_int_eq(run(SECURE, argv, none), 0);
	SAID(1, "PROT_EXEC ");
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(system("cp " SECURE " " SECURE "-setgid"), 0);
	ck_assert_int_eq(chown(copy, 0, 65534), 0);
	ck_assert_int_eq(chmod(copy, 02755), 0);
	ck_assert_int_eq(run(copy, argv, none), 0);
	ck_assert_int_eq(unlink(copy), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(programs_of_others)
{
	const struct program *program = &programs[_i];
	int status = run_program(
		program, (const char *[]){ preload, "LIBSHPT_BACKEND=plain",
					   "LIBSHPT_MIN_SIZE=2M",
					   "LIBSHPT_VERBOSE=1", NULL });

	if (status == -1)
		return;
	ck_assert_msg(status == 0 &&
			      count(": plain\n") >= program->mappings,
		      "%s: status %#x: %s", program->command, status, said);
}
END_TEST

START_TEST(exports)
{
	static const char *const expected[] = {
		"libshpt_preload_errormsg",
		"libshpt_preload_info",
		"libshpt_preload_populate",
		"madvise",
		"mmap",
		"mmap64",
		"mprotect",
		"mremap",
		"munmap",
		"remap_file_pages",
		"shmat",
		"shmdt",
	};

	check_exports(LIBSHPT_PRELOAD_SO, expected, COUNT(expected));
}
END_TEST

static TCase *tests(void)
{
	TCase *t = tcase_create("preload");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_passed_through_is_said_once);
	tcase_add_test(t, what_is_others_is_left_alone);
	tcase_add_test(t, what_it_tells);
	tcase_add_test(t, what_is_said_of_a_mapping);
	tcase_add_test(t, sizes);
	tcase_add_test(t, memory_is_on_files);
	tcase_add_test(t, no_room_for_files);
	tcase_add_test(t, no_such_folder);
	tcase_add_test(t, limit_of_file_size);
	tcase_add_loop_test(t, servers, 0, COUNT(ways));
	tcase_add_loop_test(t, in_parts, 0, COUNT(ways));
	tcase_add_loop_test(t, as_system_calls_are, 0, COUNT(ways));
	tcase_add_test(t, huge_pages);
	tcase_add_test(t, environment_that_comes_and_goes);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, more_than_fit);
	tcase_add_test(t, threads_and_children);
	tcase_add_test(t, segments);
	tcase_add_test(t, segments_without_privilege);
	tcase_add_loop_test(t, called_by_an_allocator, 0, 3);
	tcase_add_test(t, not_in_setuid_programs);
	tcase_add_loop_test(t, programs_of_others, 0, COUNT(programs));
	tcase_add_test(t, exports);
	return t;
}

int main(int argc, char **argv)
{
	Suite *suite;
	SRunner *runner;
	int failed;

	if (argc > 1)
		return run_case(argv[1]);
	suite = suite_create("libshpt-preload");
	suite_add_tcase(suite, tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
