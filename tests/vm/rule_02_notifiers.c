/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule 2: a process's links follow its invalidations: each takes away the links
 * of its range and no others, whatever the process does elsewhere; it does so in
 * a child that has just begun as well, and in mappings that are made and ended
 * amid invalidations; and with the process all links end. A process that was a
 * guest may be one again.
 */
#include "vmtest.h"

#define CHUNKS	4

static struct {
	char *p;
	int reg;
} t;

static void touch_all(void)
{
	for (int i = 0; i < CHUNKS; i++)
		CHECK_EQ(load(t.p + i * CHUNK), i + 1);
	CHECK_EQ(linked_chunks(t.p), CHUNKS);
}

/* What a process does all day, next to its guest mappings. */
static void elsewhere(void)
{
	char *q = MUST(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	stamp(q, MIB, 1);
	MUST(mprotect(q, MIB, PROT_READ));
	MUST(madvise(q, MIB, MADV_DONTNEED));
	CHECK_EQ(load(q), 0);
	MUST(munmap(q, CHUNK));
	q = malloc(8 * MIB);
	stamp(q, 8 * MIB, 2);
	free(q);
}

static void child(void *arg)
{
	size_t chunk = (long)arg;

	CHECK_EQ(load(t.p + chunk * CHUNK), chunk + 1);
	CHECK_EQ(linked_chunks(t.p), 1);
	MUST(madvise(t.p, CHUNKS * CHUNK, MADV_DONTNEED));
	CHECK_EQ(linked_chunks(t.p), 0);
	touch_all();
	if (chunk & 1)
		raise(SIGKILL);
}

static void range_by_range(void)
{
	uint64_t unlinks = region_info(t.reg).unlinks;

	for (size_t i = 0; i < CHUNKS; i++) {
		MUST(madvise(t.p + i * CHUNK + 8 * MIB, PAGE, MADV_DONTNEED));
		CHECK_EQ(linked_chunks(t.p), CHUNKS - 1);
		CHECK_EQ(region_info(t.reg).unlinks, ++unlinks);
		touch_all();
	}
	/* Across a border. */
	MUST(madvise(t.p + CHUNK - PAGE, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(linked_chunks(t.p), CHUNKS - 2);
	CHECK_EQ(region_info(t.reg).unlinks, unlinks + 2);
	touch_all();
	/* The whole address space. */
	write_text("/proc/self/clear_refs", "4");
	CHECK_EQ(linked_chunks(t.p), 0);
	touch_all();
}

/* Threads that find their chunk unlinked again and again come back in. */
static volatile bool stop;
static volatile long turns;

static void *reader(void *arg)
{
	while (!stop) {
		CHECK_EQ(load(t.p + (long)arg * CHUNK), (long)arg + 1);
		__atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * Mappings that begin and end while others of the process are invalidated, one
 * after the other at 64 addresses. What the kernel has put there meanwhile, a
 * thread's stack or another's mapping, stays there.
 */
#define PLACES	64

static void *mapper(void *arg)
{
	size_t bytes = (2 * PLACES + 1) * CHUNK;
	volatile long *maps = arg;
	char *places, *q;

	places = MUST(mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
						   MAP_NORESERVE, -1, 0));
	MUST(munmap(places, bytes));
	places += -(uintptr_t)places % CHUNK;
	for (size_t place = 0; !stop; place = (place + 1) % PLACES) {
		q = try_map(places + place * 2 * CHUNK, 2 * CHUNK,
			    PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED_NOREPLACE, t.reg, 0);
		if (q == MAP_FAILED && errno == EEXIST)
			continue;
		MUST(q);
		CHECK_EQ(load(q), 1);
		CHECK_EQ(load(q + CHUNK), 2);
		MUST(madvise(q + CHUNK, PAGE, MADV_DONTNEED));
		CHECK_EQ(load(q + CHUNK), 2);
		MUST(munmap(q, CHUNK));
		MUST(munmap(q + CHUNK, CHUNK));
		++*maps;
	}
	return NULL;
}

/* Its invalidations go on while mappings change: they come without mmap_lock. */
static void *puncher(void *arg)
{
	int fd = backing(MEMFD, 4 * MIB);
	char *q = MUST(mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0));

	(void)arg;
	while (!stop) {
		stamp(q, 4 * MIB, 3);
		MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_KEEP_SIZE, 0, 4 * MIB));
	}
	return NULL;
}

static void amid_invalidations(void)
{
	pthread_t threads[CHUNKS + 2];
	volatile long maps = 0;
	double start;
	int rounds;

	for (long i = 0; i < CHUNKS; i++)
		threads[i] = thread(reader, (void *)i);
	threads[CHUNKS] = thread(mapper, (void *)&maps);
	threads[CHUNKS + 1] = thread(puncher, NULL);
	start = now();
	for (rounds = 0; KEEP_GOING(start, 1, rounds >= 20 && turns >= 1000 &&
				    maps >= 10);
	     rounds++) {
		write_text("/proc/self/clear_refs", "4");
		MUST(madvise(t.p, CHUNKS * CHUNK, MADV_DONTNEED));
	}
	stop = true;
	for (int i = 0; i < CHUNKS + 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_GE(turns, 1000);
	CHECK_GE(maps, 10);
	touch_all();
}

/* Nothing is left of a mapping that ended but the right to another. */
static void former_guest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		char *p = map_region(t.reg, 1, 0);

		CHECK_EQ(load(p), 1);
		CHECK_EQ(linked_chunks(p), 1);
		MUST(munmap(p, CHUNK));
	}
}

static void test(int kind)
{
	uint64_t unlinks;
	int status;

	t.reg = open_region(backing(kind, CHUNKS * CHUNK));
	t.p = map_region(t.reg, CHUNKS, 0);
	for (size_t i = 0; i < CHUNKS; i++)
		store(t.p + i * CHUNK, i + 1);
	touch_all();
	unlinks = region_info(t.reg).unlinks;
	for (int i = 0; i < 10; i++)
		elsewhere();
	CHECK_EQ(linked_chunks(t.p), CHUNKS);
	CHECK_EQ(region_info(t.reg).unlinks, unlinks);
	range_by_range();
	for (long i = 0; i < CHUNKS; i++) {
		pid_t pid = spawn(child, (void *)i);

		MUST(waitpid(pid, &status, 0));
		CHECK_EQ(status, i & 1 ? SIGKILL : 0);
		WAIT_FOR(region_info(t.reg).links == CHUNKS, 10,
			 "%llu links are left of a process that ended",
			 (long long)region_info(t.reg).links);
	}
	CHECK_EQ(linked_chunks(t.p), CHUNKS);
	MUST(madvise(t.p, CHUNKS * CHUNK, MADV_DONTFORK));
	join(spawn(former_guest, NULL));
	amid_invalidations();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
