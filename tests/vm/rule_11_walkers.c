/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 11: the tables of a host that is replaced stay as long as somebody in a
 * guest may be walking them. Here somebody is at it for two seconds.
 */
#include "vmtest.h"

#include "modules/shpt_test.h"

static struct {
	char *p;
	volatile bool *ready;
} t;

static void walker(void *arg)
{
	int dev = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));

	CHECK_EQ(load(t.p), 1);
	CHECK_EQ(linked_chunks(t.p), 1);
	*t.ready = true;
	CHECK(MUST(ioctl(dev, SHPT_TEST_WALK_SLOWLY, t.p)) == 1,
	      "the table was freed under its walker");
	/* Afterwards it is as good a guest as before. */
	CHECK_EQ(load(t.p), 1);
	store((char *)t.p + 8, (uint64_t)arg);
}

static void test(int kind)
{
	struct shpt_set_node args = { .size = sizeof(args), .node = 0 };
	int reg = open_region(backing(kind, CHUNK));
	pid_t pid;

	t.ready = shared(PAGE);
	t.p = map_region(reg, 1, 0);
	store(t.p, 1);
	pid = spawn(walker, (void *)2);
	WAIT_FOR(*t.ready, PATIENCE, "the walker does not begin");
	usleep(500000);
	MUST(ioctl(reg, SHPT_IOC_SET_NODE, &args));
	join(pid);
	CHECK_EQ(load(t.p + 8), 2);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 20);
}
