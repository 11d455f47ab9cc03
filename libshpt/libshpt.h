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
 * mmap(2), or EINVAL if LIBSHPT_BACKEND in the environment is no backend. A
 * machine that cannot share is not an error.
 *
 * Since 0.1.
 */
void *libshpt_map(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);

/* libshpt_attr.flags: fail where libshpt_map() would give an ordinary mapping */
#define LIBSHPT_REQUIRE_SHARED	(1ULL << 0)

/*
 * Where memory comes from on a machine with several NUMA nodes: the page tables
 * that the shpt module shares, and with every backend pages of shmem and
 * hugetlb that are yet to be allocated. DAX has its pages where they are. With
 * the module it concerns all who map the file: the last to ask has it. Of tables
 * on each node, a process uses those of the node where it was first to touch the
 * mapping, a child of fork(2) those of the node where it began.
 */
enum libshpt_node_policy {
	LIBSHPT_NODE_DEFAULT = 0,	/* changes nothing */
	LIBSHPT_NODE_ONE,	/* one set of tables; who touches first decides */
	LIBSHPT_NODE_LOCAL,	/* tables on each node; pages where touched */
	LIBSHPT_NODE_FIXED,	/* on the node that struct libshpt_attr names */
};

/**
 * struct libshpt_attr - what libshpt_map_attr() can be asked for
 * @flags:       LIBSHPT_* bits above, or 0
 * @node_policy: enum libshpt_node_policy
 * @node:        with LIBSHPT_NODE_FIXED the node, as numactl(8) numbers them;
 *               otherwise 0
 *
 * Set all of it to zero first. Later versions append fields; zero always means
 * what libshpt_map() does.
 */
struct libshpt_attr {
	uint64_t flags;
	uint32_t node_policy;
	uint32_t node;
};

/**
 * libshpt_map_attr - libshpt_map() with attributes
 * @attr:      the attributes, or NULL for none
 * @attr_size: sizeof(struct libshpt_attr) as the caller was compiled, or 0
 *             with NULL
 *
 * Returns what libshpt_map() returns. Further errors:
 *   EINVAL       an unknown bit in @attr->flags, an unknown policy, a node that
 *                no policy asks for, or @attr_size is too small
 *   E2BIG        @attr is longer than this version knows and the rest is not 0
 *   ENXIO        @attr->node is none that this process may have memory from
 *   ENOSYS       LIBSHPT_NODE_FIXED, and the kernel knows no nodes
 * With LIBSHPT_REQUIRE_SHARED a mapping that cannot be shared fails:
 *   ENOENT       /dev/shpt is not there: the module is not loaded
 *   EACCES       no permission for /dev/shpt, or @fd is not open for @prot
 *   ENODEV       @fd is neither shmem, FS-DAX nor device-dax
 *   EMEDIUMTYPE  @fd is hugetlb, and no whole chunk is mapped
 *   ECANCELED    LIBSHPT_BACKEND in the environment asks for another backend
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

/*
 * What serves a mapping; libshpt_backend_name() has the words. The best that can
 * is taken. For hugetlb, which is files on hugetlbfs and MAP_HUGETLB, that
 * is hugetlb or plain; for all else it is shpt, thp or plain. For tests and
 * operators, the environment variable LIBSHPT_BACKEND names one that is to be
 * tried before plain and in place of all others; with "hugetlb" all anonymous
 * memory is hugetlb. Setuid programs ignore it.
 */
enum libshpt_backend {
	LIBSHPT_BACKEND_PLAIN = 0,	/* an ordinary mapping */
	LIBSHPT_BACKEND_SHPT = 1,	/* the shpt module: shared page tables */
	LIBSHPT_BACKEND_HUGETLB = 2,	/* hugetlb: the kernel shares tables */
	LIBSHPT_BACKEND_THP = 3,	/* ordinary, with huge pages or entries */
};

/**
 * struct libshpt_info - what a mapping is
 * @addr:         its first byte, as libshpt_map() returned it
 * @length:       bytes, as given to libshpt_map()
 * @backend:      enum libshpt_backend
 * @why_errno:    0 if no better backend could serve it, else the errno that
 *                stood against the best
 * @chunk_bytes:  unit of sharing: 1 GiB, or 0 if not shared
 * @linked_bytes: bytes of it whose page tables are shared at this moment in
 *                this process. Chunks are linked at their first touch. With
 *                hugetlb, bytes of whole chunks, touched or not: the kernel
 *                does not tell what it shares.
 * @region_id:    number of the region below /sys/class/misc/shpt/region/, or 0
 * @why:          a sentence that says why no better backend serves it and what
 *                to do about it, or ""
 * @data_node:    NUMA node of the page at the address asked for; -1 if it is
 *                not known, as of a page that nobody has touched
 * @table_node:   NUMA node of the shared page tables; -1 if it is not known or
 *                they are on several
 * @persistent:   1 if stores need no msync(2) to outlive the machine, but to be
 *                flushed from the CPU's caches, as with pmem_persist(3): a
 *                device-dax, and a file on DAX mapped with MAP_SYNC. Else 0
 * @reserved:     0
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
	int32_t data_node;
	int32_t table_node;
	uint32_t persistent;
	uint32_t reserved;
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
 * Returns "shpt", "hugetlb", "thp", "plain", or "unknown". Since 0.1.
 */
const char *libshpt_backend_name(uint32_t backend);

/**
 * libshpt_errormsg - what the last failed call of this thread had to say
 *
 * Returns a sentence without a newline, "" if no call has failed. It is valid
 * until the thread's next call of the library. Since 0.1.
 */
const char *libshpt_errormsg(void);

/* No sentence of libshpt_check_file() is longer, with its zero byte. */
#define LIBSHPT_ADVICE_BYTES 512

/**
 * libshpt_check_file - tell whether a file can be mapped by huge entries
 * @path:   a file, or a device-dax such as /dev/dax0.0
 * @advice: is filled with a sentence that says what stands against 2 MiB at
 *          once and how to make a file that can; "" if nothing does
 * @size:   bytes of @advice; LIBSHPT_ADVICE_BYTES are always enough
 *
 * Such entries, and huge pages, save page faults and page tables; shared page
 * tables can be had without. Of a file on DAX it looks at the extents: where
 * they begin on the device, how long they are, and for holes.
 *
 * Returns 0 if nothing stands against it, 1 if there is advice, or -1 with
 * errno:
 *   EINVAL  @advice is NULL or @size is 0
 *   ENOENT, EACCES ...  as open(2) of @path for reading
 *   EISDIR   @path is a directory
 *   ENOTSUP  @path is neither a regular file nor a device-dax
 *   ENOMEM  no memory for the list of extents
 *
 * Since 0.1.
 */
int libshpt_check_file(const char *path, char *advice, size_t size);

/* The version that a program is compiled with. */
#define LIBSHPT_VERSION_MAJOR 0
#define LIBSHPT_VERSION_MINOR 1

/**
 * libshpt_version - the version of the library that is running
 *
 * Returns a text such as "0.1.0". Since 0.1.
 */
const char *libshpt_version(void);

/**
 * libshpt_check_version - tell whether the running library is new enough
 * @major: LIBSHPT_VERSION_MAJOR, as the program was compiled
 * @minor: LIBSHPT_VERSION_MINOR, or the lowest that the program can do with
 *
 * Returns 0, or -1 with errno:
 *   ENOTSUP  the library is older, or has another major version
 *
 * Since 0.1.
 */
int libshpt_check_version(unsigned int major, unsigned int minor);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHPT_H */
