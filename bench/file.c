// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * file.c - the files that are mapped
 *
 * Every page is allocated and written before anybody is measured, and it is
 * proven that the pages are what the mode promises. What a machine cannot have
 * is no error: the reason goes into the results.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bench.h"

const char *const backing_names[BACKINGS] = {
	[MEMFD] = "memfd",
	[TMPFS] = "tmpfs",
	[EXT4_DAX_2M] = "ext4-dax-2m",
	[EXT4_DAX_4K] = "ext4-dax-4k",
	[XFS_DAX_2M] = "xfs-dax-2m",
	[XFS_DAX_4K] = "xfs-dax-4k",
	[DEVICE_DAX] = "device-dax",
};

const char *file_dirs[BACKINGS] = { [TMPFS] = "/dev/shm" };

uint64_t word(uint64_t n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15ULL;
	return n ^ (n >> 29);
}

static const char *because(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static const char *because(const char *format, ...)
{
	static char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return why;
}

/* ---- opening ------------------------------------------------------------- */

static const char *open_memfd(struct file *file)
{
	unsigned int flags = MFD_CLOEXEC;
	const char *why;

	if (file->pages == HUGETLB) {
		why = settings_hugetlb(file->bytes);
		if (*why)
			return why;
		flags |= MFD_HUGETLB;
	} else {
		/* Small pages may be what there is anyway: it is checked. */
		why = settings_shmem_advise();
		if (*why && file->pages == HUGE)
			return why;
	}
	file->fd = memfd_create("shpt-bench", flags);
	if (file->fd < 0)
		return because("cannot make a memfd: %s", strerror(errno));
	return NULL;
}

static const char *open_in_dir(struct file *file)
{
	const char *dir = file_dirs[file->backing];

	if (!dir)
		return "needs --dir DIR, a folder on that file system mounted "
		       "with -o dax=always";
	file->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return because("cannot make a file in %s: %s", dir,
			       strerror(errno));
	return NULL;
}

static const char *open_dax_file(struct file *file)
{
	const char *why = open_in_dir(file);
	struct statx stx;

	if (why)
		return why;
	if (statx(file->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) ||
	    !(stx.stx_attributes & STATX_ATTR_DAX))
		return because("files in %s are not DAX: mount the file system "
			       "with -o dax=always", file_dirs[file->backing]);
	return extents_arrange(file);
}

static const char *open_device(struct file *file)
{
	const char *path = file_dirs[DEVICE_DAX];
	unsigned long long bytes = 0;
	char name[64];
	struct stat st;
	FILE *size;

	if (!path)
		return "needs --dir PATH, a device-dax such as /dev/dax0.0";
	file->fd = open(path, O_RDWR | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &st))
		return because("cannot open %s: %s", path, strerror(errno));
	snprintf(name, sizeof(name), "/sys/dev/char/%u:%u/size",
		 major(st.st_rdev), minor(st.st_rdev));
	size = fopen(name, "re");
	if (!size || fscanf(size, "%llu", &bytes) != 1)
		bytes = 0;
	if (size)
		fclose(size);
	if (bytes < file->bytes)
		return because("%s has %llu MiB only", path, bytes >> 20);
	return NULL;
}

const char *file_unfit(enum backing backing, enum pages pages)
{
	if (pages == HUGETLB && backing != MEMFD)
		return "hugetlb has memory of its own: it is measured as memfd";
	if (pages == HUGE && is_dax(backing))
		return "what maps a DAX file are its extents: see plain and "
		       "shpt";
	return NULL;
}

static const char *open_file(struct file *file)
{
	switch (file->backing) {
	case MEMFD:
		return open_memfd(file);
	case TMPFS:
		return open_in_dir(file);
	case DEVICE_DAX:
		return open_device(file);
	default:
		return open_dax_file(file);
	}
}

/* ---- mapping ------------------------------------------------------------- */

int map_flags(const struct file *file)
{
	if (file->sync && is_dax(file->backing))
		return MAP_SHARED_VALIDATE | MAP_SYNC;
	return MAP_SHARED;
}

static void *map_aligned(const struct file *file, size_t align)
{
	size_t bytes = (file->bytes + align - 1) & ~(align - 1);
	char *all = mmap(NULL, bytes + align, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *p = (char *)(((uintptr_t)all + align - 1) & ~(align - 1));

	if (all == MAP_FAILED)
		return MAP_FAILED;
	if (p != all)
		munmap(all, p - all);
	munmap(p + file->bytes, all + bytes + align - (p + file->bytes));
	return mmap(p, file->bytes, PROT_READ | PROT_WRITE,
		    map_flags(file) | MAP_FIXED | MAP_NORESERVE, file->fd, 0);
}

void *map_ordinary(const struct file *file, enum pages pages)
{
	void *p;

	if (pages == SMALL)
		return mmap(NULL, file->bytes, PROT_READ | PROT_WRITE,
			    map_flags(file) | MAP_NORESERVE, file->fd, 0);
	/* The kernel shares tables of hugetlb where address and offset allow.*/
	p = map_aligned(file, pages == HUGETLB ? PUD_BYTES : PMD_BYTES);
	if (p != MAP_FAILED && pages == HUGE)
		madvise(p, file->bytes, MADV_HUGEPAGE);
	return p;
}

/* ---- filling ------------------------------------------------------------- */

/* Large writes cost least for a DAX file, and leave no mark in its inode. */
static bool fill_by_write(const struct file *file)
{
	uint64_t *buf = calloc(1, PMD_BYTES);
	bool done = buf;
	uint64_t page = 0;

	for (uint64_t pos = 0; done && pos < file->bytes; pos += PMD_BYTES) {
		for (size_t i = 0; i < PMD_BYTES / PAGE; i++)
			buf[i * PAGE / sizeof(*buf)] = word(page++);
		done = pwrite(file->fd, buf, PMD_BYTES, pos) ==
		       (ssize_t)PMD_BYTES;
	}
	free(buf);
	return done;
}

/* Memory that is short ends whoever touches it: ask for it by a call first. */
static bool fill_by_map(const struct file *file, char *p)
{
	uint64_t piece = file->stride < PMD_BYTES ? PMD_BYTES : PAGE;

	for (uint64_t pos = 0; pos < file->bytes; pos += file->stride) {
		volatile uint64_t *first = (uint64_t *)(p + pos);

		if (file->backing != DEVICE_DAX && pos % piece == 0 &&
		    madvise(p + pos, piece, MADV_POPULATE_WRITE))
			return false;
		*first = word(pos / PAGE);
	}
	return true;
}

/* So many bytes of what is mapped at p are mapped by entries of 2 MiB. */
static uint64_t huge_bytes(const char *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long long kib = 0;
	unsigned long start, end;
	bool here = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (uintptr_t)p >= start && (uintptr_t)p < end;
		else if (here && sscanf(line, "ShmemPmdMapped: %llu", &kib))
			break;
	}
	if (f)
		fclose(f);
	return kib << 10;
}

/* What keeps the kernel from making huge pages of what nobody asked it for. */
static const char *remedy_for_huge(const struct file *file)
{
	const char *why;

	if (file->backing == TMPFS)
		return "mount the tmpfs with -o huge=advise";
	why = settings_shmem_advise();
	return *why ? why :
		      "run: echo never > "
		      "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
}

static const char *check_pages(const struct file *file, const char *p)
{
	uint64_t each = file->stride > PMD_BYTES ? file->stride : PMD_BYTES;
	uint64_t want = file->pages == HUGE ? file->bytes / each * PMD_BYTES :
					      0;
	uint64_t got = huge_bytes(p);

	if (file->pages == HUGETLB || got == want)
		return NULL;
	if (file->pages == HUGE)
		return because("only %llu of %llu MiB are huge pages: %smemory "
			       "is short or in pieces. Run: "
			       "echo 1 > /proc/sys/vm/compact_memory",
			       (unsigned long long)got >> 20,
			       (unsigned long long)want >> 20,
			       file->backing == TMPFS ?
				       "mount the tmpfs with -o huge=advise or, "
				       "if it is, " :
				       "");
	return because("%llu MiB are huge pages that nobody asked for: %s",
		       (unsigned long long)got >> 20, remedy_for_huge(file));
}

static const char *fill_memory(struct file *file)
{
	const char *why = NULL;
	char *p;

	if (file->backing != DEVICE_DAX && ftruncate(file->fd, file->bytes))
		return because("cannot make a file of %llu MiB: %s",
			       (unsigned long long)file->bytes >> 20,
			       strerror(errno));
	p = map_ordinary(file, file->pages);
	if (p == MAP_FAILED)
		return because("cannot map the file: %s", strerror(errno));
	if (!fill_by_map(file, p))
		why = because("cannot fill %llu MiB: %s. Ask for less with "
			      "--size, or make room",
			      (unsigned long long)file->bytes / file->stride *
				      PAGE >> 20,
			      errno == EFAULT ?
				      "there is no room where the file is" :
				      strerror(errno));
	else if (file->backing != DEVICE_DAX)
		why = check_pages(file, p);
	munmap(p, file->bytes);
	return why;
}

/*
 * Scan an ordinary mapping and count its faults. It also lets the file system
 * note each page in the inode once, which would else be the first measured
 * worker's work.
 */
static const char *check_faults(const struct file *file)
{
	bool huge = file->backing == EXT4_DAX_2M || file->backing == XFS_DAX_2M;
	uint64_t expected = file->bytes / (huge ? PMD_BYTES : PAGE), faults;
	volatile char *p = map_ordinary(file, SMALL);

	if (p == MAP_FAILED)
		return because("cannot map the file: %s", strerror(errno));
	faults = faults_so_far();
	for (uint64_t pos = 0; pos < file->bytes; pos += PAGE)
		(void)p[pos];
	faults = faults_so_far() - faults;
	munmap((void *)p, file->bytes);
	/* A fault or two on other pages does not count against it. */
	if (faults >= expected && faults <= expected + 16)
		return NULL;
	return because("an ordinary mapping took %llu faults where its extents "
		       "promise %llu", (unsigned long long)faults,
		       (unsigned long long)expected);
}

static const char *fill_dax(struct file *file)
{
	const char *why;

	/* What extents there are is decided by all of the file. */
	file->stride = PAGE;
	if (!fill_by_write(file))
		return because("cannot write %llu MiB: %s",
			       (unsigned long long)file->bytes >> 20,
			       strerror(errno));
	why = extents_check(file);
	return why ? why : check_faults(file);
}

const char *file_make(struct file *file)
{
	const char *why;

	progress_now("%s: filling %llu MiB", backing_names[file->backing],
		     (unsigned long long)file->bytes >> 20);
	file->fd = -1;
	why = open_file(file);
	if (!why)
		why = is_dax(file->backing) && file->backing != DEVICE_DAX ?
			      fill_dax(file) :
			      fill_memory(file);
	if (why)
		file_close(file);
	return why;
}

void file_close(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void file_renew(struct file *file)
{
	const char *why;

	file_close(file);
	why = file_make(file);
	if (why)
		die("%s: cannot make the file once more: %s",
		    backing_names[file->backing], why);
}
