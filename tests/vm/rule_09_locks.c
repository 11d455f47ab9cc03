/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 9: a fault keeps or drops the lock that it came with as its flags say.
 * Some callers of get_user_pages() must not wait, others cannot let go of the
 * mmap_lock. Neither may be the first to touch a mapping in a child; then they
 * are told to come again, or that they cannot, and nobody's lock is lost. Who
 * must not wait links nothing, as that may mean to wait for an invalidation.
 */
#include "vmtest.h"
#include "shpt_test.h"

static struct {
	int dev;
	char *p;
} t;

static int touch(unsigned long how, char *p)
{
	int ret = ioctl(t.dev, how, p);

	return ret < 0 ? -errno : ret;
}

/* That the kernel lets it map proves that the lock is free. */
static void lock_is_free(void)
{
	void *p = MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0));

	MUST(munmap(p, PAGE));
}

static void child(void *arg)
{
	unsigned long how = (unsigned long)arg;
	bool nowait = how == SHPT_TEST_TOUCH_NOWAIT;

	CHECK_EQ(touch(how, t.p), nowait ? 0 : -EFAULT);
	CHECK_EQ(touch(how, t.p), nowait ? 0 : -EFAULT);
	lock_is_free();
	CHECK_EQ(linked_chunks(t.p), 0);
	CHECK_EQ(load(t.p), word(1, 0));
	CHECK_EQ(linked_chunks(t.p), 1);
	CHECK_EQ(touch(how, t.p), 1);
	/* Pages that nobody has touched: what can be had at once is given. */
	for (int i = 0; i < 64; i++)
		CHECK_EQ(touch(how, t.p + (256 + i) * PAGE), 1);
	lock_is_free();
	CHECK_EQ(load(t.p + 256 * PAGE), 0);
}

static void nowait_links_nothing(void)
{
	MUST(madvise(t.p, CHUNK, MADV_DONTNEED));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(touch(SHPT_TEST_TOUCH_NOWAIT, t.p), 0);
		CHECK_EQ(linked_chunks(t.p), 0);
	}
	lock_is_free();
	CHECK_EQ(touch(SHPT_TEST_TOUCH_LOCKED, t.p), 1);
	CHECK_EQ(linked_chunks(t.p), 1);
	CHECK_EQ(touch(SHPT_TEST_TOUCH_NOWAIT, t.p), 1);
}

/* Amid invalidations that forbid links. */
static volatile bool stop;

static void *unlinker(void *arg)
{
	while (!stop) {
		MUST(madvise(arg, CHUNK, MADV_DONTNEED));
		usleep(100);
	}
	return NULL;
}

static void amid_invalidations(void)
{
	pthread_t thr = thread(unlinker, t.p);
	int done = 0;

	for (int i = 0; i < 2000; i++) {
		int ret = touch(SHPT_TEST_TOUCH_NOWAIT, t.p + i % 256 * PAGE);

		CHECK(ret == 0 || ret == 1, "touch: %s", strerror(-ret));
		done += ret;
		if (i % 10 == 0)
			CHECK_EQ(touch(SHPT_TEST_TOUCH_LOCKED,
				       t.p + i % 256 * PAGE), 1);
	}
	stop = true;
	pthread_join(thr, NULL);
	CHECK(done, "not one touch succeeded");
	lock_is_free();
}

static void test(int kind)
{
	int fd = backing(kind, CHUNK);

	t.dev = MUST(open(SHPT_TEST_DEVICE, O_RDWR | O_CLOEXEC));
	t.p = map_guest(fd, 1);
	stamp(t.p, MIB, 1);
	join(spawn(child, (void *)SHPT_TEST_TOUCH_NOWAIT));
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MIB,
		       MIB));
	join(spawn(child, (void *)SHPT_TEST_TOUCH_LOCKED));
	nowait_links_nothing();
	amid_invalidations();
	CHECK_STAMP(t.p, MIB, 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
