// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * allocator.c - a program whose malloc() gets shared memory from mmap(2)
 *
 * It does so with its lock held, and ends if it is called meanwhile.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA ((size_t)64 << 20)

static atomic_flag lock;
static char *arena;
static size_t used = ARENA;

void *malloc(size_t size)
{
	size_t rounded = (size + 31) / 16 * 16;
	size_t *p;

	if (atomic_flag_test_and_set(&lock))
		abort();
	if (rounded > ARENA - used) {
		arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (arena == MAP_FAILED)
			abort();
		used = 0;
	}
	p = (size_t *)(arena + used);
	used += rounded;
	*p = size;
	atomic_flag_clear(&lock);
	return p + 2;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size);
}

void *realloc(void *old, size_t size)
{
	void *p = malloc(size);
	size_t *had = old;

	if (old)
		memcpy(p, old, had[-2] < size ? had[-2] : size);
	return p;
}

/* More than two arenas hold. */
int main(void)
{
	for (int i = 0; i < 5; i++) {
		char *volatile p = malloc(ARENA / 2 - 64);

		memset(p, i, ARENA / 2 - 64);
	}
	return 0;
}
