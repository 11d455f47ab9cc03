// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * raw.c - the system calls themselves
 *
 * For what is passed through, and for the library's own objects: the linker
 * (--wrap) gives them the __wrap_ functions where they name libc's, which would
 * be the interposed ones.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

_Static_assert(sizeof(long) == 8, "mmap(2) takes other arguments elsewhere");

void *raw_mmap(void *addr, size_t length, int prot, int flags, int fd,
	       off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}

int raw_munmap(void *addr, size_t length)
{
	return (int)syscall(SYS_munmap, addr, length);
}

int raw_mprotect(void *addr, size_t length, int prot)
{
	return (int)syscall(SYS_mprotect, addr, length, prot);
}

int raw_madvise(void *addr, size_t length, int advice)
{
	return (int)syscall(SYS_madvise, addr, length, advice);
}

void *raw_mremap(void *old, size_t old_length, size_t new_length, int flags,
		 void *new)
{
	return (void *)syscall(SYS_mremap, old, old_length, new_length, flags,
			       new);
}

int raw_remap_file_pages(void *addr, size_t size, int prot, size_t page,
			 int flags)
{
	return (int)syscall(SYS_remap_file_pages, addr, size, prot, page, flags);
}

void *raw_shmat(int id, const void *addr, int flags)
{
	return (void *)syscall(SYS_shmat, id, addr, flags);
}

int raw_shmdt(const void *addr)
{
	return (int)syscall(SYS_shmdt, addr);
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset) __attribute__((alias("raw_mmap")));
void *__wrap_mmap64(void *addr, size_t length, int prot, int flags, int fd,
		    off_t offset) __attribute__((alias("raw_mmap")));
int __wrap_munmap(void *addr, size_t length)
	__attribute__((alias("raw_munmap")));
int __wrap_mprotect(void *addr, size_t length, int prot)
	__attribute__((alias("raw_mprotect")));
int __wrap_madvise(void *addr, size_t length, int advice)
	__attribute__((alias("raw_madvise")));
void *__wrap_mremap(void *old, size_t old_length, size_t new_length, int flags,
		    ...);

void *__wrap_mremap(void *old, size_t old_length, size_t new_length, int flags,
		    ...)
{
	va_list args;
	void *new;

	va_start(args, flags);
	new = va_arg(args, void *);
	va_end(args);
	return raw_mremap(old, old_length, new_length, flags, new);
}
