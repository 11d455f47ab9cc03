// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pagemap.c - which pages a process has mapped
 *
 * From /proc/PID/pagemap: by an ioctl that Linux has from 6.7 on, and else, or
 * where it is a copy, from its 64 bits for each page.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "processes.h"
#include "shptctl.h"

#define PAGE_BYTES 4096
#define MOST_ADDRESS (1ULL << 47) /* of a process */
#define PAGES (TABLE_SPAN / PAGE_BYTES) /* that one table maps */

/* Older headers lack it. */
#ifndef PAGEMAP_SCAN
struct page_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct pm_scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_HUGE (1 << 6)
#endif

/* Of an entry; the number of the page is 0 for who is not root. */
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_PAGE ((1ULL << 55) - 1)

int pagemap_open(int root, pid_t pid)
{
	char *path = print("proc/%d/pagemap", pid);
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd;
}

static int scan(int pagemap, uint64_t at, uint64_t end,
		struct page_region *found)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = at,
		.end = end,
		.vec = (uintptr_t)found,
		.vec_len = 1,
		.max_pages = 1,
		.category_mask = PAGE_IS_PRESENT,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_HUGE,
	};

	return ioctl(pagemap, PAGEMAP_SCAN, &arg);
}

/* The entries of at most PAGES pages; returns of how many. */
static size_t read_entries(int pagemap, uint64_t at, uint64_t end,
			   uint64_t *entries)
{
	size_t want = (end - at) / PAGE_BYTES;
	ssize_t n;

	if (want > PAGES)
		want = PAGES;
	n = pread(pagemap, entries, want * sizeof(*entries),
		  (off_t)(at / PAGE_BYTES * sizeof(*entries)));
	return n < 0 ? 0 : n / sizeof(*entries);
}

/*
 * A page in memory that begins and continues like a huge page: where it could
 * be mapped as one, the kernel has done so.
 */
static bool looks_huge(int pagemap, uint64_t at, uint64_t end)
{
	uint64_t entries[PAGES], start = at - at % TABLE_SPAN;
	uint64_t first;

	if (read_entries(pagemap, start, end, entries) != PAGES)
		return false;
	first = entries[0] & ENTRY_PAGE;
	if (!first || first % PAGES)
		return false;
	for (size_t i = 0; i < PAGES; i++)
		if (!(entries[i] & ENTRY_PRESENT) ||
		    (entries[i] & ENTRY_PAGE) != first + i)
			return false;
	return true;
}

static uint64_t read_next(int pagemap, uint64_t at, uint64_t end)
{
	uint64_t entries[PAGES];
	size_t n;

	while (at < end && (n = read_entries(pagemap, at, end, entries))) {
		for (size_t i = 0; i < n; i++)
			if (entries[i] & ENTRY_PRESENT)
				return at + i * PAGE_BYTES;
		at += n * PAGE_BYTES;
	}
	return end;
}

uint64_t pagemap_next(int pagemap, uint64_t at, uint64_t end, bool *huge)
{
	struct page_region found;
	int n = scan(pagemap, at, end, &found);

	if (n >= 0) {
		*huge = n && found.categories & PAGE_IS_HUGE;
		return n ? found.start : end;
	}
	at = read_next(pagemap, at, end);
	*huge = at < end && looks_huge(pagemap, at, end);
	return at;
}

/*
 * A guest has no tables of its own but empty ones: if it sees any page of a
 * chunk, the chunk is linked.
 */
int64_t pagemap_links(int pagemap, const struct process_mapping *m)
{
	uint64_t at = m->start;
	int64_t n = 0;
	bool huge;

	/* Only what is broken has more, and going on would take for ever. */
	if (m->end > MOST_ADDRESS)
		return 0;
	while ((at = pagemap_next(pagemap, at, m->end, &huge)) < m->end) {
		at += CHUNK_BYTES - at % CHUNK_BYTES;
		n++;
	}
	return n;
}
