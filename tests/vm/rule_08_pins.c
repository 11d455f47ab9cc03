/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -luring */
/*
 * Rule 8: buffers of io_uring registered in the mapping of a memfd stay the very pages
 * of the file while the kernel moves and swaps out all it can around them. On
 * a DAX file registration is refused, as it is for an ordinary mapping: the
 * file system must be able to take its blocks back. A device-dax has none.
 */
#include "vmtest.h"

#include <liburing.h>

#define BUFFER	(512 * KIB)
#define ROUNDS	8
#define AREA	((1 + ROUNDS) * BUFFER)

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *disturbed;	/* times that it was done */
	pthread_barrier_t *step;
} t;

/* Moves and swaps out the region's pages, as another guest. */
static void disturber(void *arg)
{
	char *p = map_guest(t.fd, 1);
	size_t at = 0;

	(void)arg;
	while (!*t.stop) {
		/* Whole ranges by advice, which goes by what is linked here. */
		(void)load(p);
		MUST(madvise(p, AREA, MADV_PAGEOUT));
		/* Single pages by force, those of the buffer included. */
		for (int i = 0; i < 8; i++, at += PAGE) {
			(void)!madvise(p + at % BUFFER, PAGE,
				       MADV_SOFT_OFFLINE);
			(void)!madvise(p + BUFFER + at % BUFFER, PAGE,
				       MADV_SOFT_OFFLINE);
		}
		++*t.disturbed;
	}
}

/* Reads and writes the buffers as another guest does. */
static void partner(void *arg)
{
	char *p = map_guest(t.fd, 1);

	(void)arg;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		meet(t.step);
		CHECK_STAMP(p, BUFFER, i);
		stamp(p, BUFFER, i + 1000);
		meet(t.step);
	}
}

static void transfer(struct io_uring *ring, bool in, int file, char *buf)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;

	CHECK(sqe, "no submission entry");
	if (in)
		io_uring_prep_read_fixed(sqe, file, buf, BUFFER, 0, 0);
	else
		io_uring_prep_write_fixed(sqe, file, buf, BUFFER, 0, 0);
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	CHECK_EQ(cqe->res, BUFFER);
	io_uring_cqe_seen(ring, cqe);
}

static void under_pressure(struct io_uring *ring, char *p)
{
	static char pattern[BUFFER];
	int file = MUST(memfd_create("file", 0));
	uint64_t pinned[BUFFER / PAGE], before;
	long long swapped, moved;
	pid_t pids[2];
	int i;

	for (i = 1; i <= ROUNDS; i++)
		stamp(p + i * BUFFER, BUFFER, 7);
	for (i = 0; i < (int)(BUFFER / PAGE); i++) {
		(void)load(p + i * PAGE);
		pinned[i] = frame_of(p + i * PAGE);
	}
	swap_on();
	t.stop = shared(PAGE);
	t.disturbed = shared(PAGE);
	t.step = barrier(2);
	swapped = vmstat("pswpout");
	moved = vmstat("pgmigrate_success");
	pids[0] = spawn(disturber, NULL);
	pids[1] = spawn(partner, NULL);
	for (i = 0; i < ROUNDS; i++) {
		stamp(pattern, BUFFER, i);
		CHECK_EQ(pwrite(file, pattern, BUFFER, 0), BUFFER);
		transfer(ring, true, file, p);
		meet(t.step);	/* the partner sees it and writes */
		meet(t.step);
		before = *t.disturbed;
		WAIT_FOR(*t.disturbed >= before + 2, 60, "no disturbance");
		transfer(ring, false, file, p);
		CHECK_EQ(pread(file, pattern, BUFFER, 0), BUFFER);
		CHECK_STAMP(pattern, BUFFER, i + 1000);
		CHECK_STAMP(p + (1 + i) * BUFFER, BUFFER, 7);
	}
	*t.stop = true;
	join(pids[1]);
	join(pids[0]);
	CHECK_STAMP(p, BUFFER, ROUNDS - 1 + 1000);
	CHECK_GE(vmstat("pswpout") - swapped, 500);
	CHECK_GE(vmstat("pgmigrate_success") - moved, 20);
	/* That the disturbance reached the buffer would show here. */
	for (i = 0; i < (int)(BUFFER / PAGE); i++)
		CHECK_EQ(frame_of(p + i * PAGE), pinned[i]);
	swap_off();
}

/* Up to some version io_uring took mappings of shmem itself and no other file. */
static bool takes_files(struct io_uring *ring)
{
	struct iovec iov = { .iov_len = PAGE };
	char name[4096];
	int fd, ret;

	snprintf(name, sizeof(name), "%s/uring", test_env("SHPT_TEST_DISK"));
	fd = MUST(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, PAGE));
	iov.iov_base = MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0));
	ret = io_uring_register_buffers(ring, &iov, 1);
	if (!ret)
		CHECK_EQ(io_uring_unregister_buffers(ring), 0);
	MUST(munmap(iov.iov_base, PAGE));
	MUST(close(fd));
	return ret != -EOPNOTSUPP;
}

static void test(int kind)
{
	struct iovec iov = { .iov_len = BUFFER };
	struct io_uring ring;
	int ordinary, file;
	char *p;

	CHECK_EQ(io_uring_queue_init(8, &ring, 0), 0);
	t.fd = backing(kind, 64 * MIB);
	p = map_guest(t.fd, 1);
	iov.iov_base = p;
	if (kind == DAX) {
		iov.iov_base = MUST(mmap(NULL, BUFFER, PROT_READ | PROT_WRITE,
					 MAP_SHARED, t.fd, 0));
		ordinary = io_uring_register_buffers(&ring, &iov, 1);
		CHECK(ordinary < 0, "an ordinary DAX mapping can be registered");
		/* Untouched, and with its pages there. */
		iov.iov_base = p;
		CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), ordinary);
		stamp(p, BUFFER, 1);
		CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), ordinary);
		return;
	}
	if (!takes_files(&ring)) {
		CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1),
			 -EOPNOTSUPP);
		SKIP("io_uring of this kernel registers no mapped files");
	}
	CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), 0);
	if (kind == MEMFD)
		under_pressure(&ring, p);
	/* Buffers outlive the mapping that they were registered in. */
	MUST(munmap(p, CHUNK));
	file = backing(MEMFD, BUFFER);
	stamp(MUST(mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			0)), BUFFER, 8);
	transfer(&ring, true, file, p);
	p = map_guest(t.fd, 1);
	CHECK_STAMP(p, BUFFER, 8);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 100);
}
