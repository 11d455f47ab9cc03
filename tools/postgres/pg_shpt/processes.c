// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * processes.c - the server's processes: which there are, their page tables, and
 * what is linked in them
 *
 * A process may end while it is looked at; then there is nothing to tell.
 */
#include "pg_shpt.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return AllocateFile(path, "r");
}

static pid_t parent_of(pid_t pid)
{
	FILE *stat = open_proc(pid, "stat");
	char line[512], *name_end = NULL;
	int parent;

	if (!stat)
		return -1;
	if (fgets(line, sizeof(line), stat))
		name_end = strrchr(line, ')');
	FreeFile(stat);
	if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1)
		return -1;
	return parent;
}

/*
 * The postmaster and its children; without one, a server of one process, which
 * is this. Returns how many; *pids is palloc'd.
 */
int server_processes(pid_t **pids)
{
	pid_t postmaster = IsUnderPostmaster ? PostmasterPid : MyProcPid;
	DIR *proc = AllocateDir("/proc");
	int n = 0, room = 64;
	struct dirent *entry;

	*pids = palloc(room * sizeof(**pids));
	while ((entry = ReadDir(proc, "/proc"))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 ||
		    (pid != postmaster && parent_of(pid) != postmaster))
			continue;
		if (n == room) {
			room *= 2;
			*pids = repalloc(*pids, room * sizeof(**pids));
		}
		(*pids)[n++] = pid;
	}
	FreeDir(proc);
	return n;
}

bool page_table_bytes(pid_t pid, int64 *bytes)
{
	FILE *status = open_proc(pid, "status");
	bool found = false;
	char line[512];
	long kib;

	if (!status)
		return false;
	while (!found && fgets(line, sizeof(line), status))
		found = sscanf(line, "VmPTE: %ld", &kib) == 1;
	FreeFile(status);
	if (found)
		*bytes = kib * 1024;
	return found;
}

/* Linux 6.7's way to find a page, which older headers lack. */
#ifndef PAGEMAP_SCAN
struct page_region {
	uint64 start;
	uint64 end;
	uint64 categories;
};

struct pm_scan_arg {
	uint64 size;
	uint64 flags;
	uint64 start;
	uint64 end;
	uint64 walk_end;
	uint64 vec;
	uint64 vec_len;
	uint64 max_pages;
	uint64 category_inverted;
	uint64 category_mask;
	uint64 category_anyof_mask;
	uint64 return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_PRESENT (1 << 3)
#endif

static int scan_pages(int pagemap, uint64 start, uint64 end)
{
	struct page_region found;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = start,
		.end = end,
		.vec = (uintptr_t)&found,
		.vec_len = 1,
		.max_pages = 1,
		.category_mask = PAGE_IS_PRESENT,
		.return_mask = PAGE_IS_PRESENT,
	};

	return ioctl(pagemap, PAGEMAP_SCAN, &arg);
}

/* Older kernels tell of each page: 64 bits, the highest if it is mapped. */
static bool read_pages(int pagemap, uint64 start, uint64 end)
{
	uint64 page_bytes = sysconf(_SC_PAGESIZE), pages[4096];
	uint64 end_page = (end + page_bytes - 1) / page_bytes;

	for (uint64 at = start / page_bytes; at < end_page;) {
		uint64 want = Min(end_page - at, lengthof(pages));
		ssize_t n = pread(pagemap, pages, want * sizeof(pages[0]),
				  at * sizeof(pages[0]));

		if (n <= 0)
			return false;
		n /= sizeof(pages[0]);
		for (ssize_t i = 0; i < n; i++)
			if (pages[i] >> 63)
				return true;
		at += n;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * A guest has no tables of its own but empty ones: if it sees any page of a
 * chunk, the chunk is linked.
 */
static bool is_linked(int pagemap, uint64 start, uint64 end)
{
	int found = scan_pages(pagemap, start, end);

	return found < 0 ? read_pages(pagemap, start, end) : found > 0;
}

static void add_linked(int pagemap, uint64 start, uint64 end,
		       const struct memory *memory, struct linked *linked)
{
	for (; start < end; start += memory->chunk_bytes) {
		uint64 first = Max(start, memory->start);
		uint64 last = Min(start + memory->chunk_bytes,
				  memory->start + memory->length);

		if (first >= last || !is_linked(pagemap, first, last))
			continue;
		linked->chunks++;
		linked->bytes += last - first;
	}
}

/*
 * All have the memory at the same addresses, those that have it: who unmapped
 * it may have something else there. Returns false if that cannot be told.
 */
bool linked_memory(pid_t pid, const struct memory *memory,
		   struct linked *linked)
{
	char path[64], line[1024];
	unsigned long start, end;
	FILE *maps;
	int pagemap;

	memset(linked, 0, sizeof(*linked));
	if (!memory->region_id)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	pagemap = OpenTransientFile(path, O_RDONLY);
	if (pagemap < 0)
		return false;
	maps = open_proc(pid, "maps");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, " shpt:") &&
		    sscanf(line, "%lx-%lx ", &start, &end) == 2)
			add_linked(pagemap, start, end, memory, linked);
	if (maps)
		FreeFile(maps);
	CloseTransientFile(pagemap);
	return maps != NULL;
}
