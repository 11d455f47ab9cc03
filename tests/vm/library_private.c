/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt's private mappings: who only reads shares page tables, who writes
 * pays for the chunks that he wrote to and no others, and the file stays as it
 * was. System calls that write where nothing was broken fail.
 */
#include "refusal.h"

#include <sys/syscall.h>

#define STEP	(2 * MIB)	/* a page table's worth */

static uint64_t zero;

static char *map_private(int fd, uint64_t flags)
{
	struct libshpt_attr attr = {
		.flags = LIBSHPT_REQUIRE_SHARED | LIBSHPT_PRIVATE | flags,
	};
	char *p = libshpt_map_attr(NULL, 2 * CHUNK, RW, MAP_PRIVATE, fd, 0,
				   &attr, sizeof(attr));

	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	CHECK(strstr(maps_line(p), "shpt:"), "no guest: %s", maps_line(p));
	return p;
}

static size_t linked_bytes(const void *p)
{
	struct libshpt_info info;

	MUST(libshpt_info(p, &info, sizeof(info)));
	return info.linked_bytes;
}

static void file_is_unchanged(int fd)
{
	uint64_t value;

	for (size_t off = 0; off < 2 * CHUNK; off += STEP) {
		CHECK_EQ(pread(fd, &value, 8, off), 8);
		CHECK_EQ(value, word(0, off));
	}
}

static void read_all(const char *p)
{
	for (size_t off = 0; off < 2 * CHUNK; off += STEP)
		CHECK_EQ(load(p + off), word(0, off));
}

/* What it costs, in page tables. */
static void costs(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE), *q = p + CHUNK;
	long before = status_kb("VmPTE"), paid;

	read_all(p);
	paid = status_kb("VmPTE") - before;
	CHECK(paid <= 64, "reading 2 GiB cost %ld kB of page tables", paid);
	CHECK_EQ(linked_bytes(p), 2 * CHUNK);
	for (int i = 0; i < 10; i++)
		store(q + i * STEP, i);
	paid = status_kb("VmPTE") - before;
	CHECK(paid >= 40 && paid <= 128,
	      "10 pages written cost %ld kB of page tables", paid);
	CHECK_EQ(linked_bytes(p), CHUNK);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(load(q + i * STEP), i);
	CHECK_EQ(load(q + 10 * STEP), word(0, CHUNK + 10 * STEP));
	file_is_unchanged(fd);
	/* Unbroken, it is the file as it is now. */
	CHECK_EQ(pwrite(fd, &zero, 8, 0), 8);
	CHECK_EQ(pwrite(fd, &zero, 8, CHUNK), 8);
	CHECK_EQ(load(p), 0);
	store(q, 77);
	CHECK_EQ(load(q), 77);
	zero = word(0, 0);
	CHECK_EQ(pwrite(fd, &zero, 8, 0), 8);
	zero = word(0, CHUNK);
	CHECK_EQ(pwrite(fd, &zero, 8, CHUNK), 8);
	zero = 0;
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

static void system_calls(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE);
	int in = MUST(open("/dev/zero", O_RDONLY | O_CLOEXEC));

	CHECK_EQ(load(p), word(0, 0));
	MUST_FAIL(read(in, p, 8), EFAULT);
	MUST_FAIL(read(in, p + CHUNK, 8), EFAULT);
	CHECK_EQ(linked_bytes(p), CHUNK);
	/* As writes of the program they work, and then so does the call. */
	store(p + 8, 1);
	CHECK_EQ(read(in, p, 8), 8);
	CHECK_EQ(load(p), 0);
	MUST_FAIL(read(in, p + CHUNK, 8), EFAULT);
	MUST(libshpt_break(p + CHUNK, 1));
	CHECK_EQ(read(in, p + CHUNK, 8), 8);
	close(in);
	file_is_unchanged(fd);
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

/* Without LIBSHPT_BREAK_ON_WRITE. */
static void by_call(int fd)
{
	char *p = map_private(fd, 0);

	CHECK_EQ(probe(p, true), SIGSEGV);
	MUST(libshpt_break(p + CHUNK / 2, PAGE));
	CHECK_EQ(probe(p, true), 0);
	store(p, 5);
	CHECK_EQ(probe(p + CHUNK, true), SIGSEGV);
	MUST(libshpt_unmap(p + CHUNK + PAGE, PAGE));
	CHECK_EQ(probe(p + CHUNK + PAGE, false), SIGSEGV);
	CHECK_EQ(probe(p + CHUNK, true), 0);
	file_is_unchanged(fd);
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

static void other_faults(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE);

	CHECK_EQ(probe((char *)8, true), SIGSEGV);
	CHECK_EQ(probe(p, true), 0);
	MUST(libshpt_protect(p, 2 * CHUNK, PROT_READ));
	CHECK_EQ(probe(p, true), SIGSEGV);
	CHECK_EQ(probe(p + CHUNK, true), SIGSEGV);
	MUST(libshpt_protect(p, 2 * CHUNK, RW));
	CHECK_EQ(probe(p + CHUNK, true), 0);
	MUST(libshpt_unmap(p, 2 * CHUNK));
	CHECK_EQ(probe(p, true), SIGSEGV);
}

/* What the program has there by now is not replaced. */
static void unmapped_without_telling(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE);

	MUST(munmap(p, CHUNK));
	MUST(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0));
	CHECK_EQ(probe(p, true), SIGSEGV);
	CHECK_EQ(load(p), 0);
	MUST(libshpt_break(p, PAGE));
	CHECK_EQ(load(p), 0);
	CHECK_EQ(probe(p + PAGE, false), SIGSEGV);
	CHECK_EQ(probe(p + CHUNK, true), 0);
	MUST(libshpt_unmap(p, 2 * CHUNK));
	CHECK_EQ(probe(p, false), SIGSEGV);
}

static void *writer(void *arg)
{
	char *p = arg, *chunk = p - (uintptr_t)p % CHUNK;

	for (int i = 0; i < 10; i++) {
		CHECK_EQ(load(chunk + CHUNK - STEP),
			 word(0, CHUNK - STEP));
		store(p + i * PAGE, (uint64_t)p);
		store(p + CHUNK + i * PAGE, (uint64_t)p);
	}
	return NULL;
}

static void threads(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE);
	pthread_t ids[4];

	for (size_t i = 0; i < 4; i++)
		ids[i] = thread(writer, p + 8 + 8 * i);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	for (size_t i = 0; i < 4; i++)
		for (int page = 0; page < 10; page++) {
			char *own = p + 8 + 8 * i + page * PAGE;

			CHECK_EQ(load(own), (uint64_t)(p + 8 + 8 * i));
			CHECK_EQ(load(own + CHUNK),
				 (uint64_t)(p + 8 + 8 * i));
		}
	file_is_unchanged(fd);
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

static void child(void *arg)
{
	char *p = arg;

	CHECK_EQ(load(p), 1);
	store(p, 2);
	CHECK_EQ(linked_chunks(p + CHUNK), 1);
	store(p + CHUNK, 2);
	CHECK_EQ(load(p + CHUNK), 2);
}

static void children(int fd)
{
	char *p = map_private(fd, LIBSHPT_BREAK_ON_WRITE);

	store(p, 1);
	join(spawn(child, p));
	CHECK_EQ(load(p), 1);
	CHECK_EQ(load(p + CHUNK), word(0, CHUNK));
	CHECK_EQ(linked_bytes(p), CHUNK);
	file_is_unchanged(fd);
	MUST(libshpt_unmap(p, 2 * CHUNK));
}

static void test(int kind)
{
	int fd = backing(kind, 2 * CHUNK), read_only = reopen(fd, O_RDONLY);

	for (size_t off = 0; off < 2 * CHUNK; off += STEP) {
		uint64_t value = word(0, off);

		CHECK_EQ(pwrite(fd, &value, 8, off), 8);
	}
	open_region(fd);	/* so that it is not made anew each time */
	costs(fd);
	system_calls(read_only);
	by_call(read_only);
	other_faults(fd);
	unmapped_without_telling(fd);
	threads(fd);
	children(fd);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 30);
}
