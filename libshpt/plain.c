// SPDX-License-Identifier: LGPL-2.1-or-later
/* plain.c - the backend that is mmap(2) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "internal.h"

/* Whether @range begins or ends inside a mapping that it cannot cut there. */
static bool cuts_chunk(struct range range)
{
	struct mapping *m = NULL;

	table_lock();
	while ((m = table_next(m, range)))
		if ((range.start > m->taken.start &&
		     range.start % m->unit) ||
		    (range.end < m->taken.end && range.end % m->unit))
			break;
	table_unlock();
	return m;
}

/*
 * What mmap(2) says when it cannot unmap what a fixed mapping is to replace:
 * the reason, or up to Linux 6.1 ENOMEM whatever the reason is.
 */
static bool could_not_replace(int err, const struct request *req)
{
	return (err == EINVAL || err == ENOMEM) && (req->flags & MAP_FIXED);
}

static int refuse_huge_pages(const struct request *req, const char *name,
			     struct reason *why)
{
	return refuse(why, ENOMEM,
		      "not enough huge pages of %zu kB for %zu bytes of %s: "
		      "write a larger number to nr_hugepages below "
		      "/sys/kernel/mm/hugepages/",
		      request_unit(req) >> 10, req->length, name);
}

static int refuse_mmap(int err, const struct request *req, struct reason *why)
{
	bool anonymous = req->flags & MAP_ANONYMOUS;
	char buffer[FILE_NAME_BYTES], fs[FS_NAME_BYTES];
	const char *name = anonymous ? "anonymous memory" :
				       file_name(req->fd, buffer);

	if (could_not_replace(err, req) &&
	    cuts_chunk(own_pages(req->addr, req->length)))
		return refuse(why, EINVAL,
			      "the %zu bytes at %#zx cut a chunk of a shared "
			      "mapping, or a huge page: begin and end on "
			      "multiples of 1 GiB",
			      req->length, (size_t)req->addr);
	switch (err) {
	case EBADF:
		return refuse(why, err,
			      "file descriptor %d is not open for mapping: "
			      "pass an open file, or -1 with MAP_ANONYMOUS",
			      req->fd);
	case EACCES:
		return refuse(why, err,
			      "%s is not open for what is asked: open it with "
			      "O_RDWR for a shared writable mapping, else with "
			      "O_RDONLY",
			      name);
	case ENODEV:
		return refuse(why, err,
			      "%s, on %s, cannot be mapped: use a regular file",
			      name,
			      anonymous ? "none" : file_system(req->fd, fs));
	case EEXIST:
		return refuse(why, err,
			      "something is mapped in the %zu bytes at %#zx: "
			      "choose another address, or MAP_FIXED to replace "
			      "it",
			      req->length, (size_t)req->addr);
	case ENXIO:
		return refuse(why, err,
			      "%s is a device that is gone: see \"daxctl "
			      "list\", it may be in system-ram mode by now",
			      name);
	case ENOMEM:
		if (request_kind(req) == FILE_HUGETLB)
			return refuse_huge_pages(req, name, why);
		return refuse(why, err,
			      "no memory or address space for %zu bytes of %s: "
			      "see \"ulimit -v\" and vm.max_map_count",
			      req->length, name);
	case EPERM:
		return refuse(why, err,
			      "%s may not be mapped so: see whether it is "
			      "sealed or on a file system mounted noexec",
			      name);
	}
	return refuse(why, err,
		      "mmap of %zu bytes of %s, protection %#x, flags %#x: %m",
		      req->length, name, req->prot, req->flags);
}

/* mmap(2), and if it fails, why. */
void *mmap_request(const struct request *req, struct reason *why)
{
	struct range own = own_pages(req->addr, req->length);
	void *p;

	do
		p = mmap((void *)req->addr, req->length, req->prot, req->flags,
			 req->fd, req->offset);
	while (p == MAP_FAILED && could_not_replace(errno, req) &&
	       (table_evict(own) || replace_cut(own)));
	if (p == MAP_FAILED)
		refuse_mmap(errno, req, why);
	return p;
}

static int plain_map(const struct request *req, struct mapping *m,
		     struct reason *why)
{
	void *p = mmap_request(req, why);

	if (p == MAP_FAILED)
		return -1;
	m->addr = (uintptr_t)p;
	m->length = req->length;
	m->unit = request_unit(req);
	m->taken.start = m->addr;
	m->taken.end = m->addr + round_up(m->length, m->unit);
	return 0;
}

const struct backend plain_backend = {
	.id = LIBSHPT_BACKEND_PLAIN,
	.name = "plain",
	.map = plain_map,
};
