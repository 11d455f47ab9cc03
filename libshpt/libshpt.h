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
 * signals and does nothing until first used.
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

/*
 * libshpt_attr.flags: libshpt_populate() all of it for reading, or fail as that
 * does. MAP_POPULATE goes as far as it gets. Signals do not end either.
 */
#define LIBSHPT_POPULATE	(1ULL << 4)

/*
 * libshpt_attr.flags: keep its pages in memory, or fail. Where page tables are
 * shared it is libshpt_lock(): for the whole file, until libshpt_unlock();
 * elsewhere mlock(2): for the mapping, until it is unmapped.
 */
#define LIBSHPT_LOCK		(1ULL << 5)

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

/* libshpt_populate.flags: as if each page were written to, not read. */
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
 * all processes. The first access in each chunk still takes a fault, to link
 * it. What is done stays done whatever the return value.
 *
 * Returns 0, or -1 with errno:
 *   ENOENT     a part of the range is no mapping of libshpt
 *   EINTR      a signal arrived in the caller's thread, while it filled shared
 *              page tables; elsewhere signals do not end it, @how->progress can
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
