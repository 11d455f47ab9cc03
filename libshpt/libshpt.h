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
 * starts no threads, handles no signals and does nothing until first used.
 *
 * Sharing works by chunks of 1 GiB. The library takes whole chunks of address
 * space, wherever the caller's bytes begin and end in them; the file's other
 * bytes in the first and the last chunk can be reached through the mapping
 * too. Who must not let them be reached uses mmap(2).
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
 *   EINVAL       an unknown bit in @attr->flags, or @attr_size is too small
 *   E2BIG        @attr is longer than this version knows and the rest is not 0
 * With LIBSHPT_REQUIRE_SHARED a mapping that cannot be shared fails:
 *   ENOENT       /dev/shpt is not there: the module is not loaded
 *   EACCES       no permission for /dev/shpt, or @fd is not open for @prot
 *   ENODEV       @fd is neither shmem, FS-DAX nor device-dax
 *   EMEDIUMTYPE  @fd is hugetlb
 *   EPERM        @prot has PROT_WRITE and @fd is sealed, or PROT_EXEC
 *   EOPNOTSUPP   @flags cannot be shared, or MAP_SYNC not be had there
 *   EEXIST       MAP_FIXED, and something else is mapped in the chunks
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
 * For a range that libshpt did not map it is munmap(2). A part of an ordinary
 * mapping can be unmapped as with munmap(2); a part of a shared one only if
 * the part begins and ends on chunk boundaries of the address space or at the
 * mapping's own ends.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @addr is not page-aligned, @length is 0, or the range cuts a chunk
 *   ENOMEM  as munmap(2)
 *
 * Since 0.1.
 */
int libshpt_unmap(void *addr, size_t length);

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
