// SPDX-License-Identifier: LGPL-2.1-or-later
/* mmap.c - the calls about mappings that take the place of libc's */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* As much of a file as any backing can be asked to map. */
#define ANCHOR_BYTES ((size_t)2 << 20)

static bool is_wanted(size_t length, int flags)
{
	int type = flags & MAP_TYPE;

	if (type != MAP_SHARED &&
	    (type != MAP_SHARED_VALIDATE || flags & MAP_ANONYMOUS))
		return false;
	if (settings()->inactive)
		return false;
	if (settings()->no_size)
		say_no_size(settings()->no_size);
	return length >= settings()->min_bytes;
}

/* What was mapped before the program's first byte. */
static size_t lead(const void *p)
{
	struct mapping *m;
	size_t bytes;

	table_lock();
	m = table_next(NULL, own_pages((uintptr_t)p, 1));
	bytes = m->addr - m->taken.start;
	table_unlock();
	return bytes;
}

/* With the file at hand, the mapping gets an anchor; see served.c. */
static int keep(void *p, int prot, int flags, int fd, off_t offset,
		struct reason *why)
{
	struct range anchor = { 0, 0 };
	void *a;

	if (fd >= 0) {
		a = raw_mmap(NULL, ANCHOR_BYTES, PROT_NONE,
			     (flags & (MAP_TYPE | MAP_SYNC)) | MAP_NORESERVE,
			     fd, offset - lead(p));
		if (a == MAP_FAILED)
			return refuse(why, errno,
				      "an ordinary mapping beside it: %m");
		anchor = pages_at(a, ANCHOR_BYTES);
	}
	if (served_add(p, prot, anchor, false, why) == 0)
		return 0;
	raw_munmap((void *)anchor.start, anchor.end - anchor.start);
	return -1;
}

/* Through libshpt, or MAP_FAILED with errno and libshpt_errormsg(). */
static void *serve(void *addr, size_t length, int prot, int flags, int fd,
		   off_t offset, bool any_backend)
{
	struct libshpt_attr attr = {
		.flags = any_backend ? 0 : LIBSHPT_REQUIRE_SHARED,
	};
	void *p = libshpt_map_attr(addr, length, prot, flags, fd, offset, &attr,
				   sizeof(attr));
	struct reason why;

	if (p == MAP_FAILED)
		return p;
	if (keep(p, prot, flags, flags & MAP_ANONYMOUS ? -1 : fd, offset,
		 &why)) {
		libshpt_unmap(p, length);
		fail_with(&why);
		return MAP_FAILED;
	}
	if (any_backend || settings()->verbose)
		say_served("mmap", length, p);
	return p;
}

/* The memory is in a file of this library's. A fixed address can be shared if
 * it has the same place in its chunk as the bytes have in the file. */
static void *serve_anonymous(void *addr, size_t length, int prot, int flags)
{
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	off_t offset = fixed ? (uintptr_t)addr % CHUNK_BYTES : 0;
	struct reason why;
	int fd, err;
	void *p;

	fd = open_backing(offset, length, flags, &why);
	if (fd < 0) {
		fail_with(&why);
		return MAP_FAILED;
	}
	p = serve(addr, length, prot, flags & ~MAP_ANONYMOUS, fd, offset,
		  settings()->backing || settings()->any_backend);
	err = errno;
	close(fd);
	errno = err;
	return p;
}

INTERPOSED void *mmap(void *addr, size_t length, int prot, int flags, int fd,
		      off_t offset)
{
	int saved = errno, err;
	void *p;

	if (flags & MAP_FIXED && served_touches(pages_at(addr, length)))
		served_give_up(pages_at(addr, length), "MAP_FIXED over it");
	if (!is_wanted(length, flags) ||
	    (!(flags & MAP_ANONYMOUS) && is_region(fd)))
		return raw_mmap(addr, length, prot, flags, fd, offset);

	p = has_backing(flags) ? serve_anonymous(addr, length, prot, flags) :
				 serve(addr, length, prot, flags, fd, offset,
				       settings()->any_backend);
	err = errno;
	errno = saved;
	if (p != MAP_FAILED)
		return p;
	/* If this fails as well, the program has its own words for it. */
	p = raw_mmap(addr, length, prot, flags, fd, offset);
	if (p != MAP_FAILED)
		say_refused("mmap", length, err, libshpt_errormsg());
	return p;
}

/* What mmap is called where programs are compiled for large files. */
INTERPOSED void *mmap64(void *addr, size_t length, int prot, int flags, int fd,
			off_t offset) __attribute__((alias("mmap")));

INTERPOSED int munmap(void *addr, size_t length)
{
	struct range range = pages_at(addr, length);

	if (!served_touches(range))
		return raw_munmap(addr, length);
	served_give_up_parts(range, "munmap of a part");
	if (!served_touches(range))
		return raw_munmap(addr, length);
	return served_unmap(range);
}

INTERPOSED int mprotect(void *addr, size_t length, int prot)
{
	struct range range = pages_at(addr, length);
	int saved = errno;

	if (!served_touches(range))
		return raw_mprotect(addr, length, prot);
	if (served_protect(range, prot)) {
		served_give_up(range, "mprotect of a part");
		errno = saved;
		return raw_mprotect(addr, length, prot);
	}
	return 0;
}

/* Advice that programs may give and the kernel need not take. */
static bool is_hint(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	}
	return false;
}

INTERPOSED int madvise(void *addr, size_t length, int advice)
{
	struct range range = pages_at(addr, length);
	int saved = errno;

	if (!served_touches(range))
		return raw_madvise(addr, length, advice);
	if (raw_madvise(addr, length, advice) == 0)
		return 0;
	if (served_advise(range, advice)) {
		errno = saved;
		if (!is_hint(advice)) {
			served_give_up(range, "madvise");
			return raw_madvise(addr, length, advice);
		}
		say_ignored(advice);
	}
	errno = saved;
	return 0;
}

INTERPOSED void *mremap(void *old, size_t old_length, size_t new_length,
			int flags, ...)
{
	va_list args;
	void *new = NULL;

	va_start(args, flags);
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		new = va_arg(args, void *);
	va_end(args);
	/* Of no bytes it makes a second mapping. */
	if (served_touches(pages_at(old, old_length ? old_length : 1)))
		served_give_up(pages_at(old, old_length ? old_length : 1),
			       "mremap");
	if (flags & MREMAP_FIXED && served_touches(pages_at(new, new_length)))
		served_give_up(pages_at(new, new_length), "mremap over it");
	return raw_mremap(old, old_length, new_length, flags, new);
}
