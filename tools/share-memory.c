// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * share-memory.c - for check-estimate: processes that share memory
 *
 * share-memory PROCESSES MIB TOUCHED OFFSET|huge: so many children touch each
 * 2 MiB of the first TOUCHED MiB of a memfd of that many MiB, which is mapped
 * from OFFSET KiB on, at an address that is not aligned to more than a page; or
 * aligned from its beginning on, and then has huge pages if there are any.
 * Prints the pid of each, and by how many bytes their page tables grew in sum,
 * then waits for the end of stdin.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE ((size_t)2 << 20)

static long page_table_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib * 1024;
}

/* Between mappings that nobody touches, so that no table has two uses. */
static volatile char *map(int fd, size_t bytes, size_t offset, bool huge)
{
	size_t gap = (size_t)2 << 30;
	char *p = mmap(NULL, bytes + 2 * gap, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || munmap(p, bytes + 2 * gap))
		return NULL;
	p += gap - (uintptr_t)p % HUGE + (huge ? 0 : 123 * 4096);
	p = mmap(p, bytes - offset, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, (off_t)offset);
	return p == MAP_FAILED ? NULL : p;
}

static void child(int fd, size_t bytes, size_t touched, size_t offset,
		  bool huge, int out)
{
	volatile char *p = map(fd, bytes, offset, huge);
	long before = page_table_bytes(), grown = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t at = 0; p && at < touched; at += HUGE)
		p[at] = 1;
	if (p && huge)
		madvise((void *)p, touched, MADV_COLLAPSE);
	if (p)
		grown = page_table_bytes() - before;
	if (write(out, &grown, sizeof(grown)) != sizeof(grown))
		exit(1);
	pause();
}

int main(int argc, char **argv)
{
	long processes, mib, touched, offset, grown = 0, bytes;
	int fd = memfd_create("check-estimate", 0), pipes[2];
	bool huge = argc == 5 && !strcmp(argv[4], "huge");

	if (argc != 5 || fd < 0 || pipe(pipes))
		return 1;
	processes = atol(argv[1]);
	mib = atol(argv[2]);
	touched = atol(argv[3]);
	offset = atol(argv[4]);
	if (ftruncate(fd, mib << 20))
		return 1;
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(fd, (size_t)mib << 20, (size_t)touched << 20,
			      (size_t)offset << 10, huge, pipes[1]);
		if (pid < 0 ||
		    read(pipes[0], &bytes, sizeof(bytes)) != sizeof(bytes) ||
		    bytes < 0)
			return 1;
		grown += bytes;
		printf("%d ", pid);
	}
	printf("%ld\n", grown);
	fflush(stdout);
	while (read(STDIN_FILENO, &bytes, sizeof(bytes)) > 0)
		;
	return 0; /* which ends the children, too */
}
