// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hello.c - map a file, write to it, read it, and see what the mapping is
 *
 *	cc -o hello hello.c $(pkg-config --cflags --libs libshpt)
 *
 *	hello FILE
 *
 * FILE is made. On a file system of memory (/dev/shm), or one with DAX, and
 * with the module loaded, its page tables are shared with all who map it;
 * elsewhere the mapping is an ordinary one, and the program says why.
 */
#include <err.h>
#include <fcntl.h>
#include <libshpt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Any number of bytes will do. */
#define LENGTH (3UL << 20)

static void print_info(const void *p)
{
	struct libshpt_info info;

	if (libshpt_info(p, &info, sizeof(info)))
		errx(1, "%s", libshpt_errormsg());
	printf("%llu bytes at %p, backend %s\n",
	       (unsigned long long)info.length, info.addr,
	       libshpt_backend_name(info.backend));
	printf("%llu bytes have shared page tables\n",
	       (unsigned long long)info.linked_bytes);
	if (info.why_errno)
		printf("no better backend: %s\n", info.why);
}

int main(int argc, char **argv)
{
	static const char greeting[] = "hello, all who map this file\n";
	char text[sizeof(greeting)];
	char *p;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: hello FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0666);
	if (fd < 0 || ftruncate(fd, LENGTH))
		err(1, "%s", argv[1]);

	p = libshpt_map(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	if (p == MAP_FAILED)
		errx(1, "%s", libshpt_errormsg());

	/* What is stored in the mapping is in the file, and the reverse. */
	memcpy(p, greeting, sizeof(greeting));
	if (pread(fd, text, sizeof(text), 0) != sizeof(text))
		err(1, "cannot read %s", argv[1]);
	printf("%s", text);

	/* Page tables are shared from the first touch on: ask after that. */
	print_info(p);

	if (libshpt_unmap(p, LENGTH))
		errx(1, "%s", libshpt_errormsg());
	close(fd);
	return 0;
}
