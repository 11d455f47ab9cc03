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
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* What mmap(2) ignores, or what is carried out here. */
#define CARRIED_OUT                                                   \
	(MAP_TYPE | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | \
	 MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |    \
	 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_SYNC)

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

/*
 * As mmap(2) would map it: for all that the descriptor allows, so that
 * mprotect(2) can make it writable later, but who only wants to read may also
 * read what is sealed against writing.
 */
static int region_to_map(const struct request *req, int device,
			 struct reason *why)
{
	int region = open_region(device, req->fd,
				 is_sync(req)	 ? SHPT_OPEN_SYNC :
				 is_private(req) ? SHPT_OPEN_READ_ONLY :
						   0);

	if (region < 0 && errno == EPERM && !(req->prot & PROT_WRITE))
		region = open_region(device, req->fd, SHPT_OPEN_READ_ONLY);
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

/* Anywhere but in @whole, which is as long: there are not three places that
 * reach into it, so this calls itself twice at the most.
 * NOLINTNEXTLINE(misc-no-recursion) */
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

static int set_tables(const struct request *req, int region, struct reason *why)
{
	static const int32_t nodes[] = {
		[LIBSHPT_NODE_ONE] = SHPT_NODE_ONE,
		[LIBSHPT_NODE_LOCAL] = SHPT_NODE_LOCAL,
	};
	const struct libshpt_attr *attr = req->attr;
	bool fixed = attr->node_policy == LIBSHPT_NODE_FIXED;
	struct shpt_set_node arg = {
		.size = sizeof(arg),
		.node = fixed ? (int32_t)attr->node : nodes[attr->node_policy],
	};

	if (ioctl_again(region, SHPT_IOC_SET_NODE, &arg))
		return refuse_node(errno, req, why);
	return 0;
}

/*
 * The policy of shmem for its pages belongs to the file and not to a mapping,
 * but can be set only through one, which need not last.
 */
static int set_pages(const struct request *req, struct reason *why)
{
	struct range pages;
	void *p;
	int err;

	if (file_kind(req->fd) != FILE_SHMEM)
		return 0;
	p = mmap(NULL, req->length, PROT_NONE, MAP_SHARED, req->fd,
		 req->offset);
	if (p == MAP_FAILED)
		return refuse_guest(errno, req->fd, why);
	pages = own_pages((uintptr_t)p, req->length);
	err = place_pages(pages, req->attr, why);
	munmap(p, req->length);
	return err;
}

/* The node policy: of the region's tables, and of pages yet to come. */
static int set_nodes(const struct request *req, int region, struct reason *why)
{
	if (req->attr->node_policy == LIBSHPT_NODE_DEFAULT)
		return 0;
	if (set_tables(req, region, why))
		return -1;
	return set_pages(req, why);
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
	struct range chunks = whole_chunks(req->offset, req->length);
	bool strict = req->attr->flags & LIBSHPT_STRICT_EDGES;

	if (chunks.end <= chunks.start)
		return refuse_guest(EOVERFLOW, req->fd, why);
	m->guest = guest_new(req, region, chunks, why);
	if (!m->guest)
		return -1;
	m->guest->region_id = m->region_id;
	if (strict ? map_strict(req, region, m, why) :
		     map_whole(req, region, m, why)) {
		guest_free(m->guest);
		m->guest = NULL;
		return -1;
	}

	m->unit = CHUNK_BYTES;
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
	int region = region_to_map(req, device, why);
	int err;

	if (region < 0)
		return -1;
	m->region_id = region_id(region);
	err = set_nodes(req, region, why);
	if (!err)
		err = map_region(req, region, m, why);
	if (err)
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
	anonymous.fd = anonymous_file(
		anonymous.offset + round_up(req->length, page_bytes()), why);
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
	device = open_device(why);
	if (device < 0)
		return -1;
	err = map_with_device(req, device, m, why);
	close(device);
	return err;
}

/*
 * The node of the region's tables, if they are all on one. A host has a line:
 * its access, its node, -1 if it is on any, and the bytes of its tables.
 */
static int32_t node_of_tables(uint64_t region_id)
{
	int32_t node, only = -1;
	struct lines hosts;
	unsigned long bytes;
	char path[128], *line;
	bool any = false;

	snprintf(path, sizeof(path), "/sys/class/misc/shpt/region/%llu/nodes",
		 (unsigned long long)region_id);
	if (lines_open(&hosts, path))
		return -1;
	while ((line = lines_next(&hosts))) {
		if (sscanf(line, "%*s %d %lu", &node, &bytes) != 2 || !bytes)
			continue;
		only = !any || node == only ? node : -1;
		any = true;
	}
	lines_close(&hosts);
	return only;
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
	info->table_node = node_of_tables(m->region_id);
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
	.shares = true,
	.map = shpt_map,
	.info = shpt_info,
	.in_child = shpt_in_child,
};
