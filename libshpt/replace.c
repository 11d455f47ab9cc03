// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * replace.c - a chunk becomes an ordinary mapping of the same file
 *
 * In one system call, so that other threads find the old one or the new one.
 * The kernel part refuses what cuts a chunk; of an ordinary mapping the kernel
 * lets every page be treated on its own.
 *
 * The new mapping needs the file, long after the caller may have closed it. A
 * descriptor kept for that would count against the program's limit, and who
 * closes all descriptors that he does not know (daemons, children of servers)
 * would close it; then the same number is soon some other file. Nor can the
 * file be opened anew: memfds and unlinked files have no path, a path can lead
 * elsewhere by now, /proc/self/map_files asks for CAP_CHECKPOINT_RESTORE and
 * has only the region, which cannot be opened. So the guest keeps a mapping
 * of the file instead, which nobody touches. It costs no descriptor and no page
 * tables, children inherit it, and execve(2) removes it. mremap(2) makes the
 * new mapping from it: with an old size of 0 it duplicates a shared mapping,
 * and the duplicate may be longer, so one page is enough to keep. A private
 * mapping cannot be duplicated; there the guest keeps one of full length, from
 * which each chunk is moved into its place, once, without any other resource:
 * that can be done in the handler of SIGSEGV.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int refuse_cut(const struct mapping *m, struct reason *why)
{
	return refuse(why, EINVAL,
		      "the range cuts a piece of the mapping of %zu bytes at "
		      "%#zx: begin and end where it does or on multiples of "
		      "%s",
		      m->length, (size_t)m->addr,
		      m->unit == CHUNK_BYTES ? "1 GiB" : "its huge pages");
}

static int move_chunk(uintptr_t from, uintptr_t to, int prot)
{
	if (mprotect((void *)from, CHUNK_BYTES, prot))
		return -1;
	if (mremap((void *)from, CHUNK_BYTES, CHUNK_BYTES,
		   MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == MAP_FAILED)
		return -1;
	return 0;
}

/*
 * An ordinary mapping, without access yet, of what @chunk of a shared guest
 * maps. Returns its address, or 0 and errno.
 */
uintptr_t map_beside(const struct guest *guest, uintptr_t chunk)
{
	size_t before = chunk - guest->range.start;
	void *p;

	if (!guest->ordinary) {
		errno = EINVAL;
		return 0;
	}
	p = mremap((void *)guest->ordinary, 0, before + CHUNK_BYTES,
		   MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return 0;
	if (before)
		munmap(p, before);
	return (uintptr_t)p + before;
}

static int replace_shared(const struct guest *guest, uintptr_t chunk, int prot)
{
	uintptr_t beside = map_beside(guest, chunk);

	if (!beside)
		return -1;
	if (move_chunk(beside, chunk, prot)) {
		int err = errno;

		munmap((void *)beside, CHUNK_BYTES);
		errno = err;
		return -1;
	}
	return 0;
}

/*
 * Whether something else is mapped there, because the program did not tell the
 * library that it unmapped the chunk, or another thread has only just unmapped
 * it. Who cannot reach the device any more is believed.
 */
static bool is_gone(const struct guest *guest, uintptr_t chunk)
{
	struct shpt_mapping_info arg = { .size = sizeof(arg), .addr = chunk };
	int device = -1;
	bool gone = false;

	if (guest->region_id)
		device = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return false;
	if (ioctl_again(device, SHPT_IOC_MAPPING_INFO, &arg) == 0)
		gone = arg.region_id != guest->region_id;
	else
		gone = errno == ENOENT;
	close(device);
	return gone;
}

/* The chunk around @addr. Returns 0, or -1 and errno. Async-signal-safe; call
 * with the guests' lock held. */
int replace_chunk(struct guest *guest, uintptr_t addr)
{
	struct chunk *chunk = chunk_at(guest, addr);
	uintptr_t at = addr & ~(CHUNK_BYTES - 1);
	int err;

	if (!chunk->shared)
		return 0;
	if (is_gone(guest, at)) {
		chunk_cut(guest, at);
		return 0;
	}
	if (guest->is_private)
		err = move_chunk(guest->ordinary + at - guest->range.start, at,
				 chunk->prot);
	else
		err = replace_shared(guest, at, chunk->prot);
	if (!err)
		chunk->shared = false;
	return err;
}

static int refuse_replace(int err, const struct mapping *m, struct reason *why)
{
	if (err == EINVAL)
		return refuse_cut(m, why);
	return refuse(why, err,
		      "a chunk of the mapping of %zu bytes at %#zx cannot be "
		      "made an ordinary mapping: %m; see \"ulimit -v\" and "
		      "vm.max_map_count",
		      m->length, (size_t)m->addr);
}

static int replace_at(const struct mapping *m, uintptr_t addr,
		      struct reason *why)
{
	int err;

	guest_lock();
	err = replace_chunk(m->guest, addr) ? errno : 0;
	guest_unlock();
	return err ? refuse_replace(err, m, why) : 0;
}

/* All chunks that @range touches. Call with the table's lock held. */
int replace_chunks(struct range range, struct reason *why)
{
	struct mapping *m = NULL;

	while ((m = table_next(m, range))) {
		struct range r = m->taken;

		if (!m->guest)
			continue;
		if (r.start < range.start)
			r.start = range.start & ~(CHUNK_BYTES - 1);
		if (r.end > range.end)
			r.end = range.end;
		for (; r.start < r.end; r.start += CHUNK_BYTES)
			if (replace_at(m, r.start, why))
				return -1;
	}
	return 0;
}

static bool replace_if_inside(const struct mapping *m, uintptr_t addr)
{
	struct reason why;

	return m->guest && m->taken.start < addr && addr < m->taken.end &&
	       addr % m->unit && chunk_at(m->guest, addr)->shared &&
	       replace_at(m, addr, &why) == 0;
}

/* The chunks that @range begins or ends inside of, which a fixed mapping is to
 * replace in part. Returns whether there were any. */
bool replace_cut(struct range range)
{
	struct mapping *m = NULL;
	bool replaced = false;

	table_lock();
	while ((m = table_next(m, range))) {
		replaced |= replace_if_inside(m, range.start);
		replaced |= replace_if_inside(m, range.end);
	}
	table_unlock();
	return replaced;
}

static int cut_at(const struct mapping *m, uintptr_t addr, struct reason *why)
{
	if (addr % m->unit == 0)
		return 0;
	return m->guest ? replace_at(m, addr, why) : refuse_cut(m, why);
}

/*
 * Widens @range by what the library took beyond the caller's bytes where those
 * end. Where it still cuts a chunk, the chunk is replaced. Call with the table's
 * lock held.
 */
int make_cuttable(struct range *range, struct reason *why)
{
	struct range asked = *range;
	struct mapping *m = NULL;

	while ((m = table_next(m, asked))) {
		struct range own = own_pages(m->addr, m->length);

		if (asked.start > own.start) {
			if (cut_at(m, asked.start, why))
				return -1;
		} else if (range->start > m->taken.start) {
			range->start = m->taken.start;
		}
		if (asked.end < own.end) {
			if (cut_at(m, asked.end, why))
				return -1;
		} else if (range->end < m->taken.end) {
			range->end = m->taken.end;
		}
	}
	return 0;
}
