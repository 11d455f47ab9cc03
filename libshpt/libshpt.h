/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshpt.h - mmap(2) with page tables that processes share
 *
 * libshpt_map() takes what mmap(2) takes and gives what mmap(2) gives. Where
 * the shpt kernel module serves the file, all processes that map it use one
 * set of page tables; everywhere else the same call gives an ordinary mapping,
 * and libshpt_info() says why.
 *
 * Conventions: lengths and offsets are in bytes. A function that fails returns
 * MAP_FAILED or -1, sets errno and leaves a sentence for people, which
 * libshpt_errormsg() returns: what was wrong with what, and what to do.
 *
 * All functions are thread-safe and may be used in a child of fork(2), which
 * inherits its parent's mappings. None is async-signal-safe. The library
 * starts no threads, handles no signals unless LIBSHPT_BREAK_ON_WRITE asks for
 * it, and does nothing until first used.
 *
 * Sharing works by chunks of 1 GiB. The library takes whole chunks of address
 * space, wherever the caller's bytes begin and end in them; the file's other
 * bytes in the first and the last chunk can be reached through the mapping
 * too. Who must not let them be reached sets LIBSHPT_STRICT_EDGES.
 *
 * What is done to a part of a chunk (libshpt_unmap(), libshpt_protect(),
 * libshpt_advise()) makes an ordinary mapping of that chunk in the calling
 * process first: its data stay as they are and can be reached by other threads
 * all the time, but its page tables are no longer shared, see
 * libshpt_info.linked_bytes.
 */
#ifndef LIBSHPT_H
#define LIBSHPT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * libshpt_map - map a file, sharing page tables where that is possible
 * @addr:   as for mmap(2): a hint, or with MAP_FIXED the address. A fixed
 *          mapping can be shared when @addr and @offset are the same modulo
 *          1 GiB and nothing else is mapped in the chunks that it touches;
 *          otherwise it is an ordinary one.
 * @length: bytes, greater than 0; need not be a multiple of anything
 * @prot:   as for mmap(2); PROT_EXEC cannot be shared
 * @flags:  mmap(2)'s own flags; only MAP_SHARED (or MAP_SHARED_VALIDATE)
 *          mappings can be shared. MAP_PRIVATE gives mmap(2)'s private mapping.
 * @fd:     the file, or -1 with MAP_ANONYMOUS: shared anonymous memory, which
 *          children inherit
 * @offset: bytes, a multiple of the page size
 *
 * Returns the address of the byte at @offset, or MAP_FAILED with errno as from
 * mmap(2). A machine that cannot share is not an error.
 *
 * Since 0.1.
 */
void *libshpt_map(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);

/* libshpt_attr.flags: fail where libshpt_map() would give an ordinary mapping */
#define LIBSHPT_REQUIRE_SHARED	(1ULL << 0)

/*
 * libshpt_attr.flags: share only chunks all of whose bytes are the caller's;
 * what the caller has of the first and the last chunk is mapped as mmap(2) does
 * it. Without a whole chunk among them nothing is shared. A fixed mapping then
 * needs no free chunks around it.
 */
#define LIBSHPT_STRICT_EDGES	(1ULL << 1)

/*
 * libshpt_attr.flags, with MAP_PRIVATE: share the page tables of chunks that
 * are only read. A mapping with PROT_WRITE can be written to as soon as its
 * chunk is broken, by libshpt_break() or LIBSHPT_BREAK_ON_WRITE; until then a
 * write raises SIGSEGV, and a system call that is to write there fails with
 * EFAULT (read(2), recv(2) ...), whatever the flags are. A broken chunk is an
 * ordinary private mapping, and memory is charged for it. Until then changes
 * that others make to the file are seen. The mapping takes its address space
 * twice (RLIMIT_AS). Of a file on anything but shmem and FS-DAX, and with
 * MAP_ANONYMOUS, the mapping is an ordinary one, writable at once; a device-dax
 * cannot be mapped private at all.
 */
#define LIBSHPT_PRIVATE		(1ULL << 2)

/*
 * libshpt_attr.flags, with LIBSHPT_PRIVATE: the first write to a chunk breaks
 * it. For that the library handles SIGSEGV from then on; what is not such a
 * write it passes on to the handler that the program had before. A program that
 * sets its own handler later takes this one away, unless its handler calls it.
 * If memory or address space is too short to break the chunk, the signal is
 * passed on as well.
 */
#define LIBSHPT_BREAK_ON_WRITE	(1ULL << 3)

/**
 * struct libshpt_attr - what libshpt_map_attr() can be asked for
 * @flags: LIBSHPT_* bits above, or 0
 *
 * Set all of it to zero first. Later versions append fields; zero always means
 * what libshpt_map() does.
 */
struct libshpt_attr {
	uint64_t flags;
};

/**
 * libshpt_map_attr - libshpt_map() with attributes
 * @attr:      the attributes, or NULL for none
 * @attr_size: sizeof(struct libshpt_attr) as the caller was compiled, or 0
 *             with NULL
 *
 * Returns what libshpt_map() returns. Further errors:
 *   EINVAL       an unknown bit in @attr->flags, or @attr_size is too small;
 *                LIBSHPT_PRIVATE without MAP_PRIVATE, LIBSHPT_BREAK_ON_WRITE
 *                without LIBSHPT_PRIVATE
 *   E2BIG        @attr is longer than this version knows and the rest is not 0
 * With LIBSHPT_REQUIRE_SHARED a mapping that cannot be shared fails:
 *   ENOENT       /dev/shpt is not there: the module is not loaded
 *   EACCES       no permission for /dev/shpt, or @fd is not open for @prot
 *   ENODEV       @fd is neither shmem, FS-DAX nor device-dax
 *   EMEDIUMTYPE  @fd is hugetlb
 *   EPERM        @prot has PROT_WRITE and @fd is sealed, or PROT_EXEC
 *   EOPNOTSUPP   @flags cannot be shared, or MAP_SYNC not be had there
 *   EEXIST       MAP_FIXED, and something else is mapped in the chunks
 *   EINVAL       LIBSHPT_STRICT_EDGES, and there is no whole chunk
 *   EBUSY        another MMU (KVM, RDMA ...) watches this process
 *   and the others of <shpt/uapi.h>
 *
 * Since 0.1.
 */
void *libshpt_map_attr(void *addr, size_t length, int prot, int flags, int fd,
		       off_t offset, const struct libshpt_attr *attr,
		       size_t attr_size);

/**
 * libshpt_unmap - remove a mapping
 * @addr:   what libshpt_map() returned
 * @length: the length that was given to libshpt_map(), rounded up to pages or
 *          not
 *
 * For a range that libshpt did not map it is munmap(2), and as with munmap(2)
 * any pages of a mapping can be unmapped. Other threads keep what is left of a
 * chunk, which becomes an ordinary mapping.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @addr is not page-aligned, @length is 0, or the range cuts a chunk
 *           that cannot become an ordinary mapping because mmap(2) refuses to
 *           map the file, as it does up to Linux 6.6 for memfds sealed
 *           against writing; or it cuts a huge page
 *   ENOMEM  as munmap(2), or there is no address space to make an ordinary
 *           mapping of a chunk: it takes that of the mapping before the chunk
 *           for a moment
 *
 * Since 0.1.
 */
int libshpt_unmap(void *addr, size_t length);

/**
 * libshpt_protect - set the protection of a mapping or of a part of it
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 * @prot:   as for mprotect(2)
 *
 * For a range that libshpt did not map it is mprotect(2). Chunks stay shared if
 * the range has all of the caller's bytes in them and @prot is of PROT_READ and
 * PROT_WRITE; other chunks that it touches become ordinary mappings. In a
 * mapping with LIBSHPT_PRIVATE, PROT_WRITE breaks nothing yet.
 *
 * Returns 0, or -1 with errno; then a first part of the range may have the new
 * protection:
 *   EINVAL  as libshpt_unmap(), or @prot is unknown
 *   EACCES  @prot has PROT_WRITE and the file was not open for writing
 *   EPERM   @prot has PROT_WRITE and the file was sealed after it was mapped
 *   ENOMEM  not all of the range is mapped, or as libshpt_unmap()
 *
 * Since 0.1.
 */
int libshpt_protect(void *addr, size_t length, int prot);

/**
 * libshpt_advise - advise about the use of memory
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 * @advice: as for madvise(2)
 *
 * For a range that libshpt did not map it is madvise(2). In shared chunks:
 *   MADV_REMOVE, MADV_WILLNEED, MADV_COLLAPSE  act on the file
 *   MADV_DONTFORK, MADV_DOFORK  as libshpt_protect(): of a part of a chunk, they
 *                  make it an ordinary mapping
 *   MADV_POPULATE_WRITE  breaks chunks of LIBSHPT_PRIVATE mappings
 *   MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
 *   MADV_MERGEABLE, MADV_UNMERGEABLE  do nothing: how faults are served is not
 *                  for one process to say
 *   all others     as madvise(2)
 *
 * Returns 0, or -1 with errno as from madvise(2); then the advice may have
 * been given for a first part of the range:
 *   EINVAL  @addr is not page-aligned, @length is 0, or @advice is unknown or
 *           cannot be carried out there
 *   EACCES  MADV_REMOVE, and the mapping is not writable
 *   ENOMEM  not all of the range is mapped, or memory or address space is short
 *   and others
 *
 * Since 0.1.
 */
int libshpt_advise(void *addr, size_t length, int advice);

/**
 * libshpt_sync - write changes back to the file
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 * @flags:  as for msync(2)
 *
 * It is msync(2) with a message, for any range.
 *
 * Returns 0, or -1 with errno as from msync(2):
 *   EINVAL  @addr is not page-aligned, @length is 0, or @flags are not allowed
 *   ENOMEM  not all of the range is mapped
 *   EIO, ENOSPC, EDQUOT ...  the file system could not write
 *
 * Since 0.1.
 */
int libshpt_sync(void *addr, size_t length, int flags);

/**
 * libshpt_adopt - share the page tables of a mapping that is there already
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 *
 * For a shared mapping that mmap(2) made, or one of libshpt that could not be
 * shared when it was made. Other threads can use it meanwhile. Address and offset
 * in the file must be the same modulo 1 GiB, and nothing else be mapped in the
 * chunks that it touches. The library must find the file again: by an open
 * descriptor of this process, by its path, or, with CAP_CHECKPOINT_RESTORE,
 * without either. What is shared already stays so.
 *
 * Returns 0, or -1 with errno, and then the mapping is as it was:
 *   EINVAL  @addr is not page-aligned, @length is 0, the mapping is private, or
 *           address and offset are not the same modulo 1 GiB
 *   ENOMEM  the range is not mapped, or not from one file in one piece and with
 *           one protection
 *   ENOENT  the file is not found: no descriptor of it is open that can do what
 *           the mapping can, and its path is gone; or the module is not loaded
 *   and those of libshpt_map_attr() with LIBSHPT_REQUIRE_SHARED
 *
 * Since 0.1.
 */
int libshpt_adopt(void *addr, size_t length);

/**
 * libshpt_break - make chunks of a LIBSHPT_PRIVATE mapping private
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 *
 * All chunks that the range touches become ordinary private mappings, with the
 * protection that the caller asked for. Other threads can read them meanwhile.
 * Those that are so already, and mappings that could not be shared, stay as
 * they are.
 *
 * Returns 0, or -1 with errno; then a first part may be broken:
 *   EINVAL  @addr is not page-aligned, @length is 0, or a mapping in the range
 *           is shared without LIBSHPT_PRIVATE
 *   ENOENT  no mapping of libshpt is there
 *   ENOMEM  no memory can be promised, see vm.overcommit_memory
 *
 * Since 0.1.
 */
int libshpt_break(void *addr, size_t length);

/* What serves a mapping; libshpt_backend_name() has the words. */
enum libshpt_backend {
	LIBSHPT_BACKEND_PLAIN = 0,	/* an ordinary mapping */
	LIBSHPT_BACKEND_SHPT = 1,	/* the shpt module: shared page tables */
};

/**
 * struct libshpt_info - what a mapping is
 * @addr:         its first byte, as libshpt_map() returned it
 * @length:       bytes, as given to libshpt_map()
 * @backend:      enum libshpt_backend
 * @why_errno:    0 if shared, else the errno that stood against it
 * @chunk_bytes:  unit of sharing: 1 GiB, or 0 if not shared
 * @linked_bytes: bytes of it whose page tables are shared at this moment in
 *                this process. Chunks are linked at their first touch.
 * @region_id:    number of the region below /sys/class/misc/shpt/region/, or 0
 * @why:          a sentence that says why it is not shared and what to do
 *                about it, or ""
 */
struct libshpt_info {
	void *addr;
	uint64_t length;
	uint32_t backend;
	int32_t why_errno;
	uint64_t chunk_bytes;
	uint64_t linked_bytes;
	uint64_t region_id;
	char why[256];
};

/**
 * libshpt_info - tell what a mapping is
 * @addr:      any address in a mapping that libshpt_map() made
 * @info:      is filled
 * @info_size: sizeof(struct libshpt_info) as the caller was compiled; a caller
 *             that knows less gets less, one that knows more gets zeroes
 *
 * Returns 0, or -1 with errno:
 *   ENOENT  no mapping of libshpt is there
 *   EINVAL  @info is NULL or @info_size is 0
 *
 * Since 0.1.
 */
int libshpt_info(const void *addr, struct libshpt_info *info, size_t info_size);

/**
 * libshpt_backend_name - the word for a backend
 *
 * Returns "shpt", "plain", or "unknown". Since 0.1.
 */
const char *libshpt_backend_name(uint32_t backend);

/**
 * libshpt_errormsg - what the last failed call of this thread had to say
 *
 * Returns a sentence without a newline, "" if no call has failed. It is valid
 * until the thread's next call of the library. Since 0.1.
 */
const char *libshpt_errormsg(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHPT_H */
