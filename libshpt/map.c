// SPDX-License-Identifier: LGPL-2.1-or-later
/* map.c - libshpt_map() and libshpt_unmap(), and the choice of the backend */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* The attributes of the first release; no caller knows less. */
#define ATTR_SIZE_0_1 8
#define KNOWN_FLAGS (LIBSHPT_REQUIRE_SHARED | LIBSHPT_POPULATE | LIBSHPT_LOCK)

static int copy_attr(struct libshpt_attr *known, const void *attr, size_t size,
		     struct reason *why)
{
	if (take_struct(known, sizeof(*known), ATTR_SIZE_0_1, attr, size,
			"attributes", why))
		return -1;
	if (known->flags & ~KNOWN_FLAGS)
		return refuse(why, EINVAL,
			      "unknown attribute flags %#llx: clear them, or "
			      "update libshpt",
			      (unsigned long long)(known->flags & ~KNOWN_FLAGS));
	return 0;
}

static int check_type(int flags, struct reason *why)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
	case MAP_PRIVATE:
	case MAP_SHARED_VALIDATE:
		return 0;
	default:
		return refuse(why, EINVAL,
			      "flags %#x name no type of mapping: add "
			      "MAP_SHARED",
			      flags);
	}
}

/* What mmap(2) would refuse whatever the file is. */
static int check_request(const struct request *req, struct reason *why)
{
	size_t page = page_bytes();
	off_t file_end;

	if (req->length == 0)
		return refuse(why, EINVAL,
			      "length is 0: map at least one byte");
	if (round_up(req->length, page) == 0)
		return refuse(why, ENOMEM,
			      "a length of %zu bytes exceeds any address space",
			      req->length);
	if (req->offset % (off_t)page)
		return refuse(why, EINVAL,
			      "offset %lld is not a multiple of the page size, "
			      "%zu: round it down",
			      (long long)req->offset, page);
	if (!(req->flags & MAP_ANONYMOUS) &&
	    (req->offset < 0 ||
	     __builtin_add_overflow(req->offset, round_up(req->length, page),
				    &file_end)))
		return refuse(why, EOVERFLOW,
			      "%zu bytes from offset %lld are in no file: "
			      "offsets go from 0 to 2^63",
			      req->length, (long long)req->offset);
	if (is_fixed(req) && req->addr % page)
		return refuse(why, EINVAL,
			      "the fixed address %#zx is not a multiple of the "
			      "page size, %zu",
			      (size_t)req->addr, page);
	return check_type(req->flags, why);
}

/* The choice: the best backend that takes the request. */
static int map_best(const struct request *req, const struct libshpt_attr *attr,
		    struct mapping *m, struct reason *why)
{
	m->backend = &shpt_backend;
	if (shpt_backend.map(req, m, &m->why) == 0)
		return 0;
	if (attr->flags & LIBSHPT_REQUIRE_SHARED) {
		*why = m->why;
		return -1;
	}
	m->backend = &plain_backend;
	return plain_backend.map(req, m, why);
}

/* What else was asked for; without it, nothing stays mapped. */
static int carry_out(const struct libshpt_attr *attr, const struct mapping *m,
		     struct reason *why)
{
	if ((!(attr->flags & LIBSHPT_POPULATE) ||
	     populate_mapping(m, why) == 0) &&
	    (!(attr->flags & LIBSHPT_LOCK) || lock_mapping(m, why) == 0))
		return 0;
	munmap((void *)m->taken.start, m->taken.end - m->taken.start);
	return -1;
}

static struct mapping *map_request(const struct request *req,
				   const struct libshpt_attr *attr,
				   struct reason *why)
{
	struct mapping *m = calloc(1, sizeof(*m));
	struct mapping *spare = malloc(sizeof(*spare));

	if (!m || !spare) {
		refuse(why, ENOMEM, "no memory for the table of mappings");
	} else if (map_best(req, attr, m, why) == 0 &&
		   carry_out(attr, m, why) == 0) {
		table_lock();
		table_add(m, spare);
		table_unlock();
		return m;
	}
	if (m)
		mapping_free(m);
	free(spare);
	return NULL;
}

LIBSHPT_EXPORT void *libshpt_map_attr(void *addr, size_t length, int prot,
				      int flags, int fd, off_t offset,
				      const struct libshpt_attr *attr,
				      size_t attr_size)
{
	struct request req = {
		.addr = (uintptr_t)addr,
		.length = length,
		.prot = prot,
		.flags = flags,
		.fd = fd,
		.offset = offset,
	};
	struct libshpt_attr known;
	struct mapping *m = NULL;
	struct reason why;

	if (copy_attr(&known, attr, attr_size, &why) == 0 &&
	    check_request(&req, &why) == 0 && watch_forks(&why) == 0)
		m = map_request(&req, &known, &why);
	if (!m) {
		fail_with(&why);
		return MAP_FAILED;
	}
	return (void *)m->addr;
}

LIBSHPT_EXPORT void *libshpt_map(void *addr, size_t length, int prot, int flags,
				 int fd, off_t offset)
{
	return libshpt_map_attr(addr, length, prot, flags, fd, offset, NULL, 0);
}

static int refuse_cut(const struct mapping *m, struct reason *why)
{
	return refuse(why, EINVAL,
		      "the range cuts a chunk of the shared mapping of %zu "
		      "bytes at %#zx: begin and end where it does or on "
		      "multiples of 1 GiB",
		      m->length, (size_t)m->addr);
}

/*
 * Widens @range by what the library took beyond the caller's bytes where those
 * end. Anywhere else a mapping is cut by its unit or not at all.
 */
static int widen(struct range *range, struct reason *why)
{
	struct range asked = *range;
	struct mapping *m = NULL;

	while ((m = table_next(m, asked))) {
		struct range own = own_pages(m->addr, m->length);

		if (asked.start > own.start) {
			if (asked.start % m->unit)
				return refuse_cut(m, why);
		} else if (range->start > m->taken.start) {
			range->start = m->taken.start;
		}
		if (asked.end < own.end) {
			if (asked.end % m->unit)
				return refuse_cut(m, why);
		} else if (range->end < m->taken.end) {
			range->end = m->taken.end;
		}
	}
	return 0;
}

static int unmap_range(struct range range, struct mapping *spare,
		       struct reason *why)
{
	if (widen(&range, why))
		return -1;
	if (munmap((void *)range.start, range.end - range.start))
		return refuse(why, errno, "munmap of %#zx-%#zx: %m",
			      (size_t)range.start, (size_t)range.end);
	table_cut(range, spare);
	return 0;
}

static int check_range(uintptr_t addr, size_t length, struct reason *why)
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
			      "length is 0: unmap at least one byte");
	if (round_up(length, page_bytes()) == 0 ||
	    __builtin_add_overflow(addr, round_up(length, page_bytes()), &end))
		return refuse(why, EINVAL,
			      "%zu bytes at %#zx exceed any address space",
			      length, (size_t)addr);
	return 0;
}

LIBSHPT_EXPORT int libshpt_unmap(void *addr, size_t length)
{
	struct mapping *spare;
	struct reason why;
	int err;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	spare = malloc(sizeof(*spare));
	if (!spare) {
		refuse(&why, ENOMEM, "no memory for the table of mappings");
		return fail_with(&why);
	}
	table_lock();
	err = unmap_range(own_pages((uintptr_t)addr, length), spare, &why);
	table_unlock();
	if (err) {
		free(spare);
		return fail_with(&why);
	}
	return 0;
}
