/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshpt.h - mmap(2) with page tables that processes share
 *
 * libshpt_map() takes what mmap(2) takes and returns what mmap(2) returns.
 * Where the shpt kernel module serves the file, all processes that map it use
 * one set of page tables; everywhere else the same call returns an ordinary
 * mapping, and libshpt_info() says why.
 *
 * Conventions: lengths and offsets are in bytes. A function that fails returns
 * MAP_FAILED or -1, sets errno and leaves a message for people, which
 * libshpt_errormsg() returns: what was wrong with what, and what to do.
 *
 * All functions are thread-safe, and may be used in a child of fork(2), which
 * inherits its parent's mappings, and in handlers of pthread_atfork(3). None is
 * async-signal-safe, but handlers of signals may call fork(2). A thread must
 * not be cancelled (pthread_cancel(3)) while it is in one of them, nor may a
 * handler of a signal leave one by siglongjmp(3). The library starts no
 * threads except those that libshpt_populate() is asked for, and handles no
 * signals except with LIBSHPT_BREAK_ON_WRITE. Until it is first used it does
 * nothing but call pthread_atfork(3).
 *
 * The unit of sharing is the chunk, 1 GiB. The library takes the whole chunks
 * of address space that contain the caller's bytes, so the file's other bytes
 * in the first and the last chunk can be accessed through the mapping, too.
 * LIBSHPT_STRICT_EDGES prevents that.
 *
 * libshpt_unmap(), libshpt_protect() and libshpt_advise() work on any pages. To
 * treat a part of a chunk differently from the rest, they replace the chunk by
 * an ordinary mapping in the calling process first. Its contents stay, and
 * other threads can access them all the time, but its page tables are no longer
 * shared; see libshpt_info.linked_bytes.
 *
 * The library has to know when one of its mappings goes: use libshpt_unmap(),
 * and libshpt_map() with MAP_FIXED. After munmap(2), mremap(2) or mmap(2) with
 * MAP_FIXED it believes that the mapping is still there, until libshpt_map()
 * gets its addresses again.
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
 *          mapping can be shared if @addr and @offset are equal modulo 1 GiB
 *          and nothing else is mapped in the chunks around it; otherwise it is
 *          an ordinary one.
 * @length: bytes, greater than 0; need not be a multiple of anything
 * @prot:   as for mmap(2); a mapping with PROT_EXEC is never shared
 * @flags:  mmap(2)'s own flags; only MAP_SHARED (or MAP_SHARED_VALIDATE)
 *          mappings can be shared. MAP_PRIVATE gives mmap(2)'s private mapping.
 * @fd:     the file, or -1 with MAP_ANONYMOUS: shared anonymous memory, which
 *          children inherit. Where page tables are shared, it is as with
 *          MAP_NORESERVE: the kernel promises memory when a page is touched
 * @offset: bytes, a multiple of the page size
 *
 * Returns the address of the byte at @offset, or MAP_FAILED with errno. That a
 * machine or a file cannot share is not an error.
 *   EACCES      @fd is not open for reading, or not for writing as a shared
 *               mapping with PROT_WRITE needs it
 *   EBADF       @fd is not open
 *   EEXIST      MAP_FIXED_NOREPLACE, and something is mapped there
 *   EINVAL      @length is 0, @offset or a fixed @addr is not page-aligned, or
 *               @flags names no type of mapping; MAP_FIXED would cut a huge
 *               page or a chunk that cannot become an ordinary mapping;
 *               LIBSHPT_BACKEND in the environment names no backend
 *   ENODEV      @fd cannot be mapped, for example a directory or a pipe; or
 *               there are no huge pages of the size that MAP_HUGETLB asks for
 *   ENOMEM      too little memory, address space or huge pages
 *   ENXIO       @fd is a device-dax that no longer exists
 *   EOPNOTSUPP  MAP_SHARED_VALIDATE, and a flag cannot be had for this file
 *   EOVERFLOW   @offset is negative, or the end of the range is beyond 2^63
 *   EPERM       PROT_WRITE and @fd is sealed, or PROT_EXEC on a noexec mount
 *   and others of mmap(2)
 *
 * Since 0.1.
 */
void *libshpt_map(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);

/* libshpt_attr.flags: fail instead of returning an ordinary mapping */
#define LIBSHPT_REQUIRE_SHARED	(1ULL << 0)

/*
 * libshpt_attr.flags: share only chunks all of whose bytes were requested; the
 * rest, at the ends of the mapping, is mapped as mmap(2) does it. If there is
 * no whole chunk, nothing is shared. A fixed mapping then needs no free chunks
 * around it.
 */
#define LIBSHPT_STRICT_EDGES	(1ULL << 1)

/*
 * libshpt_attr.flags, with MAP_PRIVATE: share the page tables of chunks that
 * are only read. With PROT_WRITE, a chunk can be written to once it is broken,
 * by libshpt_break() or LIBSHPT_BREAK_ON_WRITE. Until then a write raises
 * SIGSEGV, a system call that writes there (read(2), recv(2) ...) fails with
 * EFAULT, whatever the flags are, and changes that others make to the file are
 * visible. A broken chunk is an ordinary private mapping: the kernel must be
 * able to promise memory for it, and by fork(2) for each child again
 * (vm.overcommit_memory), unless @flags has MAP_NORESERVE. The mapping takes
 * its address space twice (RLIMIT_AS). With MAP_ANONYMOUS, and for files other
 * than shmem and FS-DAX, the mapping is an ordinary one, writable at once; a
 * device-dax cannot be mapped private.
 */
#define LIBSHPT_PRIVATE		(1ULL << 2)

/*
 * libshpt_attr.flags, with LIBSHPT_PRIVATE: the first write to a chunk breaks
 * it. For this the library handles SIGSEGV from now on. What is not such a
 * write it passes on to the handler that the program had before. A handler that
 * the program installs later replaces this one, unless it calls it. If memory
 * or address space is too short to break the chunk, the signal is passed on,
 * too. If a thread that blocks SIGSEGV writes so, as in a handler of another
 * signal that blocks it, the kernel ends the process.
 */
#define LIBSHPT_BREAK_ON_WRITE	(1ULL << 3)

/*
 * libshpt_attr.flags: libshpt_populate() all of it for reading, or fail as that
 * does. MAP_POPULATE never fails.
 */
#define LIBSHPT_POPULATE	(1ULL << 4)

/*
 * libshpt_attr.flags: keep its pages in memory, or fail. If the module serves
 * the mapping this is libshpt_lock(): for the whole file, until
 * libshpt_unlock(), and EACCES with LIBSHPT_PRIVATE or if @fd is not open for
 * writing. Otherwise it is mlock(2): for the mapping, until it is unmapped.
 */
#define LIBSHPT_LOCK		(1ULL << 5)

/*
 * Where memory comes from on a machine with several NUMA nodes: the page tables
 * that the shpt module shares, and with every backend the pages of shmem and
 * hugetlb that are allocated from now on. Pages of DAX are where they are.
 * Where page tables are shared, this applies to all processes that map the
 * file; the last request counts. If there are tables on each node, a process
 * uses those of the node on which it first touches the mapping; a child of
 * fork(2), those of the node on which it starts.
 */
enum libshpt_node_policy {
	LIBSHPT_NODE_DEFAULT = 0,	/* changes nothing */
	LIBSHPT_NODE_ONE,	/* one set of tables, where touched */
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
 *   EINVAL       an unknown bit in @attr->flags, an unknown policy, a node
 *                without LIBSHPT_NODE_FIXED, or @attr_size is too small;
 *                LIBSHPT_PRIVATE without MAP_PRIVATE, LIBSHPT_BREAK_ON_WRITE
 *                without LIBSHPT_PRIVATE
 *   E2BIG        @attr is longer than this version knows and the rest is not 0
 *   ENXIO        this process may not allocate memory on @attr->node; or with
 *                LIBSHPT_REQUIRE_SHARED, that node has no CPU
 *   ENOSYS       LIBSHPT_NODE_FIXED, and the kernel does not support NUMA
 *   and those of libshpt_populate(), libshpt_lock() and mlock(2) with
 *   LIBSHPT_POPULATE and LIBSHPT_LOCK
 * With LIBSHPT_REQUIRE_SHARED a mapping that cannot be shared fails with:
 *   ENOENT       /dev/shpt does not exist: the module is not loaded
 *   EACCES       no permission for /dev/shpt, or @fd is not open as @prot,
 *                MAP_SYNC or the node policy needs it
 *   ENODEV       @fd is neither shmem, FS-DAX nor device-dax
 *   EMEDIUMTYPE  @fd is hugetlb, and no whole chunk is mapped
 *   ECANCELED    LIBSHPT_BACKEND in the environment asks for another backend
 *   EPERM        @prot has PROT_EXEC; or PROT_WRITE, and @fd is sealed,
 *                append-only or protected by a security module
 *   EOPNOTSUPP   @flags or @prot cannot be had with shared page tables, or
 *                MAP_SYNC not for @fd; a device-dax aligned to 1 GiB
 *   EEXIST       a fixed mapping, and something else is mapped in the chunks
 *   EINVAL       a fixed mapping, and @addr and @offset differ modulo 1 GiB;
 *                LIBSHPT_STRICT_EDGES, and there is no whole chunk
 *   EBUSY        another MMU (KVM, RDMA ...) watches this process, or has done
 *   EFBIG        MAP_ANONYMOUS, and RLIMIT_FSIZE is less than @length: the
 *                memory is in a file that the library creates
 *   EDQUOT       the module's max_regions_per_user, or
 *   ENFILE       max_regions, is reached
 *   EMFILE       the process has too many open files
 *   ENOMEM       no memory, or no address space for whole chunks
 *   ENOPKG       the module's helper program could not be run
 *   EOVERFLOW    the last chunk ends beyond the file system's largest offset
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
 * As with munmap(2), any pages of a mapping can be removed. What is left of a
 * chunk becomes an ordinary mapping, which other threads can access all the
 * time. For addresses that libshpt did not map, it is munmap(2).
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @addr is not page-aligned, or @length is 0; the range cuts a huge
 *           page, or a chunk that cannot become an ordinary mapping because
 *           mmap(2) refuses to map the file, as it does up to Linux 6.6 for
 *           memfds sealed against writing
 *   ENOMEM  too many mappings, or no address space to make an ordinary mapping
 *           of a chunk: for a moment that takes as much as the mapping has up
 *           to the end of the chunk
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
 * A chunk stays shared if the range covers all of the caller's bytes in it and
 * @prot is PROT_NONE, or made of PROT_READ and PROT_WRITE; all other chunks in
 * the range become ordinary mappings. In a mapping with LIBSHPT_PRIVATE,
 * PROT_WRITE breaks no chunk. For addresses that libshpt did not map, it is
 * mprotect(2).
 *
 * Returns 0, or -1 with errno; the beginning of the range may then have the new
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
 * For addresses that libshpt did not map, it is madvise(2). In shared chunks:
 *   MADV_REMOVE, MADV_WILLNEED, MADV_COLLAPSE  act on the file
 *   MADV_DONTFORK, MADV_DOFORK  as libshpt_protect(): a chunk of which they
 *                  concern only a part becomes an ordinary mapping
 *   MADV_POPULATE_WRITE  breaks chunks of LIBSHPT_PRIVATE mappings
 *   MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
 *   MADV_MERGEABLE, MADV_UNMERGEABLE  do nothing: how faults are served
 *                  concerns all processes
 *   MADV_DODUMP    does nothing: no core dump contains them
 *   all others     as madvise(2)
 *
 * Returns 0, or -1 with errno; the advice may then have been given for the
 * beginning of the range:
 *   EINVAL  @addr is not page-aligned, @length is 0, or @advice is unknown or
 *           cannot be carried out there
 *   EACCES  MADV_REMOVE, and the mapping is not writable
 *   ENOMEM  not all of the range is mapped, or memory or address space is short
 *   and others of madvise(2)
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
 * It is msync(2) with an error message, for any range.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @addr is not page-aligned, @length is 0, @flags are not allowed, or
 *           it is a device-dax
 *   ENOMEM  not all of the range is mapped
 *   EIO, ENOSPC, EDQUOT  the file system could not write
 *   and others of msync(2)
 *
 * Since 0.1.
 */
int libshpt_sync(void *addr, size_t length, int flags);

/**
 * libshpt_adopt - share the page tables of an existing mapping
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 *
 * For a shared mapping that mmap(2) made, or one of libshpt that could not be
 * shared when it was made. Other threads can use it meanwhile. Its address and
 * its offset in the file must be equal modulo 1 GiB, and nothing else may be
 * mapped in the chunks that the range touches. The library must find the file
 * again: through an open descriptor of this process, through its path, or, with
 * CAP_CHECKPOINT_RESTORE, without either. What is shared already stays so.
 *
 * Returns 0, or -1 with errno and the mapping as it was:
 *   EINVAL  @addr is not page-aligned, @length is 0, the mapping is private, or
 *           address and offset are not equal modulo 1 GiB
 *   ENOMEM  the range is not mapped, or not from one file in one piece and with
 *           one protection
 *   ENOENT  the file is not found: no open descriptor of it allows what the
 *           mapping allows, and its path is gone; or the module is not loaded
 *   and those of libshpt_map_attr() with LIBSHPT_REQUIRE_SHARED
 *
 * Since 0.1.
 */
int libshpt_adopt(void *addr, size_t length);

/**
 * libshpt_break - make chunks of a LIBSHPT_PRIVATE mapping writable
 * @addr:   a page-aligned address
 * @length: bytes, greater than 0
 *
 * All chunks that the range touches become ordinary private mappings, with the
 * protection that the caller asked for. Other threads can read them meanwhile.
 * Chunks that are broken already, and mappings that could not be shared, stay
 * as they are.
 *
 * Returns 0, or -1 with errno; chunks at the beginning may then be broken:
 *   EINVAL  @addr is not page-aligned, @length is 0, or a mapping in the range
 *           is shared without LIBSHPT_PRIVATE
 *   ENOENT  no mapping of libshpt is there
 *   ENOMEM  the kernel promises no more memory, see vm.overcommit_memory; or
 *           too many mappings
 *
 * Since 0.1.
 */
int libshpt_break(void *addr, size_t length);

/*
 * What serves a mapping: the first that can, of hugetlb and plain for hugetlb
 * (files on hugetlbfs, MAP_HUGETLB), of shpt, thp and plain for everything
 * else. For tests and operators, LIBSHPT_BACKEND in the environment names the
 * only one to be tried before plain; with "hugetlb", all shared anonymous
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
 * @why_errno:    0 if there is no better backend for it, else the errno that
 *                stood against the best
 * @chunk_bytes:  unit of sharing: 1 GiB, or 0 if not shared
 * @linked_bytes: bytes of it whose page tables are shared in this process at
 *                this moment. Chunks are linked when first touched. With
 *                hugetlb, bytes of whole chunks, touched or not: the kernel
 *                does not tell what it shares.
 * @region_id:    number of the region below /sys/class/misc/shpt/region/, or 0
 * @why:          why no better backend serves it and what to do about it, or ""
 * @data_node:    NUMA node of the page at the address asked for; -1 if it is
 *                not known, for example because nobody has touched it
 * @table_node:   NUMA node of the shared page tables; -1 if it is not known or
 *                they are on several
 * @persistent:   1 if stores survive a power failure without msync(2) once they
 *                are flushed from the CPU's caches, as pmem_persist(3) does it:
 *                a device-dax, or a file on FS-DAX mapped with MAP_SYNC. Else
 *                0, as for a device-dax mapped by a descriptor of its region
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
 * libshpt_info - describe a mapping
 * @addr:      any address in a mapping that libshpt_map() made
 * @info:      is filled in
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

/*
 * libshpt-preload.so has a table of its own. A program that is run with it finds
 * libshpt_preload_info, libshpt_preload_populate and libshpt_preload_errormsg
 * with dlsym(3): they are libshpt_info(), libshpt_populate() and
 * libshpt_errormsg() for the mappings that it serves. The first tells of the
 * last 16 that it had to pass through, too: they are plain, with the reason.
 * Since 0.1.
 */

/**
 * libshpt_backend_name - the name of a backend
 *
 * Returns "shpt", "hugetlb", "thp", "plain", or "unknown". Since 0.1.
 */
const char *libshpt_backend_name(uint32_t backend);

/**
 * libshpt_errormsg - the message of this thread's last call that failed
 *
 * Returns a string without a newline, "" if no call has failed. It is valid
 * until the thread's next call of the library. Since 0.1.
 */
const char *libshpt_errormsg(void);

/* No advice of libshpt_check_file() is longer, with its zero byte. */
#define LIBSHPT_ADVICE_BYTES 512

/**
 * libshpt_check_file - check whether a file can be mapped in 2 MiB pieces
 * @path:   a file, or a device-dax such as /dev/dax0.0
 * @advice: is filled with a sentence that says what stands against it, and how
 *          to make a file that can; "" if nothing does
 * @size:   bytes of @advice; LIBSHPT_ADVICE_BYTES are always enough
 *
 * Huge pages, and huge entries of DAX, save page faults and page tables. Page
 * tables can be shared without them. Of a file on FS-DAX the extents are
 * checked: where they begin on the device, how long they are, and for holes.
 *
 * Returns 0 if nothing stands against it, 1 if there is advice, or -1 with
 * errno:
 *   EINVAL   @path or @advice is NULL, or @size is 0
 *   ENOENT, EACCES  as open(2) of @path for reading
 *   EISDIR   @path is a directory
 *   ENOTSUP  @path is neither a regular file nor a device-dax, or its file
 *            system does not tell where the extents are
 *   ENOMEM   no memory for the list of extents
 *   and others of open(2)
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
 * libshpt_check_version - check whether the running library is new enough
 * @major: LIBSHPT_VERSION_MAJOR, as the program was compiled
 * @minor: LIBSHPT_VERSION_MINOR, or the lowest that has all that is used
 *
 * Returns 0, or -1 with errno:
 *   ENOTSUP  the library is older, or has another major version
 *
 * Since 0.1.
 */
int libshpt_check_version(unsigned int major, unsigned int minor);

/*
 * Regions
 *
 * A file whose page tables are shared is a region, the same for all processes.
 * It begins when the file is first mapped and ends with the last mapping. If it
 * is registered, it stays with its page tables, the file itself, and its name
 * if it has one, until it is unregistered.
 *
 * The functions below that take a file descriptor take one of the file, or one
 * of the region that libshpt_open() may return. If the module cannot be used or
 * does not serve the file, they fail with the errors that libshpt_map_attr()
 * has for LIBSHPT_REQUIRE_SHARED; if @fd is not open, with EBADF.
 */

/**
 * libshpt_open - open shared memory by its name, as shm_open(3) does
 * @name:  "/pool" or "pool": 1 to 63 bytes, no further slash, no control
 *         character
 * @oflag: O_RDONLY or O_RDWR, and any of O_CREAT, O_EXCL and O_TRUNC
 * @mode:  of what is created with O_CREAT; less the umask
 *
 * O_CREAT creates the empty file that shm_open(3) creates, with the same owner
 * and mode, and registers it: its page tables stay while nobody maps it.
 * Programs that cannot use the module find it with libshpt_open() or
 * shm_open(3), too. Remove the name with libshpt_unlink(): shm_unlink(3) and
 * rm(1) remove only the file; the name goes when its owner or root opens it.
 *
 * Names that are registered come first, whatever file they stand for, if their
 * mode allows it. There is one space of registered names for the machine,
 * shared by all containers. Where the module cannot be used, or cannot register
 * another region, it is shm_open(3).
 *
 * Returns a new descriptor, close-on-exec, for libshpt_map(), ftruncate(2),
 * fstat(2) and so on. If the name is registered for a file that the caller
 * cannot open, a memfd for example, it can only be mapped: fstat(2) shows a
 * size of 0, libshpt_next_region() the real one. Or -1 with errno:
 *   ENOENT        the name does not exist, and O_CREAT was not given
 *   EEXIST        it exists, and O_CREAT and O_EXCL were given
 *   EACCES        mode, owner and group do not allow it; or O_TRUNC, and the
 *                 descriptor could only be mapped
 *   EINVAL        @name is not valid, @oflag has other bits, or O_TRUNC without
 *                 O_RDWR
 *   ENAMETOOLONG  @name is longer than 63 bytes
 *   EDQUOT        it is registered, and this user has as many regions open as
 *                 the module's max_regions_per_user allows
 *   EMFILE        the process has too many open files
 *   and others of shm_open(3)
 *
 * Since 0.1.
 */
int libshpt_open(const char *name, int oflag, mode_t mode);

/**
 * libshpt_unlink - remove a name, as shm_unlink(3) does
 * @name: as for libshpt_open()
 *
 * Unregisters the name. If libshpt_open() created the file, it is removed, too;
 * other files stay. Processes that have it mapped or open continue to use it;
 * memory and page tables are freed after the last of them.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT        the name does not exist
 *   EACCES        the caller is not its owner and lacks CAP_SYS_ADMIN
 *   EINVAL, ENAMETOOLONG  as libshpt_open()
 *
 * Since 0.1.
 */
int libshpt_unlink(const char *name);

/**
 * libshpt_register - keep a file's region, and give it a name
 * @fd:   open for reading and writing
 * @name: as for libshpt_open(), or NULL or "" for none
 * @mode: who may open it by its name, bits of 0666; less the umask. The file's
 *        own permissions are not checked again.
 *
 * The region, its page tables and its file stay without any mapping until
 * libshpt_unregister(). Meanwhile the file cannot be sealed with F_SEAL_WRITE,
 * and its file system cannot be unmounted.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL        @mode has other bits, or @name is not valid
 *   ENAMETOOLONG  @name is longer than 63 bytes
 *   EACCES        @fd is not open for writing
 *   EALREADY      it is registered already
 *   EEXIST        another region has the name
 *   ENFILE        the module's max_registered is reached
 *   EDQUOT        its max_registered_per_user, or max_regions_per_user, is
 *                 reached
 *
 * Since 0.1.
 */
int libshpt_register(int fd, const char *name, mode_t mode);

/**
 * libshpt_unregister - let go of a registered region
 * @fd: open for reading
 *
 * Its name is free at once; the region ends with its last mapping.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT  it is not registered, or the module is not loaded
 *   EPERM   the caller is not its owner and lacks CAP_SYS_ADMIN
 *
 * Since 0.1.
 */
int libshpt_unregister(int fd);

/* libshpt_populate.flags: as if each page were written to instead of read. It
 * breaks chunks of LIBSHPT_PRIVATE mappings. */
#define LIBSHPT_POPULATE_WRITE	(1U << 0)

/**
 * struct libshpt_populate - how libshpt_populate() goes about it
 * @flags:    LIBSHPT_POPULATE_WRITE, or 0
 * @threads:  how many threads work, the caller included; 0 means 1, more than
 *            64 mean 64. Signals are blocked in the others.
 * @progress: NULL, or called in the caller's thread now and then and when all
 *            is done, with the bytes of @length done so far. It may call the
 *            library. If it does not return 0, libshpt_populate() ends.
 * @arg:      its first argument
 *
 * Set all of it to zero first, as struct libshpt_attr.
 */
struct libshpt_populate {
	uint32_t flags;
	uint32_t threads;
	int (*progress)(void *arg, uint64_t done, uint64_t length);
	void *arg;
};

/**
 * libshpt_populate - fill page tables ahead of use
 * @addr:     in a mapping that libshpt_map() made
 * @length:   bytes, greater than 0. The range may span adjacent mappings; it is
 *            widened to whole pages.
 * @how:      how, or NULL for zeroes
 * @how_size: sizeof(struct libshpt_populate) as the caller was compiled, or 0
 *            with NULL
 *
 * Pages are read in or allocated, and mapped: where page tables are shared, for
 * all processes. What is done stays done, whatever the return value. Signals do
 * not interrupt it; @how->progress can.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT     a part of the range is not a mapping of libshpt
 *   ECANCELED  @how->progress did not return 0
 *   EFAULT     the file ends before the range does, its file system is full, or
 *              a page is lost
 *   EACCES     the mapping does not allow reading, or writing with
 *              LIBSHPT_POPULATE_WRITE; or the kernel is older than 5.14
 *   ENOMEM     no memory, or the limit of the memory cgroup is reached
 *   EINVAL     @length is 0 or exceeds the address space, a flag is unknown, or
 *              @how_size is too small
 *   E2BIG      as libshpt_map_attr()
 *
 * Since 0.1.
 */
int libshpt_populate(void *addr, size_t length,
		     const struct libshpt_populate *how, size_t how_size);

/**
 * libshpt_reclaim - free empty page tables
 * @fd:     open for writing
 * @offset: bytes; page tables for this part of the file are looked at
 * @length: bytes, greater than 0
 * @freed:  gets the bytes of memory that were freed, if not NULL
 *
 * Page tables stay when holes are punched in a file. If some are empty, the
 * tables of the file are made anew without them, for all processes, which can
 * use their mappings meanwhile.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @offset is negative or @length is not positive
 *   EACCES  @fd is not open for writing
 *   EPERM   it is switched off for this region
 *   ENOMEM  no memory for the new tables; nothing has changed
 *
 * Since 0.1.
 */
int libshpt_reclaim(int fd, off_t offset, off_t length, uint64_t *freed);

/**
 * libshpt_lock - keep the pages of a region in memory
 * @fd: open for writing
 *
 * In place of mlock(2), which has no effect where page tables are shared. The
 * pages that the file has are brought in and stay, and so do those that it gets
 * later; holes stay holes. It holds for all processes, as long as the region
 * lives: map or register the file first. On DAX there is nothing to do.
 *
 * Returns 0, or -1 with errno:
 *   EACCES  @fd is not open for writing
 *   EPERM   the caller has neither CAP_IPC_LOCK nor an unlimited RLIMIT_MEMLOCK
 *   EINTR   a signal arrived: call again for the rest
 *   ENOMEM  no memory, or the limit of the memory cgroup is reached
 *   EIO     a page cannot be read from swap, or is broken
 *
 * Since 0.1.
 */
int libshpt_lock(int fd);

/**
 * libshpt_unlock - end what libshpt_lock() began
 * @fd: open for writing
 *
 * Returns 0, or -1 with errno EACCES. Since 0.1.
 */
int libshpt_unlock(int fd);

/* When empty page tables of a region are given back, see <shpt/uapi.h>. */
enum libshpt_reclaim_mode {
	LIBSHPT_RECLAIM_UNKNOWN = 0,
	LIBSHPT_RECLAIM_NEVER,	/* libshpt_reclaim() is refused */
	LIBSHPT_RECLAIM_ADVISE,	/* by libshpt_reclaim() */
	LIBSHPT_RECLAIM_ALWAYS,	/* and of its own accord, now and then */
};

/**
 * struct libshpt_region - a region and its statistics
 * @id:            its number; never used again
 * @backing_bytes: size of the file
 * @hosts:         sets of page tables
 * @guests:        processes that map it
 * @links:         chunks linked now, over all guests
 * @table_bytes:   the page tables that are shared
 * @parked_bytes:  the guests' own page tables, empty while linked
 * @saved_bytes:   what page tables of all guests would take without sharing, at
 *                 most: if each had touched every page that any has, in the
 *                 chunks it links; less the two above; can be negative
 * @faults_served: page faults that a host served
 * @flushes:       times that a change flushed the guests' TLBs
 * @unlinks:       chunks unlinked so far
 * @misplaced:     page tables that are not on their node
 * @reclaimed:     bytes of empty page tables given back
 * @registered:    1 if it is registered; the next four are 0 otherwise
 * @uid, @gid:     who registered it
 * @mode:          who may open it by its name
 * @name:          its name, "" if it has none
 * @locked:        1 if it is locked
 * @node_policy:   enum libshpt_node_policy of its page tables; 0 if it is not
 *                 known
 * @node:          with LIBSHPT_NODE_FIXED the node, else 0
 * @reclaim_mode:  enum libshpt_reclaim_mode
 * @backing:       path of the file; "" if the caller is not root
 */
struct libshpt_region {
	uint64_t id;
	uint64_t backing_bytes;
	uint64_t hosts;
	uint64_t guests;
	uint64_t links;
	uint64_t table_bytes;
	uint64_t parked_bytes;
	int64_t saved_bytes;
	uint64_t faults_served;
	uint64_t flushes;
	uint64_t unlinks;
	uint64_t misplaced;
	uint64_t reclaimed;
	uint32_t registered;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	char name[64];
	uint32_t locked;
	uint32_t node_policy;
	uint32_t node;
	uint32_t reclaim_mode;
	char backing[4096];
};

/**
 * libshpt_next_region - iterate over the regions of the machine
 * @after:       0 for the first, then the number of the last one. The number of
 *               a region less 1 gives that region, if it still exists.
 * @region:      is filled in: the region with the lowest number above @after
 * @region_size: sizeof(struct libshpt_region) as the caller was compiled; a
 *               caller that knows less gets less, one that knows more gets
 *               zeroes
 *
 * Returns 1, 0 if there are no more, or -1 with errno:
 *   ENOENT   the module is not loaded
 *   EINVAL   @region is NULL or @region_size is 0
 *   EBADMSG  a file of the module below /sys is not as expected
 *
 * Since 0.1.
 */
int libshpt_next_region(uint64_t after, struct libshpt_region *region,
			size_t region_size);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHPT_H */
