// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - room for the library's table that no allocator is asked for
 *
 * An allocator that gets its memory from mmap(2) calls the library with its own
 * locks held. So the linker (--wrap) gives the library's objects these in place
 * of malloc(3), and what the table of mappings consists of comes from here.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "preload.h"

/* More than served.c keeps, for a call takes a second one while it runs. */
#define POOL_SIZE 512

static struct mapping pool[POOL_SIZE];
static atomic_flag taken[POOL_SIZE];

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

static void *from_pool(void)
{
	for (size_t i = 0; i < POOL_SIZE; i++)
		if (!atomic_flag_test_and_set(&taken[i]))
			return &pool[i];
	return NULL;
}

void *__wrap_malloc(size_t size)
{
	return size == sizeof(struct mapping) ? from_pool() :
						__real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *p;

	if (count != 1 || size != sizeof(struct mapping))
		return __real_calloc(count, size);
	p = from_pool();
	return p ? memset(p, 0, size) : NULL;
}

void __wrap_free(void *p)
{
	if (p >= (void *)pool && p < (void *)(pool + POOL_SIZE))
		atomic_flag_clear(&taken[(struct mapping *)p - pool]);
	else
		__real_free(p);
}
