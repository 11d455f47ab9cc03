// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adopt.c - libshpt_adopt(): an ordinary mapping becomes a shared one
 *
 * /proc/self/maps says what is mapped there, and then the file has to be found
 * again: it may have no path, and its descriptor may be closed. Whatever is
 * found is taken only if it is the very inode.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

#define PATH_BYTES 4096

/* A line of /proc/self/maps. */
struct line {
	struct range range;
	char perms[5];
	off_t offset;
	dev_t device;
	ino_t inode;
	char path[PATH_BYTES];
};

static bool parse(const char *text, struct line *line)
{
	unsigned int major, minor;
	uintmax_t offset, inode;
	int path = 0;

	if (sscanf(text, "%" SCNxPTR "-%" SCNxPTR " %4s %jx %x:%x %ju %n",
		   &line->range.start, &line->range.end, line->perms, &offset,
		   &major, &minor, &inode, &path) < 7)
		return false;
	line->offset = (off_t)offset;
	line->device = makedev(major, minor);
	line->inode = inode;
	snprintf(line->path, sizeof(line->path), "%s", text + path);
	return true;
}

static bool continues(const struct line *a, const struct line *b)
{
	return b->range.start == a->range.end && b->inode == a->inode &&
	       b->device == a->device && !strcmp(b->perms, a->perms) &&
	       b->offset == a->offset + (off_t)(a->range.end - a->range.start);
}

/* Extends @found, which is empty at first, by @line if that lies in @range. */
static bool extend(struct line *found, const struct line *line,
		   struct range range)
{
	if (line->range.end <= range.start || range.end <= line->range.start)
		return true;
	if (!found->range.end) {
		*found = *line;
		return true;
	}
	if (!continues(found, line))
		return false;
	found->range.end = line->range.end;
	return true;
}

/* What is mapped in @range, as if it were one line. @found is all zero. */
static int find_line(struct range range, struct line *found, struct reason *why)
{
	bool uniform = true;
	struct lines maps;
	struct line line;
	char *text;

	if (lines_open(&maps, "/proc/self/maps"))
		return refuse(why, errno, "/proc/self/maps: %m");
	while (uniform && (text = lines_next(&maps)))
		if (parse(text, &line))
			uniform = extend(found, &line, range);
	lines_close(&maps);

	if (uniform && found->range.end && found->range.start <= range.start &&
	    range.end <= found->range.end)
		return 0;
	return refuse(why, ENOMEM,
		      "the %zu bytes at %#zx are not all mapped from one file, "
		      "one after the other and with the same protection",
		      range.end - range.start, (size_t)range.start);
}

static int check_line(const struct line *line, uintptr_t addr,
		      struct reason *why)
{
	if (line->perms[3] != 's')
		return refuse(why, EINVAL,
			      "the mapping at %#zx is private: only shared "
			      "mappings can be adopted",
			      (size_t)addr);
	if ((line->range.start - (uintptr_t)line->offset) % CHUNK_BYTES)
		return refuse(why, EINVAL,
			      "the mapping at %#zx is of offset %#llx, which "
			      "differs modulo 1 GiB: map it where it does not",
			      (size_t)line->range.start,
			      (long long)line->offset);
	return 0;
}

static bool is_file_of(const struct line *line, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == line->device &&
	       st.st_ino == line->inode;
}

/* Is @fd open for what the mapping allows? */
static bool can_do(const struct line *line, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || flags & O_PATH)
		return false;
	return (flags & O_ACCMODE) == O_RDWR ||
	       ((flags & O_ACCMODE) == O_RDONLY && line->perms[1] != 'w');
}

static int open_path(const struct line *line, const char *path)
{
	int found = path_find(path), fd = -1;

	if (found < 0)
		return -1;
	if (is_file_of(line, found)) {
		fd = path_open(found, O_RDWR);
		if (fd < 0 && line->perms[1] != 'w')
			fd = path_open(found, O_RDONLY);
	}
	close(found);
	return fd;
}

/* A descriptor of the program's own. */
static int find_descriptor(const struct line *line)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (!dir)
		return -1;
	while (found < 0 && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (isdigit(entry->d_name[0]) && can_do(line, fd) &&
		    is_file_of(line, fd))
			found = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	closedir(dir);
	return found;
}

/* The last way is for who has CAP_CHECKPOINT_RESTORE. */
static int open_file(const struct line *line, struct reason *why)
{
	char path[64];
	int fd = find_descriptor(line);

	if (fd < 0)
		fd = open_path(line, line->path);
	if (fd < 0) {
		snprintf(path, sizeof(path),
			 "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR,
			 line->range.start, line->range.end);
		fd = open_path(line, path);
	}
	if (fd < 0)
		return refuse(why, ENOENT,
			      "the file of the mapping at %#zx, %.80s, can no "
			      "longer be reached: keep a descriptor of it open "
			      "for reading and writing",
			      (size_t)line->range.start, line->path);
	return fd;
}

/* Only the flags that smaps shows tell. It is slow, so only DAX is asked. */
static bool is_mapped_sync(const struct line *line, int fd)
{
	enum file_kind kind = file_kind(fd);
	bool there = false, sync = false;
	struct lines smaps;
	struct line at;
	char *text;

	if ((kind != FILE_FSDAX && kind != FILE_DEVDAX) ||
	    lines_open(&smaps, "/proc/self/smaps"))
		return false;
	while ((text = lines_next(&smaps))) {
		if (parse(text, &at))
			there = at.range.start == line->range.start;
		else if (there && !strncmp(text, "VmFlags:", 8))
			sync = strstr(text, " sf");
	}
	lines_close(&smaps);
	return sync;
}

/* If the mapping was lost on the way, it is made anew as it was. The address is
 * a hint then, for MAP_SHARED_VALIDATE knows no MAP_FIXED_NOREPLACE. */
static int share(struct range range, const struct line *line, int fd,
		 struct reason *why)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	int prot = (line->perms[0] == 'r' ? PROT_READ : 0) |
		   (line->perms[1] == 'w' ? PROT_WRITE : 0) |
		   (line->perms[2] == 'x' ? PROT_EXEC : 0);
	int flags = is_mapped_sync(line, fd) ? MAP_SHARED_VALIDATE | MAP_SYNC :
					       MAP_SHARED;
	off_t offset = line->offset + (off_t)(range.start - line->range.start);
	size_t bytes = range.end - range.start;
	void *addr = (void *)range.start, *p;

	if (libshpt_map_attr(addr, bytes, prot, flags | MAP_FIXED, fd, offset,
			     &attr, sizeof(attr)) != MAP_FAILED)
		return 0;
	refuse(why, errno, "%s", libshpt_errormsg());
	p = mmap(addr, bytes, prot, flags, fd, offset);
	if (p != addr && p != MAP_FAILED)
		munmap(p, bytes);
	errno = why->err;
	return -1;
}

static bool is_shared(struct range range)
{
	struct guest *sharing;
	struct range part;

	table_lock();
	guest_lock();
	do {
		part = next_part(range, &sharing);
		range.start = part.end;
	} while (sharing && range.start < range.end);
	guest_unlock();
	table_unlock();
	return sharing;
}

static int adopt(struct range range, struct reason *why)
{
	struct line line = { 0 };
	int fd, err;

	if (is_shared(range))
		return 0;
	if (find_line(range, &line, why) || check_line(&line, range.start, why))
		return -1;
	fd = open_file(&line, why);
	if (fd < 0)
		return -1;
	err = share(range, &line, fd, why);
	close(fd);
	return err;
}

LIBSHPT_EXPORT int libshpt_adopt(void *addr, size_t length)
{
	struct reason why;

	if (check_range((uintptr_t)addr, length, &why) ||
	    adopt(own_pages((uintptr_t)addr, length), &why))
		return fail_with(&why);
	return 0;
}
