// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * open.c - libshpt_open() and libshpt_unlink(): regions by their names
 *
 * What has to come back is a descriptor as shm_open(3) gives it: it is mapped,
 * but it is also given a size, asked for it and protected. A region fd can only
 * be mapped, for size, owner and mode are the backing's. So it is the backing
 * that is opened, and the question is where it lives. A memfd would have no way
 * back to it: registered, it survives its creator, but who opens its name gets
 * a region fd. So a new region's backing is the file that shm_open(3) makes. It
 * survives; owner, mode and limits are what everybody expects; and a process
 * that may not use the device, or came before the module was loaded, finds the
 * same memory under the same name. Registering it adds what only the kernel
 * part can: the page tables stay while nobody maps it, and the name is taken
 * for all. That is worth having but not worth failing for: quotas of the
 * registry are no limits of shm_open(3).
 *
 * Names that others registered (libshpt_register(), shptctl register) come
 * first, or somebody could put a file in their way. Their backing is opened by
 * its path where the caller may do that. If not, for the registration may allow
 * more than the file does, he gets the region fd after all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define KNOWN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)
#define PATH_BYTES 4200

static int refuse_name(int err, const char *name, struct reason *why)
{
	switch (err) {
	case ENOENT:
		return refuse(why, err,
			      "nothing has the name \"%s\": add O_CREAT to "
			      "make it",
			      name);
	case EEXIST:
		return refuse(why, err,
			      "the name \"%s\" is taken: leave out O_EXCL to "
			      "open what has it, or unlink it first",
			      name);
	case EACCES:
	case EPERM:
		return refuse(why, EACCES,
			      "\"%s\": no permission: ask its owner, or open "
			      "it with O_RDONLY if you may read it",
			      name);
	case EMFILE:
		return refuse(why, err,
			      "\"%s\": this process has too many open files: "
			      "raise \"ulimit -n\"",
			      name);
	case EDQUOT:
		return refuse(why, err,
			      "\"%s\": this user has as many regions open as "
			      "he may: raise "
			      "/sys/module/shpt/parameters/max_regions_per_user",
			      name);
	}
	return refuse(why, err, "\"%s\" cannot be opened: %m", name);
}

static int close_and_keep(int fd, int err)
{
	close(fd);
	errno = err;
	return -1;
}

static int close_and_return(int fd, int ret)
{
	int err = errno;

	close(fd);
	errno = err;
	return ret;
}

/* A region fd for a registered name, or -1 with errno. */
static int open_named(int device, const char *name, int access)
{
	struct shpt_open_named arg = {
		.size = sizeof(arg),
		.flags = access == O_RDONLY ? SHPT_OPEN_READ_ONLY : 0,
	};

	snprintf(arg.name, sizeof(arg.name), "%s", name);
	return ioctl_again(device, SHPT_IOC_OPEN_NAMED, &arg);
}

static uint64_t region_id_of(int device, int file)
{
	int region = open_region(device, file, 0);
	uint64_t id = region < 0 ? 0 : region_id(region);

	if (region >= 0)
		close(region);
	return id;
}

/* Where the backing of a region is, in a buffer; NULL if that is not to be
 * known. */
static const char *backing_path(int region, char *target, size_t size)
{
	const char prefix[] = "shpt:";
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", region);
	n = readlink(link, target, size - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	return strncmp(target, prefix, strlen(prefix)) ? NULL :
						       target + strlen(prefix);
}

/* Only what has a region is opened. */
static int open_path(const char *path, int access)
{
	int found = path_find(path), file = -1;
	enum file_kind kind;

	if (found < 0)
		return -1;
	kind = file_kind(found);
	if (kind == FILE_SHMEM || kind == FILE_FSDAX || kind == FILE_DEVDAX)
		file = path_open(found, access);
	close(found);
	return file;
}

/* The file behind a region fd, or -1. A path can mean another file here. */
static int open_backing(int device, int region, int access)
{
	char buffer[PATH_BYTES];
	const char *path = backing_path(region, buffer, sizeof(buffer));
	int file = path ? open_path(path, access) : -1;

	if (file >= 0 && region_id_of(device, file) != region_id(region))
		return close_and_keep(file, ESTALE);
	return file;
}

/* Whether the region's backing is, or with " (deleted)" for @mark was, what
 * shm_open(3) has under the name. */
static bool is_shm_file(int region, const char *name, const char *mark)
{
	char buffer[PATH_BYTES], expected[128];
	const char *path = backing_path(region, buffer, sizeof(buffer));

	snprintf(expected, sizeof(expected), "/dev/shm/%s%s", name, mark);
	return path && !strcmp(path, expected);
}

/*
 * Whether the file was removed without libshpt_unlink(), by rm(1) or by
 * shm_unlink(3), and the name could be freed: it is its owner's, or root's, who
 * opens it.
 */
static bool forget_removed(int region, const char *name)
{
	struct shpt_unregister arg = { .size = sizeof(arg) };

	return is_shm_file(region, name, " (deleted)") &&
	       ioctl(region, SHPT_IOC_UNREGISTER, &arg) == 0;
}

/*
 * A name that the registry has and the caller may not open by it may still be
 * that of a file which he may open: that of libshpt_open() by another user.
 */
static int open_refused(int device, const char *name, int access, int err)
{
	int file = shm_open(name, access, 0);

	if (file < 0)
		return close_and_keep(file, err);
	if (!is_registered_as(region_id_of(device, file), name))
		return close_and_keep(file, err);
	return file;
}

/*
 * The file that shm_open(3) has. With O_CREAT it is opened once more, for the
 * kernel to have its say: it can be told to refuse what somebody else has put
 * in such a folder to who would have made it himself (fs.protected_regular).
 */
static int open_file(const char *name, int access, int create, mode_t mode)
{
	int file = shm_open(name, access, 0), again;

	if (file < 0 || !create)
		return file;
	again = shm_open(name, access | create, mode);
	return close_and_return(file, again);
}

/* What has the name, or -1 with errno. The device is -1 where there is none. */
static int open_existing(int device, const char *name, int oflag, mode_t mode)
{
	int access = oflag & O_ACCMODE, create = oflag & O_CREAT;
	int region, file;

	region = device < 0 ? -1 : open_named(device, name, access);
	if (region < 0 && (device < 0 || errno == ENOENT))
		return open_file(name, access, create, mode);
	if (region < 0)
		return open_refused(device, name, access, errno);
	file = open_backing(device, region, access);
	if (file < 0 && forget_removed(region, name))
		file = open_file(name, access, create, mode);
	else if (file < 0)
		return region;
	return close_and_return(region, file);
}

/*
 * Registers a file that was just made. For its owner only: all others come by
 * the file, and no permission outlives what its owner takes away from that.
 * Returns false if another region has the name.
 */
static bool keep(int device, int file, const char *name)
{
	struct shpt_register arg = { .size = sizeof(arg), .mode = 0600 };
	int region = device < 0 ? -1 : open_region(device, file, 0);
	bool taken;

	if (region < 0)
		return true;
	snprintf(arg.name, sizeof(arg.name), "%s", name);
	taken = ioctl(region, SHPT_IOC_REGISTER, &arg) && errno == EEXIST;
	close(region);
	return !taken;
}

/* A new file, or -1 with errno. */
static int create(int device, const char *name, int access, mode_t mode)
{
	int file = shm_open(name, access | O_CREAT | O_EXCL, mode);

	if (file < 0)
		return -1;
	/* Somebody has just registered another file under this name. */
	if (!keep(device, file, name)) {
		shm_unlink(name);
		return close_and_keep(file, EEXIST);
	}
	return file;
}

/* A file in the way is noticed when it is to be made. */
static bool is_registered(int device, const char *name)
{
	int region = device < 0 ? -1 : open_named(device, name, O_RDONLY);

	if (region >= 0)
		close(region);
	return region >= 0 || (device >= 0 && errno != ENOENT);
}

/* Once more if the name comes into being, or goes, between two looks at it. */
static int open_or_create(int device, const char *name, int oflag, mode_t mode)
{
	int access = oflag & O_ACCMODE, fd;

	if (oflag & O_CREAT && oflag & O_EXCL) {
		if (!is_registered(device, name))
			return create(device, name, access, mode);
		errno = EEXIST;
		return -1;
	}
	do {
		fd = open_existing(device, name, oflag, mode);
		if (fd >= 0 || errno != ENOENT || !(oflag & O_CREAT))
			return fd;
		fd = create(device, name, access, mode);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

static int check_flags(int oflag, struct reason *why)
{
	int access = oflag & O_ACCMODE;

	if (oflag & ~KNOWN_FLAGS || (access != O_RDONLY && access != O_RDWR))
		return refuse(why, EINVAL,
			      "flags %#o: pass O_RDONLY or O_RDWR, and of the "
			      "others O_CREAT, O_EXCL and O_TRUNC",
			      oflag);
	if (oflag & O_TRUNC && access == O_RDONLY)
		return refuse(why, EINVAL,
			      "O_TRUNC with O_RDONLY: truncating takes O_RDWR");
	return 0;
}

/* Without the device it is shm_open(3), whatever the reason. */
static int open_name(const char *name, int oflag, mode_t mode,
		     struct reason *why)
{
	int device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);
	int fd = open_or_create(device, name, oflag, mode), err = errno;

	if (device >= 0)
		close(device);
	if (fd < 0)
		return refuse_name(err, name, why);
	if (oflag & O_TRUNC && ftruncate(fd, 0)) {
		refuse(why, EACCES,
		       "\"%s\" can be mapped, but its file not be opened for "
		       "truncation: leave out O_TRUNC",
		       name);
		close(fd);
		return -1;
	}
	return fd;
}

LIBSHPT_EXPORT int libshpt_open(const char *name, int oflag, mode_t mode)
{
	struct reason why;
	int fd = -1;

	if (check_name(&name, &why) == 0 && check_flags(oflag, &why) == 0)
		fd = open_name(name, oflag, mode, &why);
	return fd < 0 ? fail_with(&why) : fd;
}

static int unlink_name(int device, const char *name)
{
	struct shpt_unregister arg = { .size = sizeof(arg) };
	int region = device < 0 ? -1 : open_named(device, name, O_RDONLY);
	bool shm_file;

	if (region < 0)
		return device < 0 || errno == ENOENT ? shm_unlink(name) : -1;
	shm_file = is_shm_file(region, name, "");
	if (ioctl(region, SHPT_IOC_UNREGISTER, &arg) && errno != ENOENT)
		return close_and_keep(region, errno);
	close(region);
	return shm_file ? shm_unlink(name) : 0;
}

LIBSHPT_EXPORT int libshpt_unlink(const char *name)
{
	struct reason why;
	int device, ret, err;

	if (check_name(&name, &why))
		return fail_with(&why);
	device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);
	ret = unlink_name(device, name);
	err = errno;
	if (device >= 0)
		close(device);
	if (ret == 0)
		return 0;
	if (err == ENOENT)
		refuse(&why, err, "nothing has the name \"%s\": nothing to do",
		       name);
	else if (err == EACCES || err == EPERM)
		refuse(&why, EACCES,
		       "\"%s\": no permission to unlink it: only its owner and "
		       "root can",
		       name);
	else
		refuse(&why, err, "\"%s\" cannot be unlinked: %m", name);
	return fail_with(&why);
}
