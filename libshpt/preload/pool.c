// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - room for the library's table that no allocator is asked for
 *
 * An allocator that gets its memory from mmap(2) calls the library with its own
 * locks held. So the linker (--wrap) gives the library's objects these in place
 * of malloc(3), and what describes a mapping comes from here, but for mappings
 * of more chunks than a slot has room for, or that were cut into many pieces.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "preload.h"

/* Some for each mapping that served.c keeps, and for calls while they run. */
#define SLOTS 1024
#define SLOT_BYTES 1024

_Static_assert(sizeof(struct mapping) <= SLOT_BYTES, "no room for a mapping");

static _Alignas(max_align_t) char pool[SLOTS][SLOT_BYTES];
static atomic_flag taken[SLOTS];

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

static void *from_pool(void)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (!atomic_flag_test_and_set(&taken[i]))
			return pool[i];
	return NULL;
}

void *__wrap_malloc(size_t size)
{
	void *p = size <= SLOT_BYTES ? from_pool() : NULL;

	return p ? p : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	bool fits = !size || count <= SLOT_BYTES / size;
	void *p = fits ? from_pool() : NULL;

	return p ? memset(p, 0, count * size) : __real_calloc(count, size);
}

void __wrap_free(void *p)
{
	size_t offset = (uintptr_t)p - (uintptr_t)pool;

	if (offset < sizeof(pool))
		atomic_flag_clear(&taken[offset / SLOT_BYTES]);
	else
		__real_free(p);
}
