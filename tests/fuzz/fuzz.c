// SPDX-License-Identifier: GPL-2.0-or-later
/* fuzz.c - what the targets have in common */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_PATH 256

static jmp_buf ended;
static bool may_end;

_Noreturn void not_expected(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

int fuzz_root(void)
{
	static int root = -1;

	if (root < 0)
		root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(root >= 0);
	return root;
}

static void make_folders(const char *path)
{
	char folder[MOST_PATH];

	for (const char *c = path; (c = strchr(c, '/')); c++) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(c - path), path);
		expect(!mkdirat(fuzz_root(), folder, 0700) || errno == EEXIST);
	}
}

void put(const char *path, const void *data, size_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd;

	if (!data) {
		expect(!unlinkat(fuzz_root(), path, 0) || errno == ENOENT);
		return;
	}
	fd = openat(fuzz_root(), path, flags, 0600);
	if (fd < 0) {
		make_folders(path);
		fd = openat(fuzz_root(), path, flags, 0600);
	}
	expect(fd >= 0);
	expect(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

void put_parts(const char *const names[], const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	for (; *names; names++) {
		const uint8_t *next =
			data == end ? NULL : memchr(data, PART, end - data);
		const uint8_t *stop = next ? next : end;

		put(*names, stop > data ? data : NULL, stop - data);
		data = next ? next + 1 : end;
	}
}

char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	expect(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);

/* By the linker (--wrap): what calls die() is gone on from in returns(). */
_Noreturn void __wrap_exit(int status)
{
	if (!may_end)
		__real_exit(status);
	longjmp(ended, 1);
}

bool returns(void (*function)(void *arg), void *arg)
{
	int next = fcntl(fuzz_root(), F_DUPFD_CLOEXEC, 0);
	volatile bool returned = false;

	expect(next >= 0);
	close(next);
	/* What ends a program frees nothing, and closes nothing. */
	__lsan_disable();
	may_end = true;
	if (!setjmp(ended)) {
		function(arg);
		returned = true;
	}
	may_end = false;
	__lsan_enable();
	if (!returned)
		close_range(next, ~0U, 0);
	return returned;
}
