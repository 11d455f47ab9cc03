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
 * starts no threads but those that libshpt_populate() is asked for, handles no
 * signals unless LIBSHPT_BREAK_ON_WRITE asks for it, and does nothing until
 * first used.
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

/*
 * libshpt_attr.flags: libshpt_populate() all of it for reading, or fail as that
 * does. MAP_POPULATE goes as far as it gets.
 */
#define LIBSHPT_POPULATE	(1ULL << 4)

/*
 * libshpt_attr.flags: keep its pages in memory, or fail. Where page tables are
 * shared it is libshpt_lock(): for the whole file, until libshpt_unlock();
 * elsewhere mlock(2): for the mapping, until it is unmapped.
 */
#define LIBSHPT_LOCK		(1ULL << 5)

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
 *                no policy asks for, or @attr_size is too small;
 *                LIBSHPT_PRIVATE without MAP_PRIVATE, LIBSHPT_BREAK_ON_WRITE
 *                without LIBSHPT_PRIVATE
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

/*
 * libshpt-preload.so has a table of its own. A program that is run with it finds
 * libshpt_preload_info, libshpt_preload_populate and libshpt_preload_errormsg
 * with dlsym(3): they are libshpt_info(), libshpt_populate() and
 * libshpt_errormsg() for the mappings that it serves. The first tells of the
 * last 16 that it had to pass through, too: they are plain, with the reason.
 * Since 0.1.
 */

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

/*
 * Regions
 *
 * A file whose page tables are shared is a region, the same for all processes.
 * It begins when it is first mapped and ends with its last mapping, unless it is
 * registered: then it stays with its page tables, with the file itself, and
 * with a name if it got one, until it is unregistered.
 *
 * The functions below that take a file descriptor take one of the file, or one
 * of the region that libshpt_open() may return. They fail where the kernel part
 * cannot be reached or does not serve the file, with the errors that
 * libshpt_map_attr() has for LIBSHPT_REQUIRE_SHARED, and with EBADF if @fd is
 * not open.
 */

/**
 * libshpt_open - open shared memory by its name, as shm_open(3) does
 * @name:  "/pool" or "pool": 1 to 63 bytes, no further slash, no control
 *         character
 * @oflag: O_RDONLY or O_RDWR, and any of O_CREAT, O_EXCL and O_TRUNC
 * @mode:  of what is made with O_CREAT; less the umask
 *
 * What is made is the empty file that shm_open(3) makes, owned and protected as
 * that, and registered: it keeps its page tables while nobody maps it. A program
 * without the kernel part finds it with libshpt_open() or shm_open(3), too. The
 * name goes with libshpt_unlink(): shm_unlink(3) removes the file only.
 *
 * A name that was registered, whatever its file is, is opened in first place,
 * if its mode allows that. There is one space of registered names for the
 * machine, containers included. Where the kernel part cannot be reached, or
 * cannot register another region, it is shm_open(3).
 *
 * Returns a new descriptor, close-on-exec, for libshpt_map(), ftruncate(2),
 * fstat(2) and so on. If the name was registered for a file that the caller
 * cannot open itself, a memfd for instance, it is one that can only be mapped:
 * fstat(2) shows a size of 0, libshpt_next_region() the right one. Or -1 with
 * errno:
 *   ENOENT        nothing has the name, and O_CREAT was not given
 *   EEXIST        something has it, and O_CREAT and O_EXCL were given
 *   EACCES        mode, owner and group do not allow it; or O_TRUNC, and the
 *                 descriptor could only be mapped
 *   EINVAL        @name is none, or @oflag has other bits, or O_TRUNC without
 *                 O_RDWR
 *   ENAMETOOLONG  @name is longer than 63 bytes
 *   EDQUOT        it is registered, and this user has as many regions open as
 *                 allowed
 *   and the others of shm_open(3)
 *
 * Since 0.1.
 */
int libshpt_open(const char *name, int oflag, mode_t mode);

/**
 * libshpt_unlink - remove a name, as shm_unlink(3) does
 * @name: as for libshpt_open()
 *
 * Unregisters what has the name. If libshpt_open() made it, the file goes, too;
 * other files stay. Who has it mapped or open goes on; memory and page tables
 * are freed after the last of them.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT        nothing has the name
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
 * @mode: who may open it by the name, bits of 0666; less the umask. The file's
 *        own permissions are not asked again.
 *
 * The region, its page tables and its file stay without any mapping until
 * libshpt_unregister(). Meanwhile the file cannot be sealed with F_SEAL_WRITE,
 * and its file system not be unmounted.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL        @mode has other bits, or @name is none
 *   ENAMETOOLONG  @name is longer than 63 bytes
 *   EACCES        @fd is not open for writing
 *   EALREADY      it is registered already
 *   EEXIST        another region has the name
 *   ENFILE        the machine, or
 *   EDQUOT        this user has as many registered, or open, regions as allowed
 *
 * Since 0.1.
 */
int libshpt_register(int fd, const char *name, mode_t mode);

/**
 * libshpt_unregister - let go of a registered region
 * @fd: open for reading
 *
 * The name goes at once, the region with its last mapping.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT  it is not registered, or there is no kernel part
 *   EPERM   the caller is not its owner and lacks CAP_SYS_ADMIN
 *
 * Since 0.1.
 */
int libshpt_unregister(int fd);

/* libshpt_populate.flags: as if each page were written to, not read. It breaks
 * chunks of LIBSHPT_PRIVATE mappings. */
#define LIBSHPT_POPULATE_WRITE	(1U << 0)

/**
 * struct libshpt_populate - how libshpt_populate() goes about it
 * @flags:    LIBSHPT_POPULATE_WRITE, or 0
 * @threads:  how many work at once, the caller among them; 0 is 1, and more
 *            than 64 are 64. Signals are blocked in the others.
 * @progress: NULL, or is called in the caller's thread now and then and when
 *            all is done, with the bytes of @length that are done. It may call
 *            the library. If it does not return 0, that is the end.
 * @arg:      for @progress
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
 * @length:   bytes, greater than 0. The range may span mappings that lie side
 *            by side; it is widened to whole pages.
 * @how:      how, or NULL for zeroes
 * @how_size: sizeof(struct libshpt_populate) as the caller was compiled, or 0
 *            with NULL
 *
 * Pages are read in or allocated and mapped: where page tables are shared, for
 * all processes. What is done stays done whatever the return value. Signals do
 * not end it, @how->progress can.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT     a part of the range is no mapping of libshpt
 *   ECANCELED  @how->progress did not return 0
 *   EFAULT     the file ends before the range does, or its file system has no
 *              room, or a page is lost
 *   EACCES     the mapping does not allow reading, or writing with
 *              LIBSHPT_POPULATE_WRITE; or the kernel is older than 5.14
 *   ENOMEM     no memory, or the limit of the memory cgroup is reached
 *   EINVAL     @length is 0 or too large, a flag is unknown, or @how_size is
 *              too small
 *   E2BIG      as libshpt_map_attr()
 *
 * Since 0.1.
 */
int libshpt_populate(void *addr, size_t length,
		     const struct libshpt_populate *how, size_t how_size);

/**
 * libshpt_reclaim - give back page tables that map nothing any more
 * @fd:     open for writing
 * @offset: bytes; page tables for this part of the file are looked at
 * @length: bytes, greater than 0
 * @freed:  gets the bytes of memory that were freed, if not NULL
 *
 * Page tables stay when holes are punched in a file. If there are empty ones
 * they are made anew without them, for all processes, which go on meanwhile.
 *
 * Returns 0, or -1 with errno:
 *   EINVAL  @offset is negative or @length is not positive
 *   EACCES  @fd is not open for writing
 *   EPERM   it is switched off for this region
 *   ENOMEM  no memory
 *
 * Since 0.1.
 */
int libshpt_reclaim(int fd, off_t offset, off_t length, uint64_t *freed);

/**
 * libshpt_lock - keep the pages of a region in memory
 * @fd: open for writing
 *
 * What mlock(2) does, which cannot do it where page tables are shared. What the
 * file has is brought in and stays, as does what it gets later; holes stay
 * holes. It is for all processes, and as long as the region lives: map or
 * register it first. On DAX there is nothing to do.
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
 * libshpt_unlock - let the pages of a region go again
 * @fd: open for writing
 *
 * Returns 0, or -1 with errno EACCES. Since 0.1.
 */
int libshpt_unlock(int fd);

/**
 * struct libshpt_region - a region and its statistics
 * @id:            its number; never used again
 * @backing_bytes: size of the file
 * @hosts:         sets of page tables
 * @guests:        processes that map it
 * @links:         chunks linked now, over all guests
 * @table_bytes:   the page tables that are shared
 * @parked_bytes:  the guests' own page tables, empty while linked
 * @saved_bytes:   what the guests' own page tables would be, less the two
 *                 above; can be negative
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
 * @reserved:      0
 * @backing:       path of the file, "" if the caller may not know it: only root
 *                 may
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
	uint32_t reserved;
	char backing[4096];
};

/**
 * libshpt_next_region - the regions of the machine, one after the other
 * @after:       0 for the first, then the number of the one before. That of one
 *               region less 1 gives this region, if it is still there.
 * @region:      is filled with the one of the lowest number above @after
 * @region_size: sizeof(struct libshpt_region) as the caller was compiled; who
 *               knows less gets less, who knows more gets zeroes
 *
 * Returns 1, 0 if there are no more, or -1 with errno:
 *   ENOENT   there is no kernel part
 *   EINVAL   @region is NULL or @region_size is 0
 *   EBADMSG  what the kernel part tells is not understood
 *
 * Since 0.1.
 */
int libshpt_next_region(uint64_t after, struct libshpt_region *region,
			size_t region_size);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHPT_H */
