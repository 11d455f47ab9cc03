/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A backing cut short: processes that do nothing but read a page get SIGBUS
 * from the moment ftruncate(2) returns, and zeroes once it has grown again,
 * however little was cut.
 */
#include "vmtest.h"

#define SPINNERS	2
#define ROUNDS		18
#define STAMPED		(1 * MIB)
#define BUS		0xb05b05b05b05b05bUL

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
	char *p = map_guest(t.fd, 1) + t.page;
	sigjmp_buf env;

	while (!*t.stop) {
		if (sigsetjmp(env, 0)) {
			s->value = BUS;
		} else {
			vmtest_probe = &env;
			s->value = load(p);
		}
		s->turns++;
	}
}

static void expect(uint64_t value, int round, const char *after)
{
	uint64_t before;
	int i;

	for (i = 0; i < SPINNERS; i++) {
		before = t.spinners[i].turns;
		WAIT_FOR(t.spinners[i].turns >= before + 2, 10,
			 "spinner %d stands still", i);
		CHECK(t.spinners[i].value == value,
		      "round %d: after %s a spinner reads %#llx, not %#llx "
		      "(%#lx is SIGBUS)", round, after,
		      (long long)t.spinners[i].value, (long long)value, BUS);
	}
}

static void test(int kind)
{
	size_t size = 8 * MIB, cut;
	pid_t pids[SPINNERS];
	uint64_t value;
	char *p;
	int i;

	t.fd = backing(kind, size);
	t.page = 4 * MIB + 5 * PAGE;
	t.spinners = shared(PAGE);
	t.stop = shared(PAGE);
	p = map_guest(t.fd, 1);
	stamp(p, STAMPED, 1);
	for (i = 0; i < SPINNERS; i++)
		pids[i] = spawn(spinner, (void *)(long)i);
	for (i = 0; i < ROUNDS; i++) {
		value = word(2, i);
		store(p + t.page, value);
		store(p + t.page + 512, value);
		expect(value, i, "the write");
		cut = i % 3 == 0 ? t.page : i % 3 == 1 ? 4 * MIB + PAGE : 0;
		if (i % 3 == 2)
			stamp(p, STAMPED, i);
		MUST(ftruncate(t.fd, cut));
		expect(BUS, i, "the cut");
		CHECK_EQ(probe(p + t.page, true), SIGBUS);
		MUST(ftruncate(t.fd, size));
		expect(0, i, "growing again");
		if (cut)
			CHECK_EQ(load(p), word(1, 0));
		else
			CHECK_EQ(load(p), 0);
		stamp(p, STAMPED, 1);
		/* A cut in the middle of the page clears what follows it. */
		store(p + t.page, value);
		store(p + t.page + 512, value);
		MUST(ftruncate(t.fd, t.page + 512));
		MUST(ftruncate(t.fd, size));
		expect(value, i, "a cut behind it");
		CHECK_EQ(load(p + t.page + 512), 0);
	}
	*t.stop = true;
	for (i = 0; i < SPINNERS; i++)
		join(pids[i]);
	CHECK_STAMP(p, STAMPED, 1);
}

int main(void)
{
	return vmtest(test, MEMFD | FSDAX, 55);
}
