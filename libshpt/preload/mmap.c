// SPDX-License-Identifier: LGPL-2.1-or-later
/* mmap.c - the calls about mappings that take the place of libc's */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

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

/* Through libshpt, or MAP_FAILED with errno and libshpt_errormsg(). */
static void *serve(void *addr, size_t length, int prot, int flags, int fd,
		   off_t offset, bool any_backend)
{
	struct libshpt_attr attr = {
		.flags = any_backend ? 0 : LIBSHPT_REQUIRE_SHARED,
	};
	struct reason why;
	void *p;

	if (served_check_room(&why)) {
		fail_with(&why);
		return MAP_FAILED;
	}
	p = libshpt_map_attr(addr, length, prot, flags, fd, offset, &attr,
			     sizeof(attr));
	if (p == MAP_FAILED)
		return p;
	if (served_add(p, (struct range){ 0, 0 }, &why)) {
		libshpt_unmap(p, length);
		fail_with(&why);
		return MAP_FAILED;
	}
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

/* Can take long, and is over when a signal ends the program. */
static void populate_served(void *p, size_t length, int flags)
{
	if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		raw_madvise(p, round_up(length, page_bytes()),
			    MADV_POPULATE_READ);
}

INTERPOSED void *mmap(void *addr, size_t length, int prot, int flags, int fd,
		      off_t offset)
{
	int saved = errno, err, unfilled = flags & ~MAP_POPULATE;
	struct calm calm;
	void *p;

	if (flags & MAP_FIXED && served_touches(pages_at(addr, length)))
		served_give_up(pages_at(addr, length), "MAP_FIXED over it");
	if (!is_wanted(length, flags) ||
	    (!(flags & MAP_ANONYMOUS) && is_region(fd)))
		return raw_mmap(addr, length, prot, flags, fd, offset);

	calm_begin(&calm);
	p = has_backing(flags) ? serve_anonymous(addr, length, prot, unfilled) :
				 serve(addr, length, prot, unfilled, fd, offset,
				       settings()->any_backend);
	err = errno;
	calm_end(&calm);
	if (p != MAP_FAILED)
		populate_served(p, length, flags);
	errno = saved;
	if (p != MAP_FAILED)
		return p;
	/* If this fails as well, the program has its own words for it. */
	p = raw_mmap(addr, length, prot, flags, fd, offset);
	if (p != MAP_FAILED) {
		note_passed(p, length, err, libshpt_errormsg());
		say_refused("mmap", length, err, libshpt_errormsg());
	}
	return p;
}

/* What mmap is called where programs are compiled for large files. */
INTERPOSED void *mmap64(void *addr, size_t length, int prot, int flags, int fd,
			off_t offset) __attribute__((alias("mmap")));

INTERPOSED int munmap(void *addr, size_t length)
{
	struct range range = pages_at(addr, length);

	return served_touches(range) ? served_unmap(range) :
				       raw_munmap(addr, length);
}

INTERPOSED int mprotect(void *addr, size_t length, int prot)
{
	return served_touches(pages_at(addr, length)) ?
		       libshpt_protect(addr, length, prot) :
		       raw_mprotect(addr, length, prot);
}

/* In a child that has not inherited the mapping its addresses are nobody's, or
 * somebody else's: that is for the kernel to know alone. */
INTERPOSED int madvise(void *addr, size_t length, int advice)
{
	if (!served_touches(pages_at(addr, length)))
		return raw_madvise(addr, length, advice);
	if (advice != MADV_DONTFORK)
		return libshpt_advise(addr, length, advice);
	served_give_up(pages_at(addr, length), "MADV_DONTFORK");
	return raw_madvise(addr, length, advice);
}

INTERPOSED void *mremap(void *old, size_t old_length, size_t new_length,
			int flags, ...)
{
	bool given_up = false;
	va_list args;
	void *new = NULL, *p;

	va_start(args, flags);
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		new = va_arg(args, void *);
	va_end(args);
	/* Of no bytes it makes a second mapping. */
	if (served_touches(pages_at(old, old_length ? old_length : 1)))
		given_up = served_give_up(
			pages_at(old, old_length ? old_length : 1), "mremap");
	if (flags & MREMAP_FIXED && served_touches(pages_at(new, new_length)))
		served_give_up(pages_at(new, new_length), "mremap over it");
	p = raw_mremap(old, old_length, new_length, flags, new);
	if (given_up && p != MAP_FAILED) {
		table_lock();
		note_given_up(p, new_length, "mremap");
		table_unlock();
	}
	return p;
}

INTERPOSED int remap_file_pages(void *addr, size_t size, int prot, size_t page,
				int flags)
{
	if (served_touches(pages_at(addr, size)))
		served_give_up(pages_at(addr, size), "remap_file_pages");
	return raw_remap_file_pages(addr, size, prot, page, flags);
}
