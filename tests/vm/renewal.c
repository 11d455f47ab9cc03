/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All hosts of a region are replaced again and again under guests that fault,
 * link, fork and exit all the time: nobody sees a wrong byte, a signal, or a
 * host that is gone. A guest whose mmap_lock is never free for a moment does not
 * keep it from coming to an end.
 */
#include "vmtest.h"

#define CHUNKS	32UL
#define RENEWALS 12
#define READERS	4
#define BUSY	(16 * MIB)

static struct {
	char *p;
	int reg;
	volatile bool *stop;
	volatile uint64_t *turns;
} t;

/* To another policy and back; there is a node 0 everywhere. */
static void renew(int nr)
{
	struct shpt_set_node args = {
		.size = sizeof(args),
		.node = nr & 1 ? SHPT_NODE_ONE : 0,
	};

	MUST(ioctl(t.reg, SHPT_IOC_SET_NODE, &args));
}

static char *page_of(size_t chunk)
{
	return t.p + chunk * CHUNK + chunk % 512 * PAGE;
}

static void *touch(void *arg)
{
	while (!*t.stop) {
		for (size_t i = 0; i < CHUNKS; i++)
			CHECK_EQ(load(page_of(i)), i);
		__atomic_fetch_add(t.turns, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

static void child(void *arg)
{
	size_t mine = (size_t)arg % CHUNKS;

	CHECK_EQ(load(page_of(mine)), mine);
	store(page_of(mine) + 8, mine);
}

static void *fork_on(void *arg)
{
	for (size_t i = 0; !*t.stop; i++)
		join(spawn(child, (void *)i));
	return arg;
}

static void *read_on(void *arg)
{
	while (!*t.stop)
		madvise(arg, BUSY, MADV_POPULATE_READ);
	return NULL;
}

/* Readers of its mmap_lock that overlap without end. */
static void busy_guest(void *arg)
{
	char *mine = MUST(mmap(NULL, BUSY, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	pthread_t threads[READERS];
	int i;

	madvise(mine, BUSY, MADV_NOHUGEPAGE);
	memset(mine, 1, BUSY);
	CHECK_EQ(load(page_of(0)), 0);
	for (i = 0; i < READERS; i++)
		threads[i] = thread(read_on, mine);
	*(volatile bool *)arg = true;
	for (i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
}

static void undrainable(void)
{
	volatile bool *ready = shared(PAGE);
	pid_t pid;

	*t.stop = false;
	pid = spawn(busy_guest, (void *)ready);
	WAIT_FOR(*ready, PATIENCE, "the busy guest does not begin");
	renew(0);
	renew(1);
	*t.stop = true;
	join(pid);
}

static void test(int kind)
{
	struct shpt_reclaim all = { .size = sizeof(all), .length = UINT64_MAX };
	pthread_t threads[3];
	uint64_t turns;
	size_t i;

	t.reg = open_region(backing(kind, CHUNKS * CHUNK));
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	t.p = map_region(t.reg, CHUNKS, 0);
	for (i = 0; i < CHUNKS; i++)
		store(page_of(i), i);
	threads[0] = thread(touch, NULL);
	threads[1] = thread(touch, NULL);
	threads[2] = thread(fork_on, NULL);
	for (i = 0; i < RENEWALS; i++) {
		turns = *t.turns;
		renew((int)i);
		WAIT_FOR(*t.turns > turns + 2, PATIENCE, "guests stand still");
	}
	*t.stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	undrainable();
	for (i = 0; i < CHUNKS; i++)
		CHECK_EQ(load(page_of(i)), i);
	/* Nothing is empty, however much is asked about. */
	MUST(ioctl(t.reg, SHPT_IOC_RECLAIM, &all));
	CHECK_EQ(all.freed_bytes, 0);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 100);
}
