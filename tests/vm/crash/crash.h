/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash.h - what the crash tests in this folder have in common
 *
 * A crash test is one program that runs in two VMs. In the first, called with
 * "write", it writes to persistent memory until the VM is killed, and says on
 * stdout what has to outlast that: a line at a time, which is outside of the VM
 * before the program goes on. In the second, called with "verify", it finds the
 * same persistent memory, the file system made consistent from its journal, and
 * those lines on stdin.
 *
 * The emulated memory keeps every store, flushed or not. What is lost in the
 * crash is what the file system had not committed: blocks, sizes and times. So
 * the tests write into holes, a page each, and what was lost reads as zeroes.
 */
#ifndef CRASH_H
#define CRASH_H

#include "vmtest.h"

#define HOLES	8192UL

/* A file of the test, made if it is not there. */
static inline int crash_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

/* Give a file HOLES of a page, with a page between two; for good, so far. */
static inline void make_holes(int fd)
{
	uint64_t page[PAGE / 8];
	size_t n;

	for (n = 1; n < 2 * HOLES; n += 2) {
		stamp((char *)page, PAGE, n);
		CHECK_EQ(pwrite(fd, page, PAGE, n * PAGE), PAGE);
	}
	MUST(syncfs(fd));
}

static inline size_t hole_offset(size_t hole)
{
	return 2 * hole * PAGE;
}

static inline void fill_page(char *p, size_t offset)
{
	for (size_t i = 0; i < PAGE; i += 8)
		store(p + offset + i, word(offset, i));
}

/* A page of the file as the crash left it. */
static inline void check_page(int fd, size_t offset)
{
	uint64_t page[PAGE / 8];
	size_t i;

	CHECK(pread(fd, page, PAGE, offset) == (ssize_t)PAGE,
	      "the page at %#zx was acknowledged, and the file ends before",
	      offset);
	for (i = 0; i < PAGE; i += 8)
		CHECK(page[i / 8] == word(offset, i),
		      "the page at %#zx was acknowledged, and has %#llx at %#zx, expected %#llx",
		      offset, (long long)page[i / 8], i,
		      (long long)word(offset, i));
}

/* Say outside of the VM that something has to outlast it. */
__attribute__((format(printf, 1, 2)))
static inline void acknowledge(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "%s ", program_invocation_short_name);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	CHECK(write(1, line, n) == n, "stdout: %s", strerror(errno));
}

/* The next of these lines without the test's name, or NULL after the last. */
static inline const char *acknowledged(void)
{
	static char line[256];
	size_t n = strlen(program_invocation_short_name);

	while (fgets(line, sizeof(line), stdin))
		if (!strncmp(line, program_invocation_short_name, n) &&
		    line[n] == ' ' && line[strlen(line) - 1] == '\n')
			return line + n + 1;
	return NULL;
}

/* The whole of main(): writers() starts processes that must not end. */
static inline int crash_test(int argc, char **argv, void (*writers)(void),
			     void (*verify)(void))
{
	int status;
	pid_t pid;

	if (argc == 2 && !strcmp(argv[1], "verify")) {
		verify();
		return 0;
	}
	CHECK(argc == 2 && !strcmp(argv[1], "write"),
	      "usage: %s write|verify; tests/vm/run --crash calls it", argv[0]);
	writers();
	pid = wait(&status);
	FAIL("process %d ended with status %#x", pid, status);
}

#endif /* CRASH_H */
