// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * region.c - what can be asked of the region of an open file: to be kept under
 * a name and let go of again, to give back empty page tables, to stay in memory
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define PARAMETERS "/sys/module/shpt/parameters/"

struct saying {
	int err;
	const char *words;
};

static const struct saying not_registered[] = {
	{ EACCES, "it is not open for writing: open it with O_RDWR" },
	{ EALREADY, "it is registered already: unregister it first, or use the "
		    "name that it has" },
	{ EEXIST, "another region has this name: choose another one, or "
		  "unregister that region" },
	{ ENFILE, "the shpt module has as many registered as it may: raise "
		  PARAMETERS "max_registered" },
	{ EDQUOT, "this user has too many registered or open: raise the shpt "
		  "module's max_registered_per_user or max_regions_per_user" },
	{ 0 }
};

static const struct saying not_unregistered[] = {
	{ ENOENT, "it is not registered: nothing to do" },
	{ EPERM, "another user registered it: only he and who has "
		 "CAP_SYS_ADMIN can unregister it" },
	{ 0 }
};

static const struct saying not_reclaimed[] = {
	{ EACCES, "it is not open for writing: open it with O_RDWR" },
	{ EPERM, "that is switched off for this region: set its reclaim mode "
		 "to advise or always" },
	{ 0 }
};

static const struct saying not_locked[] = {
	{ EACCES, "it is not open for writing: open it with O_RDWR" },
	{ EPERM, "that takes CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK: see "
		 "\"ulimit -l\"" },
	{ EINTR, "a signal arrived: call again for the rest" },
	{ EIO, "a page cannot be read from swap, or is broken: see dmesg" },
	{ ENOMEM, "no memory is left, or the limit of the memory cgroup is "
		  "reached: free some or raise it" },
	{ 0 }
};

static int refuse_call(const struct saying *s, int err, int fd,
		       const char *done, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *name = file_name(fd, buffer);

	while (s->err && s->err != err)
		s++;
	if (s->err)
		return refuse(why, err, "%s cannot be %s: %s", name, done,
			      s->words);
	return refuse(why, err, "%s cannot be %s: %m", name, done);
}

int refuse_register(int err, int fd, struct reason *why)
{
	return refuse_call(not_registered, err, fd, "registered", why);
}

int refuse_unregister(int err, int fd, struct reason *why)
{
	return refuse_call(not_unregistered, err, fd, "unregistered", why);
}

int refuse_reclaim(int err, int fd, struct reason *why)
{
	return refuse_call(not_reclaimed, err, fd, "reclaimed", why);
}

int refuse_lock(int err, int fd, struct reason *why)
{
	return refuse_call(not_locked, err, fd, "locked or unlocked", why);
}

/*
 * A name for a region: what shm_open(3) takes, up to what the kernel part can
 * keep. Leaves *@name without its slash.
 */
int check_name(const char **name, struct reason *why)
{
	const char *n = *name ?: "";

	if (strlen(n) > SHPT_NAME_BYTES - 1 + (*n == '/'))
		return refuse(why, ENAMETOOLONG,
			      "a name of %zu bytes: names have 1 to %d",
			      strlen(n), SHPT_NAME_BYTES - 1);
	n += *n == '/';
	if (!*n || !strcmp(n, ".") || !strcmp(n, ".."))
		return refuse(why, EINVAL,
			      "\"%s\" is no name: use one like \"/pool\"", n);
	for (const char *c = n; *c; c++)
		if (*c == '/' || *c == 0x7f || (*c > 0 && *c < 0x20))
			return refuse(why, EINVAL,
				      "byte %zu of the name is a slash or a "
				      "control character: use a name like "
				      "\"/pool\"",
				      (size_t)(c - *name));
	*name = n;
	return 0;
}

/* One call on the region of @fd. Interrupted, it is made again if that is its
 * way (@again). */
static int call_region(int fd, unsigned long request, void *arg, bool again,
		       int (*refuse_it)(int, int, struct reason *))
{
	struct reason why;
	int region = region_of(fd, &why);
	int ret, err;

	if (region < 0)
		return fail_with(&why);
	ret = again ? ioctl_again(region, request, arg) :
		      ioctl(region, request, arg);
	err = errno;
	close(region);
	if (ret == 0)
		return 0;
	refuse_it(err, fd, &why);
	return fail_with(&why);
}

LIBSHPT_EXPORT int libshpt_register(int fd, const char *name, mode_t mode)
{
	struct shpt_register arg = { .size = sizeof(arg), .mode = mode };
	struct reason why;

	if (mode & ~0666) {
		refuse(&why, EINVAL,
		       "mode %#o is not one of reading and writing: use one "
		       "like 0660",
		       mode);
		return fail_with(&why);
	}
	if (name && *name) {
		if (check_name(&name, &why))
			return fail_with(&why);
		snprintf(arg.name, sizeof(arg.name), "%s", name);
	}
	return call_region(fd, SHPT_IOC_REGISTER, &arg, true, refuse_register);
}

LIBSHPT_EXPORT int libshpt_unregister(int fd)
{
	struct shpt_unregister arg = { .size = sizeof(arg) };

	return call_region(fd, SHPT_IOC_UNREGISTER, &arg, true,
			   refuse_unregister);
}

LIBSHPT_EXPORT int libshpt_reclaim(int fd, off_t offset, off_t length,
				   uint64_t *freed)
{
	struct shpt_reclaim arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};
	struct reason why;

	if (offset < 0 || length <= 0) {
		refuse(&why, EINVAL,
		       "%lld bytes from offset %lld are no range of a file: "
		       "pass at least one byte",
		       (long long)length, (long long)offset);
		return fail_with(&why);
	}
	if (call_region(fd, SHPT_IOC_RECLAIM, &arg, true, refuse_reclaim))
		return -1;
	if (freed)
		*freed = arg.freed_bytes;
	return 0;
}

LIBSHPT_EXPORT int libshpt_lock(int fd)
{
	struct shpt_no_args arg = { .size = sizeof(arg) };

	return call_region(fd, SHPT_IOC_LOCK, &arg, false, refuse_lock);
}

LIBSHPT_EXPORT int libshpt_unlock(int fd)
{
	struct shpt_no_args arg = { .size = sizeof(arg) };

	return call_region(fd, SHPT_IOC_UNLOCK, &arg, false, refuse_lock);
}

static int refuse_mlock(int err, const struct mapping *m, struct reason *why)
{
	if (err == ENOMEM || err == EPERM || err == EAGAIN)
		return refuse(why, err,
			      "the %zu bytes at %#zx cannot be locked: more "
			      "than the limit (see \"ulimit -l\"), than there "
			      "is memory, or than the file has",
			      m->length, (size_t)m->addr);
	return refuse(why, err, "the %zu bytes at %#zx cannot be locked: %m",
		      m->length, (size_t)m->addr);
}

/* mlock(2) looks at the pages of a process's own tables. */
int lock_mapping(const struct mapping *m, struct reason *why)
{
	struct shpt_no_args arg = { .size = sizeof(arg) };
	struct range own = own_pages(m->addr, m->length);

	if (!m->guest) {
		if (mlock((void *)own.start, own.end - own.start))
			return refuse_mlock(errno, m, why);
		return 0;
	}
	if (m->guest->is_private)
		return refuse(why, EACCES,
			      "LIBSHPT_LOCK locks a whole file, which needs a "
			      "mapping that may write to it: leave out "
			      "LIBSHPT_LOCK or LIBSHPT_PRIVATE");
	if (ioctl_again(m->guest->region, SHPT_IOC_LOCK, &arg))
		return refuse_lock(errno, m->guest->region, why);
	return 0;
}
