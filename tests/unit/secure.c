// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * secure.c - a program that is linked with libshpt-preload.so, for LD_PRELOAD is
 * not heeded when AT_SECURE is set; it maps what the library would talk about
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/mman.h>

int main(void)
{
	return mmap(NULL, (size_t)64 << 20, PROT_READ | PROT_EXEC,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
