/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * busy - keeps a region busy until it is killed: processes read and write it,
 * fork, map and unmap it, and punch holes into its backing. Paced, as the
 * kernel's own tests that run meanwhile have times of their own to keep.
 */
#include "../vm/vmtest.h"

#define BYTES	(64 * MIB)

static struct {
	int fd;
} t;

static void pause_a_little(uint64_t *rounds)
{
	__atomic_fetch_add(rounds, 1, __ATOMIC_RELAXED);
	usleep(5000);
}

/* A word of the backing is zero, or what belongs there. */
static void scan(char *p, size_t bytes)
{
	for (size_t off = 0; off < bytes; off += PAGE) {
		uint64_t value = load(p + off);

		CHECK(!value || value == word(1, off), "page at %#zx holds %#llx",
		      off, (long long)value);
		if (off % (16 * PAGE) == 0)
			store(p + off, word(1, off));
	}
}

static void scanner(void *arg)
{
	char *p = map_guest(t.fd, 1);

	for (uint64_t i = 0; ; i++) {
		scan(p + i % 16 * 4 * MIB, 4 * MIB);
		pause_a_little(arg);
	}
}

static void mapper(void *arg)
{
	for (;;) {
		char *p = map_guest(t.fd, 2);

		scan(p, MIB);
		MUST(madvise(p, CHUNK, MADV_DONTNEED));
		scan(p, MIB);
		MUST(munmap(p, 2 * CHUNK));
		pause_a_little(arg);
	}
}

static char *inherited;

static void child(void *arg)
{
	(void)arg;
	scan(inherited, MIB);
}

static void forker(void *arg)
{
	inherited = map_guest(t.fd, 1);
	scan(inherited, MIB);
	for (;;) {
		join(spawn(child, NULL));
		pause_a_little(arg);
	}
}

static void puncher(void *arg)
{
	for (uint64_t i = 0; ; i++) {
		MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, i % 16 * 4 * MIB, 2 * MIB));
		pause_a_little(arg);
	}
}

static void test(int kind)
{
	void (*const workers[])(void *) = { scanner, scanner, mapper, forker,
					    puncher };
	const int nr = sizeof(workers) / sizeof(*workers);
	uint64_t *rounds = shared(PAGE);
	int i;

	t.fd = backing(kind, BYTES);
	for (i = 0; i < nr; i++)
		spawn(workers[i], &rounds[8L * i]);
	for (;;) {
		int status;

		/* Somebody only ends if something is wrong. */
		if (waitpid(-1, &status, WNOHANG) > 0)
			FAIL("a worker ended with status %#x", status);
		dprintf(1, "busy: rounds");
		for (i = 0; i < nr; i++)
			dprintf(1, " %llu", (long long)rounds[8L * i]);
		dprintf(1, "\n");
		sleep(1);
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	return vmtest(test, argc > 1 ? DAX : MEMFD, 3600);
}
