// SPDX-License-Identifier: LGPL-2.1-or-later
/* map.c - libshpt_map() */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* The attributes of the first release; no caller knows less. */
#define ATTR_SIZE_0_1 16

static int check_policy(const struct libshpt_attr *attr, struct reason *why)
{
	if (attr->node_policy > LIBSHPT_NODE_FIXED)
		return refuse(why, EINVAL,
			      "unknown node policy %u: use one of enum "
			      "libshpt_node_policy, or update libshpt",
			      attr->node_policy);
	if (attr->node_policy == LIBSHPT_NODE_FIXED)
		return check_node(attr->node, why);
	if (attr->node)
		return refuse(why, EINVAL,
			      "node %u without LIBSHPT_NODE_FIXED: add that, "
			      "or let node be 0",
			      attr->node);
	return 0;
}

#define KNOWN_FLAGS                                                          \
	(LIBSHPT_REQUIRE_SHARED | LIBSHPT_STRICT_EDGES | LIBSHPT_PRIVATE |     \
	 LIBSHPT_BREAK_ON_WRITE | LIBSHPT_POPULATE | LIBSHPT_LOCK)

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
			      (unsigned long long)(known->flags &
						   ~KNOWN_FLAGS));
	return check_policy(known, why);
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

/* shpt looks after nodes itself; DAX lies where it lies. */
static int place(const struct request *req, const struct mapping *m,
		 struct reason *why)
{
	enum file_kind kind;

	if (req->attr->node_policy == LIBSHPT_NODE_DEFAULT ||
	    m->backend == &shpt_backend)
		return 0;
	kind = request_kind(req);
	if (kind != FILE_SHMEM && kind != FILE_HUGETLB)
		return 0;
	return place_pages(m->taken, req->attr, why);
}

/* What else was asked for. */
static int carry_out(const struct request *req, const struct mapping *m,
		     struct reason *why)
{
	int err = place(req, m, why);

	if (!err && req->attr->flags & LIBSHPT_POPULATE)
		err = populate_mapping(m, why);
	if (!err && req->attr->flags & LIBSHPT_LOCK)
		err = lock_mapping(m, why);
	if (m->guest)
		close(m->guest->region);
	return err;
}

/* Without what else was asked for nothing stays mapped, nor known of what a
 * fixed mapping replaced. */
static int finish(const struct request *req, struct mapping *m,
		  struct mapping *spare, struct reason *why)
{
	int err = carry_out(req, m, why);

	table_lock();
	if (err) {
		munmap((void *)m->taken.start, m->taken.end - m->taken.start);
		table_cut(m->taken, spare);
	} else {
		table_add(m, spare);
	}
	table_unlock();
	return err;
}

static void *map_request(const struct request *req, struct reason *why)
{
	struct mapping *m = calloc(1, sizeof(*m));
	struct mapping *spare = malloc(sizeof(*spare));

	if (!m || !spare) {
		refuse(why, ENOMEM, "no memory for the table of mappings");
	} else if (map_best(req, m, why) == 0) {
		/* Once it is in the table, other threads can take it out. */
		void *p = (void *)m->addr;

		if (finish(req, m, spare, why) == 0)
			return p;
		spare = NULL;
	}
	if (m)
		mapping_free(m);
	free(spare);
	return MAP_FAILED;
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
	struct reason why;
	void *p = MAP_FAILED;
	int saved = errno;

	if (copy_attr(&known, attr, attr_size, &why) == 0 &&
	    check_request(&req, &why) == 0 && check_forks(&why) == 0)
		p = map_request(&req, &why);
	if (p == MAP_FAILED)
		fail_with(&why);
	else
		errno = saved;
	return p;
}

LIBSHPT_EXPORT void *libshpt_map(void *addr, size_t length, int prot, int flags,
				 int fd, off_t offset)
{
	return libshpt_map_attr(addr, length, prot, flags, fd, offset, NULL, 0);
}
