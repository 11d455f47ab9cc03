// SPDX-License-Identifier: LGPL-2.1-or-later
/* range.c - arithmetic of pages and chunks */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* @unit is a power of two. Wraps to 0 where there is no such number. */
size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) & ~(unit - 1);
}

/*
 * The chunks that hold @length bytes from @first on, which is an address or an
 * offset in a file. The end is not above the start if there are none.
 */
struct range whole_chunks(uintptr_t first, size_t length)
{
	uintptr_t end;

	if (__builtin_add_overflow(first, length, &end))
		end = 0;
	return (struct range){
		.start = first & ~(CHUNK_BYTES - 1),
		.end = round_up(end, CHUNK_BYTES),
	};
}

/* The chunks of which all is in there. The end is not above the start if there
 * are none. */
struct range inner_chunks(uintptr_t first, size_t length)
{
	return (struct range){
		.start = round_up(first, CHUNK_BYTES),
		.end = (first + round_up(length, page_bytes())) &
		       ~(CHUNK_BYTES - 1),
	};
}

struct range own_pages(uintptr_t addr, size_t length)
{
	return (struct range){ addr, addr + round_up(length, page_bytes()) };
}

bool is_fixed(const struct request *req)
{
	return req->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
}

/* What a caller passes as a range of addresses. */
int check_range(uintptr_t addr, size_t length, struct reason *why)
{
	uintptr_t end;

	if (addr % page_bytes())
		return refuse(
			why, EINVAL,
			"address %#zx is not a multiple of the page size: "
			"pass what libshpt_map() returned",
			(size_t)addr);
	if (length == 0)
		return refuse(why, EINVAL,
			      "length is 0: pass at least one byte");
	if (round_up(length, page_bytes()) == 0 ||
	    __builtin_add_overflow(addr, round_up(length, page_bytes()), &end))
		return refuse(why, EINVAL,
			      "%zu bytes at %#zx exceed any address space",
			      length, (size_t)addr);
	return 0;
}
