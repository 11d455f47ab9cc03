// SPDX-License-Identifier: LGPL-2.1-or-later
/* map.c - libshpt_map() and the choice of the backend */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* The attributes of the first release; no caller knows less. */
#define ATTR_SIZE_0_1 8

#define KNOWN_FLAGS                                                      \
	(LIBSHPT_REQUIRE_SHARED | LIBSHPT_STRICT_EDGES | LIBSHPT_PRIVATE | \
	 LIBSHPT_BREAK_ON_WRITE)

/* As openat2(2) does it: who is older or newer agrees with us on zeroes. */
static int copy_attr(struct libshpt_attr *known, const void *attr, size_t size,
		     struct reason *why)
{
	size_t common = size < sizeof(*known) ? size : sizeof(*known);

	memset(known, 0, sizeof(*known));
	if (!attr && size == 0)
		return 0;
	if (!attr || size < ATTR_SIZE_0_1)
		return refuse(why, EINVAL,
			      "attributes of %zu bytes at %p: pass a struct "
			      "libshpt_attr and its size, or NULL and 0",
			      size, attr);
	for (size_t i = common; i < size; i++)
		if (((const unsigned char *)attr)[i])
			return refuse(why, E2BIG,
				      "byte %zu of the attributes is not zero "
				      "and this libshpt, older than the "
				      "program, does not know it: update "
				      "libshpt",
				      i);
	memcpy(known, attr, common);
	if (known->flags & ~KNOWN_FLAGS)
		return refuse(why, EINVAL,
			      "unknown attribute flags %#llx: clear them, or "
			      "update libshpt",
			      (unsigned long long)(known->flags &
						   ~KNOWN_FLAGS));
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

static int check_private(const struct request *req, struct reason *why)
{
	if (is_private(req) && (req->flags & MAP_TYPE) != MAP_PRIVATE)
		return refuse(why, EINVAL,
			      "LIBSHPT_PRIVATE is for private mappings: pass "
			      "MAP_PRIVATE instead of MAP_SHARED");
	if (!is_private(req) && req->attr->flags & LIBSHPT_BREAK_ON_WRITE)
		return refuse(why, EINVAL,
			      "LIBSHPT_BREAK_ON_WRITE without "
			      "LIBSHPT_PRIVATE: set both, or neither");
	return 0;
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
	if (check_private(req, why))
		return -1;
	return check_type(req->flags, why);
}

/* The choice: the best backend that takes the request. */
static int map_best(const struct request *req, struct mapping *m,
		    struct reason *why)
{
	m->backend = &shpt_backend;
	if (shpt_backend.map(req, m, &m->why) == 0)
		return 0;
	if (req->attr->flags & LIBSHPT_REQUIRE_SHARED) {
		*why = m->why;
		return -1;
	}
	m->backend = &plain_backend;
	return plain_backend.map(req, m, why);
}

static struct mapping *map_request(const struct request *req,
				   struct reason *why)
{
	struct mapping *m = calloc(1, sizeof(*m));
	struct mapping *spare = malloc(sizeof(*spare));

	if (!m || !spare) {
		refuse(why, ENOMEM, "no memory for the table of mappings");
	} else if (map_best(req, m, why) == 0) {
		table_lock();
		table_add(m, spare);
		table_unlock();
		return m;
	}
	free(m);
	free(spare);
	return NULL;
}

LIBSHPT_EXPORT void *libshpt_map_attr(void *addr, size_t length, int prot,
				      int flags, int fd, off_t offset,
				      const struct libshpt_attr *attr,
				      size_t attr_size)
{
	struct libshpt_attr known;
	struct request req = {
		.addr = (uintptr_t)addr,
		.length = length,
		.prot = prot,
		.flags = flags,
		.fd = fd,
		.offset = offset,
		.attr = &known,
	};
	struct mapping *m = NULL;
	struct reason why;

	if (copy_attr(&known, attr, attr_size, &why) == 0 &&
	    check_request(&req, &why) == 0 && watch_forks(&why) == 0)
		m = map_request(&req, &why);
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
