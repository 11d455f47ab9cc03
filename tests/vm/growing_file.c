/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that grows under its mappings, by ftruncate(2) and by write(2), within
 * a chunk and past its end: what was SIGBUS becomes accessible to guests that
 * were linked before and to others.
 */
#include "vmtest.h"

static struct {
	pthread_barrier_t *step;
	char *p;
} t;

static void check(size_t bytes)
{
	size_t end = (bytes + PAGE - 1) / PAGE * PAGE;

	if (bytes)
		CHECK_EQ(probe(t.p + bytes - 1, true), 0);
	if (end < 2 * CHUNK) {
		CHECK_EQ(probe(t.p + end, false), SIGBUS);
		CHECK_EQ(probe(t.p + end, true), SIGBUS);
	}
}

static void worker(void *arg)
{
	for (size_t *s = arg; *s != (size_t)-1; s++) {
		meet(t.step);
		check(*s);
		/* Each leaves a mark for the other to find. */
		if (*s)
			store(t.p + *s - 16, *s);
		meet(t.step);
		for (size_t *r = arg; r <= s; r++)
			if (*r)
				CHECK_EQ(load(t.p + *r - 16), *r);
		meet(t.step);
	}
}

static void test(int kind)
{
	static size_t sizes[] = {
		0, 64, PAGE, PAGE + 64, 64 * KIB, 2 * MIB, 5 * MIB + 64,
		CHUNK - PAGE, CHUNK, CHUNK + PAGE, CHUNK + 3 * MIB, 2 * CHUNK,
		-1,
	};
	int fd = backing(kind, 0), i;
	struct stat st;
	pid_t pid;

	t.step = barrier(2);
	t.p = map_guest(fd, 2);
	CHECK_EQ(probe(t.p, false), SIGBUS);
	pid = spawn(worker, sizes);
	for (i = 0; sizes[i] != (size_t)-1; i++) {
		if (i % 2)
			CHECK_EQ(pwrite(fd, "end", 3, sizes[i] - 3), 3);
		else
			MUST(ftruncate(fd, sizes[i]));
		meet(t.step);
		check(sizes[i]);
		if (i % 2)
			CHECK(!memcmp(t.p + sizes[i] - 3, "end", 3),
			      "written end of %#zx bytes is not seen",
			      sizes[i]);
		meet(t.step);
		meet(t.step);
	}
	join(pid);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 2 * CHUNK);
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
