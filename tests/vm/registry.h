/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registry.h - for tests of registered regions: the calls, and what sysfs tells
 *
 * The names that a test gives begin with "vmtest", and a test that fails may
 * leave some: each begins with forget_all().
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "vmtest.h"

#include <dirent.h>

#define REGIONS	"/sys/class/misc/shpt/region"

static inline int try_register(int reg, const char *name, mode_t mode)
{
	struct shpt_register req = { .size = sizeof(req), .mode = mode };

	memcpy(req.name, name, strnlen(name, sizeof(req.name)));
	return ioctl(reg, SHPT_IOC_REGISTER, &req);
}

static inline int try_unregister(int reg)
{
	struct shpt_unregister req = { .size = sizeof(req) };

	return ioctl(reg, SHPT_IOC_UNREGISTER, &req);
}

/* A call on the device that gives a region fd, or -1 and errno. */
static inline int on_device(unsigned long request, void *arg)
{
	int dev = device(), reg, err;

	do
		reg = ioctl(dev, request, arg);
	while (reg < 0 && errno == EINTR);
	err = errno;
	close(dev);
	errno = err;
	return reg;
}

static inline int try_open_flags(const char *name, uint32_t flags)
{
	struct shpt_open_named req = { .size = sizeof(req), .flags = flags };

	memcpy(req.name, name, strnlen(name, sizeof(req.name)));
	return on_device(SHPT_IOC_OPEN_NAMED, &req);
}

static inline int try_open_named(const char *name)
{
	return try_open_flags(name, 0);
}

static inline int try_open_id(uint64_t id)
{
	struct shpt_open_id req = { .size = sizeof(req), .id = id };

	return on_device(SHPT_IOC_OPEN_ID, &req);
}

/* What a file of a region's says, in a buffer; NULL if there is no such file. */
static inline const char *region_text(uint64_t id, const char *file)
{
	static char text[4096];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), REGIONS "/%llu/%s",
		 (unsigned long long)id, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = MUST(read(fd, text, sizeof(text) - 1));
	close(fd);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

#define CHECK_TEXT(id, file, want) do {					\
	const char *got_ = region_text(id, file);			\
									\
	CHECK(got_ && !strcmp(got_, want), "%s is '%s', expected '%s'",	\
	      file, got_ ?: "(no file)", want);				\
} while (0)

/* The region whose fact of this name says so; 0 if there is none. */
static inline uint64_t find_region(const char *file, const char *want)
{
	DIR *dir = opendir(REGIONS);
	struct dirent *entry;
	uint64_t id = 0;

	CHECK(dir, REGIONS ": %s", strerror(errno));
	while (!id && (entry = readdir(dir))) {
		uint64_t n = strtoull(entry->d_name, NULL, 10);
		const char *text = n ? region_text(n, file) : NULL;

		if (text && !strcmp(text, want))
			id = n;
	}
	closedir(dir);
	return id;
}

static inline void forget_all(void)
{
	DIR *dir = opendir(REGIONS);
	struct dirent *entry;
	int reg;

	CHECK(dir, REGIONS ": %s", strerror(errno));
	while ((entry = readdir(dir))) {
		reg = try_open_id(strtoull(entry->d_name, NULL, 10));
		if (reg < 0)
			continue;
		try_unregister(reg);
		close(reg);
	}
	closedir(dir);
	CHECK_EQ(fact("registered"), 0);
}

/* Closing the last descriptor of a region ends it, a moment later perhaps. */
#define GONE(id)							\
	WAIT_FOR(!region_text(id, "guests"), 5, "region %llu is still there", \
		 (unsigned long long)(id))

#endif /* REGISTRY_H */
