// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * thp.c - the backend that has ordinary mappings use huge pages
 *
 * Transparent huge pages of shmem, and the huge entries of DAX: one entry of a
 * PMD table in place of a whole table of 512. They need an address that is
 * congruent to the offset, and shmem needs a machine that allows them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "internal.h"

#define SETTINGS "/sys/kernel/mm/transparent_hugepage/"

/* The chosen word of a setting such as "always [madvise] never". */
static bool read_setting(const char *path, char word[16])
{
	char line[128], *chosen;

	if (!read_line(AT_FDCWD, path, line, sizeof(line)))
		return false;
	chosen = strchr(line, '[');
	return chosen && sscanf(chosen, "[%15[^]]", word) == 1;
}

static int refuse_setting(const char *path, const char *word,
			  struct reason *why)
{
	return refuse(why, EOPNOTSUPP,
		      "huge pages of shared memory are switched off: %s is "
		      "\"%s\", write \"advise\" to it",
		      path, word);
}

/* Memory without a name: memfds, anonymous and System V shared memory. Since
 * Linux 6.11 each size of pages has a setting of its own. */
static int check_unnamed(const char *all, struct reason *why)
{
	const char *path = SETTINGS "hugepages-2048kB/shmem_enabled";
	char word[16];

	if (read_setting(path, word) && strcmp(word, "inherit") != 0)
		return strcmp(word, "never") ? 0 :
					       refuse_setting(path, word, why);
	return strcmp(all, "never") ?
		       0 :
		       refuse_setting(SETTINGS "shmem_enabled", all, why);
}

static int check_mounted(int fd, const char *options, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *huge = strstr(options, "huge=");

	if (huge && strncmp(huge, "huge=never", 10) != 0)
		return 0;
	return refuse(why, EOPNOTSUPP,
		      "the tmpfs of %s is mounted without huge pages: mount "
		      "it anew with -o remount,huge=advise",
		      file_name(fd, buffer));
}

/* Whether shmem, @fd or -1 for anonymous memory, can have huge pages at all. */
int check_huge_shmem(int fd, struct reason *why)
{
	char options[MOUNT_OPTIONS_BYTES], word[16];

	if (!read_setting(SETTINGS "shmem_enabled", word))
		return refuse(why, EOPNOTSUPP,
			      "this kernel has no transparent huge pages of "
			      "shared memory: use one with "
			      "CONFIG_TRANSPARENT_HUGEPAGE");
	if (strcmp(word, "force") == 0)
		return 0;
	if (strcmp(word, "deny") == 0)
		return refuse_setting(SETTINGS "shmem_enabled", word, why);
	if (fd >= 0 && mount_options(fd, options))
		return check_mounted(fd, options, why);
	return check_unnamed(word, why);
}

static int check_request(const struct request *req, struct reason *why)
{
	if ((req->flags & MAP_TYPE) == MAP_PRIVATE)
		return refuse(why, EOPNOTSUPP,
			      "a MAP_PRIVATE mapping is left as mmap(2) makes "
			      "it: use MAP_SHARED to have huge pages");
	if (req->flags & MAP_LOCKED)
		return refuse(why, EOPNOTSUPP,
			      "MAP_LOCKED brings small pages in at once: call "
			      "mlock(2) later to have huge pages");
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1)
		return refuse(why, EPERM,
			      "transparent huge pages are switched off in this "
			      "process: see PR_SET_THP_DISABLE in prctl(2)");
	return 0;
}

/* Pages of 4 KiB serve what has no 2 MiB from a multiple of 2 MiB on. */
static int check_length(const struct request *req, struct reason *why)
{
	off_t offset = (req->flags & MAP_ANONYMOUS) ? 0 : req->offset;
	uint64_t first = round_up(offset, HUGE_BYTES);

	if (offset + round_up(req->length, page_bytes()) >= first + HUGE_BYTES)
		return 0;
	return refuse(
		why, EINVAL,
		"%zu bytes from offset %#llx hold no aligned 2 MiB, which "
		"a huge page needs: map more",
		req->length, (long long)offset);
}

static int refuse_file(const struct request *req, struct reason *why)
{
	char buffer[FILE_NAME_BYTES], fs[FS_NAME_BYTES];
	const char *name = file_name(req->fd, buffer);

	if (huge_page_bytes(req->fd))
		return refuse(why, EMEDIUMTYPE,
			      "%s is hugetlb: the backend \"hugetlb\" is for "
			      "that",
			      name);
	return refuse(why, ENODEV,
		      "%s, on %s, has no huge pages: put it on tmpfs, in a "
		      "memfd or on DAX",
		      name, file_system(req->fd, fs));
}

static int map_shmem(const struct request *req, struct mapping *m,
		     struct reason *why)
{
	int fd = (req->flags & MAP_ANONYMOUS) ? -1 : req->fd;

	if (check_length(req, why) || check_huge_shmem(fd, why) ||
	    map_aligned(req, page_bytes(), HUGE_BYTES, m, why))
		return -1;
	/* An advice: what stands against it was looked at above. */
	madvise((void *)m->taken.start, m->taken.end - m->taken.start,
		MADV_HUGEPAGE);
	return 0;
}

/* Its alignment says by what the device is mapped, and can be mapped at all. */
static int map_device(const struct request *req, struct mapping *m,
		      struct reason *why)
{
	struct device_dax device = { .align = HUGE_BYTES };
	char buffer[FILE_NAME_BYTES];
	struct stat st;

	if (fstat(req->fd, &st) == 0)
		find_device_dax(NULL, st.st_rdev, &device);
	if (device.align < HUGE_BYTES)
		return refuse(why, EOPNOTSUPP,
			      "%s is aligned to %zu bytes, so it has no huge "
			      "pages: make it anew with \"ndctl "
			      "create-namespace -m devdax -a 2M\"",
			      file_name(req->fd, buffer), device.align);
	return map_aligned(req, device.align, device.align, m, why);
}

static int map_kind(const struct request *req, struct mapping *m,
		    struct reason *why)
{
	switch (request_kind(req)) {
	case FILE_SHMEM:
		return map_shmem(req, m, why);
	case FILE_FSDAX:
		if (check_length(req, why))
			return -1;
		return map_aligned(req, page_bytes(), HUGE_BYTES, m, why);
	case FILE_DEVDAX:
		return map_device(req, m, why);
	default:
		return refuse_file(req, why);
	}
}

static int thp_map(const struct request *req, struct mapping *m,
		   struct reason *why)
{
	if (check_request(req, why) || map_kind(req, m, why))
		return -1;
	populate(req, m);
	return 0;
}

const struct backend thp_backend = {
	.id = LIBSHPT_BACKEND_THP,
	.name = "thp",
	.map = thp_map,
};
