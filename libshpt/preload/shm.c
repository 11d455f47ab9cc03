// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm.c - the calls about SysV segments that take the place of libc's
 *
 * The segment stays the kernel's: who creates, finds, counts or removes it
 * needs nothing of this library. Only what shmat(2) gives is a mapping with
 * shared page tables, of the file that is in every segment. One page of the
 * kernel's own attachment remains beside it, and is what is counted.
 * The file has no name. It can be opened through the attachment by who has
 * CAP_CHECKPOINT_RESTORE; everyone else gets the attachment itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "preload.h"

/* The bytes of a segment, or 0 if that cannot be told. */
static size_t segment_bytes(int id)
{
	struct shmid_ds segment;

	return shmctl(id, IPC_STAT, &segment) ? 0 : segment.shm_segsz;
}

static bool is_wanted(size_t length, const void *addr, int flags)
{
	return !settings()->inactive && length &&
	       length >= settings()->min_bytes &&
	       !(flags & (SHM_EXEC | SHM_REMAP)) &&
	       (uintptr_t)addr % page_bytes() == 0;
}

/* The page that remains attached could not be one of a huge page. */
static int refuse_huge(int fd, struct reason *why)
{
	close(fd);
	return refuse(why, EMEDIUMTYPE,
		      "a SysV segment of huge pages is left as it is: have the "
		      "program get them by mmap(2)");
}

static int open_attached(struct range attached, int prot, struct reason *why)
{
	int access = (prot & PROT_WRITE) ? O_RDWR : O_RDONLY;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%zx-%zx",
		 (size_t)attached.start, (size_t)attached.end);
	fd = open(path, access | O_CLOEXEC);
	if (fd < 0 && errno == EPERM)
		return refuse(
			why, EPERM,
			"a SysV segment can be opened as a file only with "
			"CAP_CHECKPOINT_RESTORE: give the program that "
			"capability, AmbientCapabilities= in a systemd "
			"unit, or have it use mmap(2)");
	if (fd < 0)
		return refuse(why, errno, "%s: %m", path);
	return huge_page_bytes(fd) ? refuse_huge(fd, why) : fd;
}

/* A mapping of what is attached, or MAP_FAILED with the reason. */
static void *map_attached(struct range attached, size_t length,
			  const void *addr, int prot, struct reason *why)
{
	struct libshpt_attr attr = {
		.flags = settings()->any_backend ? 0 : LIBSHPT_REQUIRE_SHARED,
	};
	int fd = open_attached(attached, prot, why);
	void *p;

	if (fd < 0)
		return MAP_FAILED;
	p = libshpt_map_attr((void *)addr, length, prot,
			     MAP_SHARED | (addr ? MAP_FIXED_NOREPLACE : 0), fd,
			     0, &attr, sizeof(attr));
	if (p == MAP_FAILED)
		refuse(why, errno, "%s", libshpt_errormsg());
	close(fd);
	return p;
}

static void *serve(struct range attached, size_t length, const void *addr,
		   int flags, struct reason *why)
{
	struct range page = { attached.start, attached.start + page_bytes() };
	int prot = (flags & SHM_RDONLY) ? PROT_READ : PROT_READ | PROT_WRITE;
	void *p;

	if (served_check_room(why))
		return MAP_FAILED;
	p = map_attached(attached, length, addr, prot, why);
	if (p == MAP_FAILED)
		return p;
	if (served_add(p, page, why)) {
		libshpt_unmap(p, length);
		return MAP_FAILED;
	}
	raw_mprotect((void *)page.start, page_bytes(), PROT_NONE);
	raw_munmap((void *)page.end, attached.end - page.end);
	if (settings()->verbose)
		say_served("shmat", length, p);
	return p;
}

static void *attach(int id, const void *addr, int flags, size_t length)
{
	void *kernels = raw_shmat(id, NULL, flags), *p;
	struct reason why;
	int saved = errno;
	struct calm calm;

	if (kernels == MAP_FAILED)
		return kernels;
	calm_begin(&calm);
	p = serve(pages_at(kernels, length), length, addr, flags, &why);
	calm_end(&calm);
	errno = saved;
	if (p != MAP_FAILED)
		return p;
	if (addr) {
		raw_shmdt(kernels);
		kernels = raw_shmat(id, addr, flags);
	}
	if (kernels != MAP_FAILED)
		say_refused("shmat", length, why.err, why.text);
	return kernels;
}

INTERPOSED void *shmat(int id, const void *addr, int flags)
{
	int saved = errno;
	size_t length = segment_bytes(id);

	errno = saved;
	if (is_wanted(length, addr, flags))
		return attach(id, addr, flags, length);
	if (flags & SHM_REMAP && served_touches(pages_at(addr, length)))
		served_give_up(pages_at(addr, length), "SHM_REMAP over it");
	return raw_shmat(id, addr, flags);
}

INTERPOSED int shmdt(const void *addr)
{
	size_t length = served_touches(pages_at(addr, 1)) ? served_sysv(addr) :
							    0;

	return length ? served_unmap(pages_at(addr, length)) : raw_shmdt(addr);
}
