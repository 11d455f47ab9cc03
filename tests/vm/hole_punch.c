/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hole punched in the backing is seen at once by processes that do nothing
 * but read that page, and so is what is written into the hole: no stale
 * translation outlives fallocate(2).
 */
#include "vmtest.h"

#define SPINNERS	2
#define ROUNDS		40

struct spinner {
	volatile uint64_t turns;
	volatile uint64_t value;
} __attribute__((aligned(128)));

static struct {
	int fd;
	size_t page;
	struct spinner *spinners;
	volatile bool *stop;
} t;

static void spinner(void *arg)
{
	struct spinner *s = &t.spinners[(long)arg];
	char *p = map_guest(t.fd, 1);

	while (!*t.stop) {
		s->value = load(p + t.page);
		s->turns++;
	}
}

/* What each spinner reads from now on must be this. */
static void expect(uint64_t value, int round, const char *after)
{
	uint64_t before;
	int i;

	for (i = 0; i < SPINNERS; i++) {
		before = t.spinners[i].turns;
		WAIT_FOR(t.spinners[i].turns >= before + 2, 10,
			 "spinner %d stands still", i);
		CHECK(t.spinners[i].value == value,
		      "round %d: after %s a spinner reads %#llx, not %#llx",
		      round, after, (long long)t.spinners[i].value,
		      (long long)value);
	}
}

static void test(int kind)
{
	pid_t pids[SPINNERS];
	uint64_t value;
	char *p;
	int i;

	t.fd = backing(kind, 8 * MIB);
	t.page = 4 * MIB + 5 * PAGE;
	t.spinners = shared(PAGE);
	t.stop = shared(PAGE);
	p = map_guest(t.fd, 1);
	stamp(p, 8 * MIB, 1);
	for (i = 0; i < SPINNERS; i++)
		pids[i] = spawn(spinner, (void *)(long)i);
	expect(word(1, t.page), -1, "the first write");
	for (i = 0; i < ROUNDS; i++) {
		/* In turn the page alone and all 2 MiB around it. */
		MUST(fallocate(t.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       i % 2 ? 4 * MIB : t.page,
			       i % 2 ? 2 * MIB : PAGE));
		expect(0, i, "the hole punch");
		CHECK_EQ(load(p + t.page), 0);
		value = word(2, i);
		/* Through the file and through a mapping. */
		if (i % 3)
			CHECK_EQ(pwrite(t.fd, &value, 8, t.page), 8);
		else
			store(p + t.page, value);
		expect(value, i, "the next write");
	}
	*t.stop = true;
	for (i = 0; i < SPINNERS; i++)
		join(pids[i]);
	CHECK_STAMP(p, 4 * MIB, 1);
	CHECK_EQ(load(p + 6 * MIB), word(1, 6 * MIB));
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
