// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dax.c - a journal on persistent memory, which a power failure cannot tear
 *
 *	cc -o dax dax.c $(pkg-config --cflags --libs libshpt libpmem)
 *
 *	dax FILE TEXT
 *
 * Appends TEXT to the journal in FILE and prints all of it. FILE is a file,
 * made if it is not there, or a device-dax such as /dev/dax0.0, all zeroes at
 * first. On a device-dax, and on a file system with DAX, stores last when they
 * have left the CPU's caches, which is libpmem's duty; elsewhere it takes
 * libshpt_sync(). Either is called for every TEXT; which, the program says.
 *
 * One program at a time may append.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libpmem.h>
#include <libshpt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A device-dax is mapped by multiples of its alignment, commonly 2 MiB. */
#define LENGTH (2UL << 20)
#define MAGIC 0x6c616e72756f6aULL

struct journal {
	uint64_t magic;
	uint64_t used; /* bytes of text[] that count */
	char text[LENGTH - 16];
};

static int open_journal(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0666);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size >= LENGTH)
		return fd;
	if (st.st_size)
		errx(1, "%s is no journal", path);
	/* Now, rather than by a SIGBUS when there is no room. */
	errno = posix_fallocate(fd, 0, LENGTH);
	if (errno)
		err(1, "%s: cannot allocate %lu bytes", path, LENGTH);
	return fd;
}

/* With MAP_SYNC a file system with DAX has written all that it must know of a
 * page before a store to it is done. Those without cannot promise that. */
static struct journal *map_journal(int fd)
{
	int prot = PROT_READ | PROT_WRITE;
	void *p = libshpt_map(NULL, LENGTH, prot,
			      MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);

	if (p == MAP_FAILED && errno == EOPNOTSUPP)
		p = libshpt_map(NULL, LENGTH, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		errx(1, "%s", libshpt_errormsg());
	return p;
}

static int is_persistent(const char *path, const void *p)
{
	struct libshpt_info info;

	if (libshpt_info(p, &info, sizeof(info)))
		errx(1, "%s", libshpt_errormsg());
	printf("%s: backend %s, %s\n", path, libshpt_backend_name(info.backend),
	       info.persistent ? "persistent, flushed by libpmem" :
				 "not persistent, written by libshpt_sync()");
	return info.persistent;
}

/* Returns when the bytes will outlive a power failure. */
static void persist(int persistent, void *addr, size_t length)
{
	size_t in_page = (uintptr_t)addr % sysconf(_SC_PAGESIZE);

	if (persistent)
		pmem_persist(addr, length);
	else if (libshpt_sync((char *)addr - in_page, in_page + length,
			      MS_SYNC))
		errx(1, "%s", libshpt_errormsg());
}

static void copy(int persistent, void *to, const void *from, size_t length)
{
	if (persistent) {
		pmem_memcpy_persist(to, from, length);
	} else {
		memcpy(to, from, length);
		persist(persistent, to, length);
	}
}

/* The text lasts before it counts, and a word of 8 bytes is never torn. */
static void append(int persistent, struct journal *j, const char *line)
{
	size_t length = strlen(line);

	if (length > sizeof(j->text) - j->used)
		errx(1, "the journal is full");
	copy(persistent, j->text + j->used, line, length);
	j->used += length;
	persist(persistent, &j->used, sizeof(j->used));
}

int main(int argc, char **argv)
{
	static char line[LENGTH]; /* as long as any argument can be */
	struct journal *j;
	int fd, persistent;

	if (argc != 3) {
		fprintf(stderr, "usage: dax FILE TEXT\n");
		return 2;
	}
	snprintf(line, sizeof(line), "%s\n", argv[2]);
	fd = open_journal(argv[1]);
	j = map_journal(fd);
	persistent = is_persistent(argv[1], j);

	if (j->magic == 0 && j->used == 0) {
		j->magic = MAGIC;
		persist(persistent, &j->magic, sizeof(j->magic));
	}
	if (j->magic != MAGIC || j->used > sizeof(j->text))
		errx(1, "%s is no journal", argv[1]);
	append(persistent, j, line);
	fwrite(j->text, 1, j->used, stdout);

	if (libshpt_unmap(j, LENGTH))
		errx(1, "%s", libshpt_errormsg());
	close(fd);
	return 0;
}
