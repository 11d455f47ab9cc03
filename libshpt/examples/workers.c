// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * workers.c - workers of a database on one buffer pool
 *
 *	cc -o workers workers.c $(pkg-config --cflags --libs libshpt)
 *
 *	workers N [FILE]
 *
 * N processes take requests from a queue, each of which needs one page of the
 * pool, and then tell how many page faults that took and what of the pool they
 * reach by shared page tables. The pool is anonymous memory, or FILE, which is
 * made and removed again.
 *
 * The workers inherit the mapping. A process that is no child of this one would
 * share all the same, by calling libshpt_map() of FILE.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libshpt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define POOL (16UL << 20)
#define BUFFERS (POOL / PAGE - 1)
#define USES 4 /* of each buffer */
#define REQUESTS (USES * BUFFERS)

/* The pool begins with the queue: the number of the next request. */
static atomic_ulong *queue(char *pool)
{
	return (atomic_ulong *)pool;
}

/* The pages after that are buffers, which count how often they are used. */
static atomic_ulong *buffer(char *pool, unsigned long n)
{
	return (atomic_ulong *)(pool + (1 + n) * PAGE);
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		err(1, "%s", path);
	unlink(path);
	/* Now, rather than by a SIGBUS when there is no room. */
	errno = posix_fallocate(fd, 0, POOL);
	if (errno)
		err(1, "%s: cannot allocate %lu bytes", path, POOL);
	return fd;
}

static char *map_pool(const char *path)
{
	int flags = path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
	int fd = path ? make_file(path) : -1;
	char *pool =
		libshpt_map(NULL, POOL, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (pool == MAP_FAILED)
		errx(1, "%s", libshpt_errormsg());
	/* The mapping keeps the file. */
	if (path)
		close(fd);
	return pool;
}

static void report(int worker, unsigned long served, const char *pool)
{
	struct libshpt_info info;
	struct rusage usage;

	if (libshpt_info(pool, &info, sizeof(info)))
		errx(1, "%s", libshpt_errormsg());
	getrusage(RUSAGE_SELF, &usage);
	printf("worker %d: %lu requests, %ld page faults; %s, "
	       "%llu of %lu MiB by shared page tables\n",
	       worker, served, usage.ru_minflt + usage.ru_majflt,
	       libshpt_backend_name(info.backend),
	       (unsigned long long)info.linked_bytes >> 20, POOL >> 20);
}

static void work(int worker, char *pool)
{
	unsigned long request, served = 0;

	while ((request = atomic_fetch_add(queue(pool), 1)) < REQUESTS) {
		atomic_fetch_add(buffer(pool, request % BUFFERS), 1);
		served++;
	}
	report(worker, served, pool);
}

static int check(char *pool)
{
	for (unsigned long n = 0; n < BUFFERS; n++)
		if (*buffer(pool, n) != USES) {
			warnx("buffer %lu was used %lu times instead of %d", n,
			      *buffer(pool, n), USES);
			return 1;
		}
	printf("%lu requests served\n", REQUESTS);
	return 0;
}

int main(int argc, char **argv)
{
	int workers = argc > 1 ? atoi(argv[1]) : 0;
	int status, failed = 0;
	char *pool;

	if (argc > 3 || workers < 1) {
		fprintf(stderr, "usage: workers N [FILE]\n");
		return 2;
	}
	pool = map_pool(argv[2]);
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			work(i, pool);
			return 0;
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		errx(1, "a worker failed");
	failed = check(pool);
	if (libshpt_unmap(pool, POOL))
		errx(1, "%s", libshpt_errormsg());
	return failed;
}
