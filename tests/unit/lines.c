// SPDX-License-Identifier: GPL-2.0-or-later
/* lines.c - tests of reading files line by line */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define ROOM (sizeof(((struct lines *)0)->text) - 1)

static char text[5 * ROOM];

/* Opens a file of this text. */
static void open_text(struct lines *l)
{
	char path[64];
	int fd = new_memfd(0, 0);

	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(lines_open(l, path), 0);
	ck_assert_int_eq(fcntl(l->fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void next_is(struct lines *l, char c, size_t length)
{
	char *line = lines_next(l);

	ck_assert_ptr_nonnull(line);
	ck_assert_uint_eq(strspn(line, (char[]){ c, '\0' }), length);
	ck_assert_int_eq(line[length], '\0');
}

static void put_line(char c, size_t length)
{
	size_t end = strlen(text);

	memset(text + end, c, length);
	strcpy(text + end + length, "\n");
}

static const size_t lengths[] = { 1, ROOM - 1, ROOM, ROOM + 1, 3 * ROOM };

START_TEST(of_all_lengths)
{
	size_t length = lengths[_i], had = length < ROOM ? length : ROOM;
	struct lines l;

	put_line('a', 3);
	put_line('b', length);
	put_line('c', 0);
	put_line('d', 5);
	open_text(&l);
	next_is(&l, 'a', 3);
	next_is(&l, 'b', had);
	next_is(&l, 'c', 0);
	next_is(&l, 'd', 5);
	ck_assert_ptr_null(lines_next(&l));
	ck_assert_ptr_null(lines_next(&l));
	lines_close(&l);
}
END_TEST

START_TEST(without_a_newline)
{
	struct lines l;

	open_text(&l);
	ck_assert_ptr_null(lines_next(&l));
	lines_close(&l);
	put_line('a', 2);
	strcat(text, "bb");
	open_text(&l);
	next_is(&l, 'a', 2);
	next_is(&l, 'b', 2);
	ck_assert_ptr_null(lines_next(&l));
	lines_close(&l);
}
END_TEST

START_TEST(no_such_file)
{
	struct lines l;

	ck_assert_int_eq(lines_open(&l, "/proc/self/nothing"), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TCase *lines_tests(void)
{
	TCase *t = tcase_create("lines");

	tcase_add_loop_test(t, of_all_lengths, 0, COUNT(lengths));
	tcase_add_test(t, without_a_newline);
	tcase_add_test(t, no_such_file);
	return t;
}
