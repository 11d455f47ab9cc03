// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shpt.c - the backend that shares page tables through the kernel module
 *
 * A mapping takes whole chunks of address space, from the chunk of the file
 * that holds the caller's first byte to the one that holds the last.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* What mmap(2) ignores, or what is carried out here. */
#define CARRIED_OUT                                                   \
	(MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | \
	 MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |    \
	 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_SYNC)

/* MAP_SHARED ignores MAP_SYNC, as it does in mmap(2). */
static bool is_sync(const struct request *req)
{
	return (req->flags & MAP_TYPE) == MAP_SHARED_VALIDATE &&
	       req->flags & MAP_SYNC;
}

static int refuse_flags(int flags, struct reason *why)
{
	static const struct {
		int flag;
		const char *name;
	} names[] = {
		{ MAP_HUGETLB, "MAP_HUGETLB" },
		{ MAP_LOCKED, "MAP_LOCKED" },
		{ MAP_32BIT, "MAP_32BIT" },
		{ MAP_GROWSDOWN, "MAP_GROWSDOWN" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			return refuse(why, EOPNOTSUPP,
				      "%s cannot be had with shared page "
				      "tables: leave it out",
				      names[i].name);
	return refuse(why, EOPNOTSUPP,
		      "unknown flags 0x%x: leave them out to share page tables",
		      flags);
}

static int check_shareable(const struct request *req, struct reason *why)
{
	if ((req->flags & MAP_TYPE) == MAP_PRIVATE && !is_private(req))
		return refuse(why, EOPNOTSUPP,
			      "a MAP_PRIVATE mapping has pages of its own: "
			      "use MAP_SHARED, or LIBSHPT_PRIVATE, to share "
			      "page tables");
	if (is_private(req) && req->flags & MAP_ANONYMOUS)
		return refuse(why, EOPNOTSUPP,
			      "private anonymous memory has nothing to share: "
			      "leave out LIBSHPT_PRIVATE");
	if (req->prot & PROT_EXEC)
		return refuse(
			why, EPERM,
			"PROT_EXEC cannot be had with shared page tables: "
			"leave it out");
	if (req->prot & ~(PROT_READ | PROT_WRITE))
		return refuse(why, EOPNOTSUPP,
			      "unknown protection 0x%x: share page tables with "
			      "PROT_READ, PROT_WRITE or PROT_NONE",
			      req->prot);
	if (req->flags & ~CARRIED_OUT)
		return refuse_flags(req->flags & ~CARRIED_OUT, why);
	if (is_fixed(req) && !(req->flags & MAP_ANONYMOUS) &&
	    (req->addr - (uintptr_t)req->offset) % CHUNK_BYTES)
		return refuse(why, EINVAL,
			      "the fixed address %#zx and the offset %#llx "
			      "differ modulo 1 GiB: choose one that does not, "
			      "or leave out MAP_FIXED",
			      (size_t)req->addr, (long long)req->offset);
	return 0;
}

/* Shared anonymous memory. @first is where the caller's bytes begin. */
static int open_anonymous(size_t first, size_t length, struct reason *why)
{
	int fd = memfd_create("libshpt", MFD_CLOEXEC);

	if (fd < 0)
		return refuse(why, errno, "memfd_create: %m");
	if (ftruncate(fd, first + round_up(length, page_bytes()))) {
		refuse(why, errno, "a memfd of %zu bytes: %m", length);
		close(fd);
		return -1;
	}
	return fd;
}

static int ioctl_again(int fd, unsigned long request, void *arg)
{
	int n;

	do
		n = ioctl(fd, request, arg);
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * As mmap(2) would map it: for all that the descriptor allows, so that
 * mprotect(2) can make it writable later, but who only wants to read may also
 * read what is sealed against writing.
 */
static int open_region(const struct request *req, int device,
		       struct reason *why)
{
	struct shpt_open_region arg = {
		.size = sizeof(arg),
		.backing_fd = req->fd,
		.flags = is_sync(req)	 ? SHPT_OPEN_SYNC :
			 is_private(req) ? SHPT_OPEN_READ_ONLY :
					   0,
	};
	int region = ioctl_again(device, SHPT_IOC_OPEN_REGION, &arg);

	if (region < 0 && errno == EPERM && !(req->prot & PROT_WRITE)) {
		arg.flags = SHPT_OPEN_READ_ONLY;
		region = ioctl_again(device, SHPT_IOC_OPEN_REGION, &arg);
	}
	return region < 0 ? refuse_region(errno, req->fd, why) : region;
}

static void *map_chunks(const struct request *req, int region, uintptr_t addr,
			int flags, struct range chunks, struct reason *why)
{
	int shared = is_sync(req) ? MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED;
	void *p;

	do
		p = mmap((void *)addr, chunks.end - chunks.start,
			 mapped_prot(req->prot, is_private(req)),
			 shared | flags, region, chunks.start);
	while (p == MAP_FAILED && errno == EINTR);
	if (p == MAP_FAILED)
		refuse_guest(errno, req->fd, why);
	return p;
}

/* Where the module finds room, near the caller's hint if there is one. */
static void *map_anywhere(const struct request *req, int region,
			  struct range chunks, struct reason *why)
{
	uintptr_t hint =
		req->addr - (req->addr ? req->offset % CHUNK_BYTES : 0);

	return map_chunks(req, region, hint & ~(CHUNK_BYTES - 1), 0, chunks,
			  why);
}

/* Anywhere but in @whole. */
static void *map_aside(const struct request *req, int region,
		       struct range chunks, struct range whole,
		       struct reason *why)
{
	void *p = map_chunks(req, region, 0, 0, chunks, why), *other;

	if (p == MAP_FAILED || (uintptr_t)p >= whole.end ||
	    (uintptr_t)p + (chunks.end - chunks.start) <= whole.start)
		return p;
	/* While this place is taken, there will be another. */
	other = map_aside(req, region, chunks, whole, why);
	munmap(p, chunks.end - chunks.start);
	return other;
}

static int refuse_taken(int err, struct range whole, struct reason *why)
{
	return refuse(why, err,
		      "the chunks of the fixed mapping, %#zx-%#zx, are not "
		      "free: keep whole chunks of 1 GiB free around it",
		      (size_t)whole.start, (size_t)whole.end);
}

/*
 * Moves the chunks at @p to where the caller wants them. If mremap(2) fails it
 * may have removed what was there or not, so the claims are not given back:
 * by now they could be another thread's mappings.
 */
static int move_chunks(const struct request *req, void *p, struct range whole,
		       struct reason *why)
{
	struct range own = own_pages(req->addr, req->length);
	size_t bytes = whole.end - whole.start;

	table_evict(own);
	if (claim_around(whole, own))
		return refuse_taken(errno, whole, why);
	if (mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   (void *)whole.start) == MAP_FAILED)
		return refuse_guest(errno, req->fd, why);
	return 0;
}

/*
 * mmap(2) with MAP_FIXED removes what it replaces before it asks the module,
 * which may then refuse, or want to be asked again after a signal. So the
 * module is asked for a mapping elsewhere, which then only has to be moved.
 */
static void *map_replacing(const struct request *req, int region,
			   struct range chunks, struct range whole,
			   struct reason *why)
{
	void *p = map_aside(req, region, chunks, whole, why);

	if (p == MAP_FAILED)
		return p;
	if (move_chunks(req, p, whole, why)) {
		munmap(p, whole.end - whole.start);
		return MAP_FAILED;
	}
	return (void *)whole.start;
}

static void *map_fixed(const struct request *req, int region,
		       struct range chunks, struct reason *why)
{
	struct range whole = whole_chunks(req->addr, req->length);
	void *p;

	if (whole.end <= whole.start) {
		refuse_taken(ENOMEM, whole, why);
		return MAP_FAILED;
	}
	if (!(req->flags & MAP_FIXED_NOREPLACE))
		return map_replacing(req, region, chunks, whole, why);
	p = map_chunks(req, region, whole.start, MAP_FIXED_NOREPLACE, chunks,
		       why);
	if (p == MAP_FAILED && why->err == EEXIST)
		refuse_taken(EEXIST, whole, why);
	return p;
}

/* Only what the caller asked for, not the rest of the chunks. Like mmap(2),
 * does not mind if not all of it succeeds. */
static void populate(const struct request *req, const struct mapping *m)
{
	if ((req->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		madvise((void *)m->addr, round_up(m->length, page_bytes()),
			MADV_POPULATE_READ);
}

/* Takes whole chunks, wherever the caller's bytes begin and end in them. */
static int map_whole(const struct request *req, int region, struct mapping *m,
		     struct reason *why)
{
	struct range chunks = whole_chunks(req->offset, req->length);
	void *p = is_fixed(req) ? map_fixed(req, region, chunks, why) :
				  map_anywhere(req, region, chunks, why);

	if (p == MAP_FAILED)
		return -1;
	m->taken.start = (uintptr_t)p;
	m->taken.end = (uintptr_t)p + (chunks.end - chunks.start);
	m->addr = (uintptr_t)p + req->offset % CHUNK_BYTES;
	m->length = req->length;
	return 0;
}

/* Shares the chunks only of which all bytes are the caller's. */
static int map_strict(const struct request *req, int region, struct mapping *m,
		      struct reason *why)
{
	struct range inner = inner_chunks(req->offset, req->length);
	void *p;

	if (inner.end <= inner.start)
		return refuse(why, EINVAL,
			      "%zu bytes from offset %lld hold no whole chunk "
			      "of the file: map more of it, or leave out "
			      "LIBSHPT_STRICT_EDGES",
			      req->length, (long long)req->offset);
	p = map_aside(req, region, inner,
		      is_fixed(req) ? own_pages(req->addr, req->length) :
				      (struct range){ 0, 0 },
		      why);
	if (p == MAP_FAILED)
		return -1;
	if (map_edges(req, p, inner, m, why)) {
		munmap(p, inner.end - inner.start);
		return -1;
	}
	return 0;
}

static int map_region(const struct request *req, int region, struct mapping *m,
		      struct reason *why)
{
	struct shpt_region_info info = { .size = sizeof(info) };
	struct range chunks = whole_chunks(req->offset, req->length);
	bool strict = req->attr->flags & LIBSHPT_STRICT_EDGES;

	if (chunks.end <= chunks.start)
		return refuse_guest(EOVERFLOW, req->fd, why);
	if (ioctl_again(region, SHPT_IOC_REGION_INFO, &info))
		return refuse_region(errno, req->fd, why);
	m->guest = guest_new(req, chunks, why);
	if (!m->guest)
		return -1;
	if (strict ? map_strict(req, region, m, why) :
		     map_whole(req, region, m, why)) {
		guest_free(m->guest);
		m->guest = NULL;
		return -1;
	}

	m->unit = CHUNK_BYTES;
	m->region_id = info.id;
	m->guest->range = whole_chunks(m->addr, m->length);
	if (strict)
		cut_edges(m);
	if (req->attr->flags & LIBSHPT_BREAK_ON_WRITE)
		watch_writes(m->guest);
	populate(req, m);
	return 0;
}

/* @req with a descriptor and an offset, which it has not if it is anonymous. */
static int map_backing(const struct request *req, int device, struct mapping *m,
		       struct reason *why)
{
	int region = open_region(req, device, why);
	int err;

	if (region < 0)
		return -1;
	err = map_region(req, region, m, why);
	close(region);
	return err;
}

static int map_with_device(const struct request *req, int device,
			   struct mapping *m, struct reason *why)
{
	struct request anonymous = *req;
	int err;

	if (!(req->flags & MAP_ANONYMOUS))
		return map_backing(req, device, m, why);

	anonymous.offset = is_fixed(req) ? req->addr % CHUNK_BYTES : 0;
	anonymous.fd = open_anonymous(anonymous.offset, req->length, why);
	if (anonymous.fd < 0)
		return -1;
	err = map_backing(&anonymous, device, m, why);
	close(anonymous.fd);
	return err;
}

static int shpt_map(const struct request *req, struct mapping *m,
		    struct reason *why)
{
	int device, err;

	if (check_shareable(req, why))
		return -1;
	device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return refuse_device(errno, why);
	err = map_with_device(req, device, m, why);
	close(device);
	return err;
}

/*
 * The module counts the linked chunks of what is mapped in one piece, it does
 * not name them: a chunk of which the caller has only a part counts whole, up to
 * all that the caller has. Replaced chunks lie between the pieces.
 */
static uint64_t linked_chunks(const struct mapping *m, int device)
{
	struct shpt_mapping_info arg = { .size = sizeof(arg) };
	uintptr_t at = m->taken.start;
	uint64_t linked = 0;

	while (at < m->taken.end) {
		arg.addr = at;
		if (ioctl_again(device, SHPT_IOC_MAPPING_INFO, &arg)) {
			at = (at & ~(CHUNK_BYTES - 1)) + CHUNK_BYTES;
		} else {
			linked += arg.linked_chunks;
			at = arg.end;
		}
	}
	return linked;
}

static void shpt_info(const struct mapping *m, struct libshpt_info *info)
{
	int device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);

	info->chunk_bytes = CHUNK_BYTES;
	info->region_id = m->region_id;
	if (device < 0)
		return;
	info->linked_bytes = linked_chunks(m, device) * CHUNK_BYTES;
	if (info->linked_bytes > m->length)
		info->linked_bytes = m->length;
	close(device);
}

static void touch(uintptr_t addr)
{
	int n;

	do
		n = madvise((void *)addr, page_bytes(), MADV_POPULATE_READ);
	while (n < 0 && errno == EINTR);
}

/*
 * The module makes a child of fork(2) a guest at the child's first fault in a
 * shared chunk, which waits for that. A few callers in the kernel
 * (get_user_pages() without leave to drop the mmap lock) cannot wait, and would
 * fail if theirs were the first. So the first fault happens here: by madvise(2),
 * which may wait, and which raises no signal where the file has ended.
 */
static void shpt_in_child(const struct mapping *m)
{
	uintptr_t at = m->taken.start;

	for (; at < m->taken.end;
	     at = (at & ~(CHUNK_BYTES - 1)) + CHUNK_BYTES) {
		if (!chunk_at(m->guest, at)->shared)
			continue;
		touch(at < m->addr ? m->addr : at);
		return;
	}
}

const struct backend shpt_backend = {
	.id = LIBSHPT_BACKEND_SHPT,
	.name = "shpt",
	.map = shpt_map,
	.info = shpt_info,
	.in_child = shpt_in_child,
};
