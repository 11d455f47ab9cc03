// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_file.c - can processes that map this file share: what it lies on, who
 * may write to it, and what would make more of it
 *
 * Of a file of this machine the kernel is asked, of one in a copy of a machine's
 * files what is written there of its mounts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "mounts.h"
#include "shptctl.h"

struct file {
	const struct machine *m;
	const char *path;
	int fd; /* with O_PATH; -1 for what a copy only names */
	struct stat st;
	char *word; /* the path for commands */
	char *name; /* its path without links, or that of a memfd */
	enum file_kind kind;
	struct mount mount; /* without a type if it is on none */
};

/* ---- what it is ---------------------------------------------------------- */

static char *follow(int dir, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, link, target, sizeof(target));

	return n < 0 ? NULL : print("%.*s", (int)n, target);
}

static void open_here(struct file *f)
{
	char link[64];

	f->fd = path_find(f->path);
	if (f->fd < 0)
		die(EXIT_FAILURE, "cannot look at %s: %s", f->path,
		    strerror(errno));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	f->name = follow(AT_FDCWD, link);
	f->kind = file_kind(f->fd);
}

/* In a copy descriptors are links that lead nowhere. */
static void open_copy(struct file *f)
{
	const char *below = below_root(f->path);

	f->fd = openat(f->m->root, below, O_PATH | O_CLOEXEC);
	if (!strncmp(below, "proc/", 5))
		f->name = follow(f->m->root, below);
	if (f->fd < 0 && !f->name)
		die(EXIT_FAILURE, "cannot look at /%s: %s", below,
		    strerror(errno));
	if (!f->name)
		f->name = print("/%s", below);
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static enum file_kind kind_by_name(const struct file *f)
{
	const char *kind;

	if (begins(f->name, "/memfd:") || begins(f->name, "/SYSV") ||
	    begins(f->name, "/dev/zero (deleted)"))
		return FILE_SHMEM;
	if (begins(f->name, "/dev/dax"))
		return FILE_DEVDAX;
	if (!f->mount.type)
		return FILE_OTHER;
	if (!strcmp(f->mount.type, "hugetlbfs"))
		return FILE_HUGETLB;
	kind = mount_kind(&f->mount);
	if (!kind)
		return FILE_OTHER;
	return strcmp(kind, "fsdax") ? FILE_SHMEM : FILE_FSDAX;
}

/* A path through a process's descriptor is one in its mount namespace. */
static void find_mount(struct file *f)
{
	const char *below = below_root(f->path);
	char *mounts = NULL;
	int pid, n = 0;

	if (sscanf(below, "proc/%d/fd/%n", &pid, &n) == 1 && n)
		mounts = print("proc/%d/mountinfo", pid);
	mount_of_path(f->m->root, mounts ?: "proc/self/mountinfo", f->name,
		      &f->mount);
	free(mounts);
	if (!f->m->here)
		f->kind = kind_by_name(f);
}

static void open_file(struct file *f)
{
	if (f->m->here)
		open_here(f);
	else
		open_copy(f);
	if (f->fd < 0 || fstat(f->fd, &f->st))
		f->st.st_mode = S_IFREG;
	if (!f->name)
		f->name = print("%s", f->path);
	find_mount(f);
}

/* ---- what it lies on ----------------------------------------------------- */

/* Whether the block device below could be used with DAX; of a partition it is
 * the disk that says so. */
static bool has_dax_device(const struct file *f)
{
	static const char *const places[] = { "queue/dax", "../queue/dax" };
	char *line = NULL;
	bool has;

	for (size_t i = 0; i < 2 && !line; i++)
		line = fact_line(f->m->root, "sys/dev/block/%u:%u/%s",
				 f->mount.major, f->mount.minor, places[i]);
	has = line && !strcmp(line, "1");
	free(line);
	return has;
}

#define PUT_ELSEWHERE                                                           \
	"put it on tmpfs, as /dev/shm is, in a memfd, or on persistent memory " \
	"with a file system mounted with -o dax=always"

static void check_ordinary(struct report *r, const struct file *f)
{
	const char *type = f->mount.type ?: "a file system";
	char *point = quote(f->mount.point ?: "");

	found(r, "file", NO, "on %s (%s), without DAX", type,
	      f->mount.source ?: "?");
	if (has_dax_device(f))
		mend(r,
		     "umount %s && mount -o dax=always %s %s  # and write "
		     "dax=always into /etc/fstab",
		     point, f->mount.source, point);
	else if (!strcmp(type, "overlay"))
		mend(r, "overlayfs, as in containers, has no DAX: put it on a "
			"volume that is tmpfs or DAX, as by \"docker run "
			"--tmpfs DIR\"");
	else
		mend(r, PUT_ELSEWHERE);
	free(point);
}

static void check_devdax(struct report *r, const struct file *f)
{
	const char *name = strrchr(f->name, '/') + 1;
	char *align =
		fact_line(f->m->root, "sys/bus/dax/devices/%s/align", name);
	char *link = print("sys/bus/dax/devices/%s/driver", name);
	char *driver = follow(f->m->root, link);
	unsigned long long bytes = align ? strtoull(align, NULL, 10) : 0;

	if (driver && strstr(driver, "/kmem")) {
		found(r, "file", NO, "a device-dax in system-ram mode");
		mend(r, "daxctl reconfigure-device --mode=devdax --force %s",
		     name);
	} else if (bytes >= CHUNK_BYTES) {
		found(r, "file", NO,
		      "a device-dax aligned to 1 GiB, mapped without page "
		      "tables");
		mend(r, "nothing to do: there is nothing that could be "
			"shared");
	} else {
		found(r, "file", OK, "a device-dax aligned to %s",
		      align ?: "2 MiB");
	}
	free(driver);
	free(link);
	free(align);
}

static void check_kind(struct report *r, const struct file *f)
{
	const char *type = f->mount.type;

	if (begins(f->name, "shpt:")) {
		found(r, "file", OK, "a region of shpt itself");
	} else if (f->kind == FILE_SHMEM) {
		found(r, "file", OK, "%s",
		      type && !strcmp(type, "tmpfs") ? "on tmpfs" :
						       "shared memory");
	} else if (f->kind == FILE_FSDAX) {
		found(r, "file", OK, "on %s with DAX", type ?: "?");
	} else if (f->kind == FILE_DEVDAX) {
		check_devdax(r, f);
	} else if (f->kind == FILE_HUGETLB) {
		found(r, "file", NO, "hugetlb");
		mend(r, "nothing to do: the kernel itself shares the page "
			"tables of hugetlb files");
	} else if (!S_ISREG(f->st.st_mode)) {
		found(r, "file", NO, "neither a regular file nor a device-dax");
		mend(r, PUT_ELSEWHERE);
	} else {
		check_ordinary(r, f);
	}
}

/* ---- who may do what ----------------------------------------------------- */

/* The seals of a memfd against writing. */
static bool is_sealed(const struct file *f)
{
	int fd = f->m->here && f->kind == FILE_SHMEM ?
			 path_open(f->fd, O_RDONLY) :
			 -1;
	int seals = fd < 0 ? 0 : fcntl(fd, F_GET_SEALS);

	if (fd >= 0)
		close(fd);
	return seals > 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

static bool has_attribute(const struct file *f, uint64_t attribute)
{
	struct statx st;

	return f->fd >= 0 &&
	       statx(f->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
	       st.stx_attributes & attribute;
}

/* The error of access(2), or 0. */
static int try_access(const struct file *f, int how)
{
	int dir = f->m->here ? AT_FDCWD : f->m->root;
	const char *path = f->m->here ? f->path : below_root(f->path);

	if (f->fd < 0)
		return 0;
	return faccessat(dir, path, how, AT_EACCESS) ? errno : 0;
}

static void mend_read_only(struct report *r, const struct file *f)
{
	char *point = quote(f->mount.point);

	mend(r, "to write: mount -o remount,rw %s", point);
	free(point);
}

/* To read is enough to share among those that read. */
static void check_writable(struct report *r, const struct file *f)
{
	static const char reading[] = "can be shared for reading only";

	if (is_sealed(f)) {
		found(r, "access", NOTE, "sealed against writing: %s", reading);
		mend(r, "to write, use a memfd without F_SEAL_WRITE and "
			"F_SEAL_FUTURE_WRITE");
	} else if (has_attribute(f, STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE)) {
		found(r, "access", NOTE, "append-only or immutable: %s",
		      reading);
		mend(r, "to write: chattr -a -i %s", f->word);
	} else if (f->mount.type && (has_option(f->mount.options, "ro") ||
				     has_option(f->mount.fs_options, "ro"))) {
		found(r, "access", NOTE,
		      "its file system is mounted read-only: %s", reading);
		mend_read_only(r, f);
	} else if (try_access(f, W_OK)) {
		found(r, "access", NOTE, "not for this user to write: %s",
		      reading);
		mend(r, "to write, as its owner: chmod or setfacl %s", f->word);
	} else {
		found(r, "access", OK, "for reading and writing");
	}
}

static void check_access(struct report *r, const struct file *f)
{
	int err = try_access(f, R_OK);

	if (err) {
		found(r, "access", NO, "this user may not read it: %s",
		      strerror(err));
		mend(r, "as its owner: chmod or setfacl %s", f->word);
	} else {
		check_writable(r, f);
	}
}

/* ---- what would make more of it ------------------------------------------ */

static void check_size(struct report *r, const struct file *f)
{
	char size[32], least[32];

	if (f->fd < 0 || !S_ISREG(f->st.st_mode))
		return;
	format_bytes(size, sizeof(size), f->st.st_size);
	format_bytes(least, sizeof(least), (long long)PRELOAD_MIN_BYTES);
	if ((size_t)f->st.st_size >= PRELOAD_MIN_BYTES) {
		found(r, "size", OK, "%s", size);
		return;
	}
	found(r, "size", NOTE,
	      "%s; mappings below %s are left alone by libshpt-preload.so",
	      size, least);
	mend(r, "shptctl exec --min-size 2M -- COMMAND ...  # if it saves "
		"anything");
}

static void check_entries(struct report *r, const struct file *f)
{
	char advice[LIBSHPT_ADVICE_BYTES];

	if (!f->m->here || f->kind == FILE_OTHER || f->kind == FILE_HUGETLB ||
	    libshpt_check_file(f->path, advice, sizeof(advice)) != 1)
		return;
	found(r, "entries", NOTE,
	      "cannot be mapped in pieces of 2 MiB, which save page faults");
	mend(r, "%s", advice);
}

static void check_region(struct report *r, const struct file *f)
{
	struct libshpt_region *regions;
	size_t n;

	if (!f->m->loaded)
		return;
	n = regions_read(f->m->root, &regions);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(regions[i].backing, f->name))
			found(r, "region", OK,
			      "%" PRIu64 "%s%s, %" PRIu64 " guests, %" PRIu64
			      " chunks linked",
			      regions[i].id, *regions[i].name ? " " : "",
			      regions[i].name, regions[i].guests,
			      regions[i].links);
	free(regions);
}

void check_file(struct report *r, const struct machine *m, const char *path)
{
	struct file f = { .m = m, .path = path, .word = quote(path) };

	open_file(&f);
	if (S_ISDIR(f.st.st_mode)) {
		check_mount(r, m, f.name);
	} else {
		check_kind(r, &f);
		check_access(r, &f);
		check_size(r, &f);
		check_entries(r, &f);
		check_region(r, &f);
	}
	mount_free(&f.mount);
	free(f.name);
	free(f.word);
	if (f.fd >= 0)
		close(f.fd);
}
