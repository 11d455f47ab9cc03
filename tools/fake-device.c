// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fake-device.c - stands in for the module where there is none, for tests of
 * shptctl, which is run with it in LD_PRELOAD
 *
 * /dev/shpt opens, a region is an ordinary file, and what is below /sys is read
 * below $FAKE_ROOT. Each call is a line of $FAKE_LOG. $FAKE_ERROR, such as
 * "10 1", has call number 10 of <shpt/uapi.h> fail with errno 1. $FAKE_DELAY is
 * how many microseconds a step of populating takes. $FAKE_UID is who runs it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <shpt/uapi.h>

#define EXPORT __attribute__((visibility("default")))
#define FDS 1024

static bool is_region_fd[FDS];

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/*
 * What stands in libc's place has names of parameters of its own.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
 */

/* A path below /sys, in a buffer, or any other as it is. */
static const char *redirect(const char *path, char *buf, size_t size)
{
	const char *root = getenv("FAKE_ROOT");
	const char *relative = path + (*path == '/');

	if (!root || strncmp(relative, "sys/class/misc/shpt", 19) != 0)
		return path;
	snprintf(buf, size, "%s/%s", root, relative);
	return buf;
}

EXPORT int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) = next("open");
	unsigned int mode;
	va_list args;

	va_start(args, flags);
	mode = va_arg(args, unsigned int);
	va_end(args);
	return real(strcmp(path, SHPT_DEVICE) ? path : "/dev/null", flags,
		    mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	int (*real)(int, const char *, int, ...) = next("openat");
	char buf[4096];

	return real(dir, redirect(path, buf, sizeof(buf)), flags, 0);
}

EXPORT int faccessat(int dir, const char *path, int mode, int flags)
{
	int (*real)(int, const char *, int, int) = next("faccessat");
	char buf[4096];

	return real(dir, redirect(path, buf, sizeof(buf)), mode, flags);
}

EXPORT int fstatfs(int fd, struct statfs *fs)
{
	int (*real)(int, struct statfs *) = next("fstatfs");
	int ret = real(fd, fs);

	if (fd >= 0 && fd < FDS && is_region_fd[fd])
		fs->f_type = 0x73687074;
	return ret;
}

EXPORT int close(int fd)
{
	int (*real)(int) = next("close");

	if (fd >= 0 && fd < FDS)
		is_region_fd[fd] = false;
	return real(fd);
}

EXPORT int fcntl(int fd, int request, ...)
{
	int (*real)(int, int, ...) = next("fcntl");
	va_list args;
	long arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, long);
	va_end(args);
	ret = real(fd, request, arg);
	if (request == F_DUPFD_CLOEXEC && ret >= 0 && ret < FDS)
		is_region_fd[ret] = is_region_fd[fd];
	return ret;
}

EXPORT uid_t geteuid(void)
{
	uid_t (*real)(void) = next("geteuid");
	const char *uid = getenv("FAKE_UID");

	return uid ? (uid_t)strtoul(uid, NULL, 10) : real();
}

EXPORT int madvise(void *addr, size_t length, int advice)
{
	int (*real)(void *, size_t, int) = next("madvise");
	const char *delay = getenv("FAKE_DELAY");

	if (delay)
		usleep(strtoul(delay, NULL, 10));
	return real(addr, length, advice);
}

static int region_fd(int fd)
{
	if (fd >= 0 && fd < FDS)
		is_region_fd[fd] = true;
	return fd;
}

static int carry_out(unsigned long request, void *arg)
{
	struct shpt_open_region *by_file = arg;
	struct shpt_region_info *info = arg;
	struct shpt_reclaim *reclaim = arg;

	switch (request) {
	case SHPT_IOC_OPEN_REGION:
		return region_fd(dup(by_file->backing_fd));
	case SHPT_IOC_OPEN_NAMED:
	case SHPT_IOC_OPEN_ID:
		return region_fd(open(setting("FAKE_BACKING"), O_RDWR, 0));
	case SHPT_IOC_REGION_INFO:
		info->id = strtoull(setting("FAKE_ID"), NULL, 10);
		return 0;
	case SHPT_IOC_RECLAIM:
		reclaim->freed_bytes = 24576;
		return 0;
	default:
		return 0;
	}
}

/* The arguments as the tests compare them. */
static void note(FILE *log, unsigned long request, const void *arg)
{
	const struct shpt_open_named *named = arg;
	const struct shpt_open_id *by_id = arg;
	const struct shpt_set_node *node = arg;
	const struct shpt_set_reclaim *set = arg;
	const struct shpt_register *reg = arg;

	switch (request) {
	case SHPT_IOC_OPEN_NAMED:
		fprintf(log, "open %s\n", named->name);
		break;
	case SHPT_IOC_OPEN_ID:
		fprintf(log, "open %llu\n", by_id->id);
		break;
	case SHPT_IOC_SET_NODE:
		fprintf(log, "node %d\n", node->node);
		break;
	case SHPT_IOC_RECLAIM:
		fputs("reclaim\n", log);
		break;
	case SHPT_IOC_SET_RECLAIM:
		fprintf(log, "mode %u %llu %llu\n", set->mode, set->interval_ms,
			set->scan_bytes);
		break;
	case SHPT_IOC_LOCK:
		fputs("lock\n", log);
		break;
	case SHPT_IOC_UNLOCK:
		fputs("unlock\n", log);
		break;
	case SHPT_IOC_REGISTER:
		fprintf(log, "register '%s' %04o\n", reg->name, reg->mode);
		break;
	case SHPT_IOC_UNREGISTER:
		fputs("unregister\n", log);
		break;
	default:
		break;
	}
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = next("ioctl");
	const char *error = getenv("FAKE_ERROR");
	unsigned int failing;
	va_list args;
	void *arg;
	FILE *log;
	int err;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (_IOC_TYPE(request) != SHPT_IOC_MAGIC)
		return real(fd, request, arg);
	log = fopen(setting("FAKE_LOG"), "a");
	if (log) {
		note(log, request, arg);
		fclose(log);
	}
	if (error && sscanf(error, "%u %d", &failing, &err) == 2 &&
	    failing == _IOC_NR(request)) {
		errno = err;
		return -1;
	}
	return carry_out(request, arg);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
