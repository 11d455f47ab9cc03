/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shpt.h - the contract between the shpt kernel module and its users.
 *
 * shpt lets all processes that map the same shmem, FS-DAX or device-dax file
 * share one set of page tables. The file is the backing; what the module knows of it is
 * the region; a process's mapping of the region is a guest. The unit of
 * sharing is the chunk: SHPT_CHUNK_BYTES (1 GiB), aligned.
 *
 *	dev = open("/dev/shpt", O_RDWR | O_CLOEXEC);
 *	reg = ioctl(dev, SHPT_IOC_OPEN_REGION, &open_region);
 *	p = mmap(NULL, chunks * SHPT_CHUNK_BYTES, PROT_READ | PROT_WRITE,
 *		 MAP_SHARED, reg, first_chunk * SHPT_CHUNK_BYTES);
 *
 * Descriptors: the device fd is needed for the ioctls only and can be closed
 * at once. A region fd and its mappings keep the region alive, and so does
 * registering it. The same backing inode always means the same region, whoever
 * asks. Region fds are close-on-exec, can be passed over sockets and inherited
 * over fork(2); fsync(2), msync(2) and posix_fadvise(2) on them act on the
 * backing; read(2), write(2) and open(2) through /proc/PID/fd are refused.
 *
 * Structs: each begins with its own size in bytes as the caller knows it, and
 * with flags. Bytes that one side does not know must be zero (-E2BIG), and so
 * must unknown flags (-EINVAL): both sides can grow.
 *
 * mmap(2) of a region fd:
 *   EINVAL      address, length or offset is not a multiple of
 *               SHPT_CHUNK_BYTES, or the mapping is not MAP_SHARED
 *   EPERM       PROT_EXEC, or PROT_WRITE and the backing carries a seal
 *               against writing
 *   EACCES      PROT_WRITE, and the region fd is read-only
 *   EOPNOTSUPP  MAP_SYNC, and nobody opened the region with SHPT_OPEN_SYNC
 *   EBUSY       another MMU (KVM, RDMA on-demand paging, HMM, IOMMU SVA)
 *               watches or once watched this process; it would not hear of
 *               changes to the shared tables
 *   EOVERFLOW   beyond the largest offset that the backing's file system has
 *   EINTR       a signal arrived; call again
 *   ENOMEM      no memory, or no room in the address space
 *
 * With MAP_FIXED what was mapped there before may be gone even if it fails.
 *
 * On a mapping: munmap(2) and mprotect(2) of anything but whole chunks,
 * mremap(2) to an unaligned address, pkey_mprotect(2) with another key: EINVAL.
 * mprotect(2) with PROT_EXEC is EACCES, with PROT_WRITE after the backing was
 * sealed EPERM.
 *
 * First known in version 1 of the interface (SHPT_UAPI_VERSION).
 */
#ifndef _UAPI_SHPT_H
#define _UAPI_SHPT_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define SHPT_UAPI_VERSION	1
#define SHPT_DEVICE		"/dev/shpt"
#define SHPT_CHUNK_SHIFT	30
#define SHPT_CHUNK_BYTES	_BITULL(SHPT_CHUNK_SHIFT)
#define SHPT_NAME_BYTES		64

/* The struct carries its size, so the request number does not. */
#define SHPT_IOC_MAGIC		0xb9

/**
 * SHPT_IOC_OPEN_REGION - open the region of a backing, on the device fd
 *
 * Returns a new region fd, or -1 and errno:
 *   EBADF        backing_fd is not an open file
 *   ENODEV       the backing is neither shmem, FS-DAX nor device-dax (an
 *                ordinary file on a disk file system, a directory, another
 *                device)
 *   EMEDIUMTYPE  the backing is hugetlb: map it as it is, the kernel itself
 *                shares page tables there
 *   EINVAL       unknown flags, or SHPT_OPEN_SYNC with SHPT_OPEN_READ_ONLY
 *   EACCES       backing_fd is not open for reading, or not for writing and
 *                the flag is SHPT_OPEN_SYNC
 *   EPERM        for writing: the backing carries a seal against it or is
 *                append-only; or mapping it is forbidden to the caller
 *   EOPNOTSUPP   SHPT_OPEN_SYNC: the file system does not offer MAP_SYNC there;
 *                or the backing is a device-dax with an alignment of 1 GiB: map
 *                it as it is, there are no page tables to share
 *   ENOPKG       the helper program that donates the host's address space
 *                did not run; the kernel log names the path that was tried
 *   ENFILE       module parameter max_regions is reached
 *   EDQUOT       module parameter max_regions_per_user is reached: the user,
 *                who lacks CAP_SYS_RESOURCE, has that many regions open or
 *                mapped, and not this one
 *   EMFILE       the caller has too many open files
 *   EINTR        a signal arrived; call again
 *   ENOMEM       no memory
 * and whatever mmap(2) of one page of the backing answers the caller.
 */
#define SHPT_IOC_OPEN_REGION	_IO(SHPT_IOC_MAGIC, 1)
struct shpt_open_region {
	__u32 size;		/* in: sizeof(struct shpt_open_region) */
	__u32 flags;		/* in: SHPT_OPEN_* */
	__s32 backing_fd;	/* in: the file to share, open for reading */
	__u32 reserved;		/* in: 0 */
};

/*
 * The region fd can be mapped for what backing_fd is open for: with O_RDONLY
 * mappings cannot be writable. As long as any region fd or mapping that can be
 * written to exists, the backing cannot be sealed with F_SEAL_WRITE.
 */

/* A read-only region fd, whatever backing_fd allows: of a sealed memfd, say. */
#define SHPT_OPEN_READ_ONLY	_BITUL(0)

/*
 * The region's mappings may be MAP_SYNC (FS-DAX): once a write was possible,
 * the file system will find its block after a crash. Those that ask for it pay
 * with a commit of the file system's journal at first writes.
 */
#define SHPT_OPEN_SYNC		_BITUL(1)

/**
 * SHPT_IOC_REGION_INFO - facts about a region, on the region fd
 *
 * The numbers are read one after the other while the region is in use; they
 * need not add up to the last one. To tell saved_bytes takes longer the more
 * chunks are linked: who does not need it gives a size that ends before it.
 * Returns 0, or -1 and EFAULT, EINVAL, E2BIG.
 */
#define SHPT_IOC_REGION_INFO	_IO(SHPT_IOC_MAGIC, 2)

/* Why a chunk was unlinked. */
enum shpt_unlink_cause {
	SHPT_UNLINK_UNMAP,	/* munmap(2), mremap(2), MAP_FIXED over it */
	SHPT_UNLINK_DISCARD,	/* MADV_DONTNEED */
	SHPT_UNLINK_ACCESS,	/* mprotect(2), or write-protected otherwise */
	SHPT_UNLINK_SOFT_DIRTY,	/* /proc/PID/clear_refs */
	SHPT_UNLINK_EXIT,	/* the process ended or called execve(2) */
	SHPT_UNLINK_RETIRED,	/* its host was replaced */
	SHPT_UNLINK_FOREIGN,	/* another MMU came (EBUSY of mmap(2)) */
	SHPT_UNLINK_OTHER,	/* what the kernel had no name for in version 1 */
};

/* Those that later versions add go into the rest of the array, which is 0. */
#define SHPT_UNLINK_CAUSES	16

struct shpt_region_info {
	__u32 size;		/* in: sizeof(struct shpt_region_info) */
	__u32 flags;		/* in: 0 */
	__u64 id;		/* names the region below /sys; never reused */
	/* Size of the backing now; of a device when the region was made. */
	__u64 backing_bytes;
	__u64 hosts;		/* address spaces that own its tables */
	__u64 guests;		/* processes that map it */
	__u64 links;		/* chunks linked now, over all guests */
	__u64 table_bytes;	/* page tables of the hosts */
	__u64 parked_bytes;	/* guests' own empty tables behind links */
	/*
	 * What the guests' own tables would be if each had touched every page
	 * that any has in the chunks it links: at most. Less the two above.
	 */
	__s64 saved_bytes;
	__u64 faults_served;	/* faults of guests served by a host */
	__u64 flushes;		/* host events that flushed guests' TLBs */
	__u64 unlinks;		/* chunks unlinked since the beginning */
	__u64 misplaced;	/* tables that are not on their host's node */
	__u64 reclaimed;	/* bytes of empty tables given back */
	__u64 unlinks_by[SHPT_UNLINK_CAUSES]; /* unlinks, by cause */
};

/**
 * SHPT_IOC_MAPPING_INFO - what one of the caller's own mappings is, on the
 * device fd
 *
 * Returns 0, or -1 and errno:
 *   ENOENT       no guest of shpt is mapped at that address
 *   EFAULT, EINVAL, E2BIG  as everywhere
 */
#define SHPT_IOC_MAPPING_INFO	_IO(SHPT_IOC_MAGIC, 3)
struct shpt_mapping_info {
	__u32 size;		/* in: sizeof(struct shpt_mapping_info) */
	__u32 flags;		/* in: 0 */
	__u64 addr;		/* in: any address in the mapping */
	__u64 start;		/* out: its first byte */
	__u64 end;		/* out: the byte after its last */
	__u64 region_id;	/* out: as in struct shpt_region_info */
	__u64 linked_chunks;	/* out: its chunks that are linked now */
};

/*
 * SHPT_IOC_DONATE - for the module's own helper program, on the device fd
 *
 * The helper gives its address space to the module and exits. Anyone else
 * gets EPERM.
 */
#define SHPT_IOC_DONATE		_IO(SHPT_IOC_MAGIC, 4)

/**
 * SHPT_IOC_POPULATE - fill the host's tables for a range, on the region fd
 *
 * What the first guest would do by touching every page: pages are read in or
 * allocated, charged to the caller, and mapped for all guests that may write,
 * or on a read-only region fd for all that may only read. Several threads
 * may do it at once, each for a range of its own. Ends at the end of the
 * backing, if that comes first. Returns 0, or -1 and errno:
 *   EINVAL     offset or length is not a multiple of the page size, or length
 *              is 0, or they wrap
 *   EACCES     SHPT_POPULATE_WRITE, and the region fd is read-only
 *   EOVERFLOW  beyond the largest offset that the backing's file system has
 *   EINTR      a signal arrived; call again for the rest
 *   EIO        a page cannot be read, or is poisoned
 *   ENOMEM     no memory, or the caller's memory cgroup has reached its limit
 *   EFAULT, E2BIG  as everywhere
 * populated is set in all cases but EACCES, EFAULT, E2BIG and EINVAL.
 */
#define SHPT_IOC_POPULATE	_IO(SHPT_IOC_MAGIC, 5)
struct shpt_populate {
	__u32 size;		/* in: sizeof(struct shpt_populate) */
	__u32 flags;		/* in: 0 or SHPT_POPULATE_WRITE */
	__u64 offset;		/* in: bytes from the beginning of the file */
	__u64 length;		/* in: bytes */
	__u64 populated;	/* out: bytes from offset on that are done */
};

/* Map for writing, so that first writes to FS-DAX take no fault either. */
#define SHPT_POPULATE_WRITE	_BITUL(0)

/**
 * SHPT_IOC_SET_NODE - where the page tables of a region lie, on a writable
 * region fd
 *
 * Guests move to tables on the new nodes at their next fault in each chunk.
 * Returns 0, or -1 and errno:
 *   EACCES  the region fd is read-only
 *   EINVAL  node is none that this kernel could have, or flags or reserved are
 *           not 0
 *   EPERM   the backing was sealed against writing while it was open for that
 *           here: wait until the last writer has gone
 *   ENXIO   the node is not there, or has no memory, or no CPU
 *   ENOPKG, ENOMEM  as with SHPT_IOC_OPEN_REGION; nothing has changed
 *   EINTR   a fatal signal arrived; the change goes on
 *   EFAULT, E2BIG  as everywhere
 */
#define SHPT_IOC_SET_NODE	_IO(SHPT_IOC_MAGIC, 6)
struct shpt_set_node {
	__u32 size;		/* in: sizeof(struct shpt_set_node) */
	__u32 flags;		/* in: 0 */
	__s32 node;		/* in: a node, or SHPT_NODE_* */
	__u32 reserved;		/* in: 0 */
};

/* One set of tables, on the nodes of those who happen to fault (default). */
#define SHPT_NODE_ONE		(-1)

/* One set on each node; a guest uses that of the node where it first faults. */
#define SHPT_NODE_LOCAL		(-2)

/**
 * SHPT_IOC_RECLAIM - give back page tables that map nothing any more, on a
 * writable region fd
 *
 * Looks at the chunks of the range, and if tables there are empty (after holes
 * were punched in the backing, or it was truncated) makes the region's tables
 * anew without them. Guests go on meanwhile. The memory is free when the call
 * returns, which may take as long as a process that has the region mapped is in
 * a system call that holds its mappings. Returns 0, or -1 and errno:
 *   EACCES  the region fd is read-only
 *   EPERM   the region's mode is SHPT_RECLAIM_NEVER, or as with
 *           SHPT_IOC_SET_NODE
 *   EINVAL  length is 0, or offset and length wrap, or flags are not 0
 *   ENOPKG, ENOMEM  as with SHPT_IOC_OPEN_REGION; nothing has changed
 *   EINTR   a fatal signal arrived; the work goes on
 *   EFAULT, E2BIG  as everywhere
 */
#define SHPT_IOC_RECLAIM	_IO(SHPT_IOC_MAGIC, 7)
struct shpt_reclaim {
	__u32 size;		/* in: sizeof(struct shpt_reclaim) */
	__u32 flags;		/* in: 0 */
	__u64 offset;		/* in: bytes from the beginning of the file */
	__u64 length;		/* in: bytes */
	__u64 freed_bytes;	/* out: what the tables are smaller now */
};

/**
 * SHPT_IOC_SET_RECLAIM - when empty page tables are given back, on a writable
 * region fd
 *
 * Returns 0, or -1 and errno:
 *   EACCES  the region fd is read-only
 *   EINVAL  unknown mode, interval_ms not 0 and out of bounds, or flags or
 *           reserved are not 0
 *   EFAULT, E2BIG  as everywhere
 */
#define SHPT_IOC_SET_RECLAIM	_IO(SHPT_IOC_MAGIC, 8)
struct shpt_set_reclaim {
	__u32 size;		/* in: sizeof(struct shpt_set_reclaim) */
	__u32 flags;		/* in: 0 */
	__u32 mode;		/* in: SHPT_RECLAIM_* */
	__u32 reserved;		/* in: 0 */
	__u64 interval_ms;	/* in: between two passes; 0: the default */
	__u64 scan_bytes;	/* in: of the backing, a pass; 0: the default */
};

#define SHPT_RECLAIM_NEVER	0	/* SHPT_IOC_RECLAIM is refused */
#define SHPT_RECLAIM_ADVISE	1	/* by SHPT_IOC_RECLAIM (default) */
#define SHPT_RECLAIM_ALWAYS	2	/* and every interval_ms */

#define SHPT_RECLAIM_INTERVAL_MS	1000
#define SHPT_RECLAIM_MIN_INTERVAL_MS	100
#define SHPT_RECLAIM_MAX_INTERVAL_MS	86400000
#define SHPT_RECLAIM_SCAN_BYTES		(16 * SHPT_CHUNK_BYTES)

/**
 * SHPT_IOC_LOCK, SHPT_IOC_UNLOCK - keep a region's pages in memory or no longer,
 * on a writable region fd
 *
 * mlock(2) cannot do it: the pages are mapped by the hosts. What the backing has
 * is brought in and stays, what it gets later stays too; holes stay holes. For
 * all processes, guests or not, and as long as the region lives. On DAX there is
 * nothing to do. Returns 0, or -1 and errno:
 *   EACCES  the region fd is read-only
 *   EPERM   the caller has neither CAP_IPC_LOCK nor an unlimited RLIMIT_MEMLOCK
 *   EINTR   a signal arrived; what is in stays: call again for the rest
 *   ENOMEM  no memory, or the caller's memory cgroup has reached its limit
 *   EIO     a page could not be read from swap, or is broken
 *   EINVAL  flags are not 0
 *   EFAULT, E2BIG  as everywhere
 * and whatever open(2) of the backing for reading answers the caller.
 */
#define SHPT_IOC_LOCK		_IO(SHPT_IOC_MAGIC, 9)
#define SHPT_IOC_UNLOCK		_IO(SHPT_IOC_MAGIC, 10)
struct shpt_no_args {
	__u32 size;		/* in: sizeof(struct shpt_no_args) */
	__u32 flags;		/* in: 0 */
};

/**
 * SHPT_IOC_REGISTER - give a region a name and keep it, on the region fd
 *
 * From now on the region, its pages and its tables stay without any guest or
 * region fd, until SHPT_IOC_UNREGISTER; nor can the backing be sealed with
 * F_SEAL_WRITE. The right to it is a writable region fd. Owner and group are
 * the caller's, as of a new file. The region counts among those that the caller
 * has open (max_regions_per_user).
 *
 * A name is what shm_open(3) takes, up to 63 bytes: "/pool" and "pool" are the
 * same. There is one space of names for the whole machine. An empty name is
 * allowed: then the region is found by its backing or its id. Returns 0, or -1
 * and errno:
 *   EINVAL        mode has other bits than 0666; or the name has a slash that
 *                 is not its beginning, or a control character, or is "/", "."
 *                 or ".."
 *   ENAMETOOLONG  the name does not end within its 64 bytes
 *   EACCES        the region fd is read-only, or of SHPT_IOC_OPEN_ID
 *   EALREADY      this region is registered, under whatever name
 *   EEXIST        another region has this name
 *   ENFILE        module parameter max_registered is reached
 *   EDQUOT        module parameter max_registered_per_user is reached: the
 *                 caller, who lacks CAP_SYS_RESOURCE, owns that many; or
 *                 max_regions_per_user, if others opened the region for him
 *   ENOMEM, EFAULT, E2BIG  as everywhere
 */
#define SHPT_IOC_REGISTER	_IO(SHPT_IOC_MAGIC, 11)
struct shpt_register {
	__u32 size;		/* in: sizeof(struct shpt_register) */
	__u32 flags;		/* in: 0 */
	__u32 mode;		/* in: who may open the name; less the umask */
	__u32 reserved;		/* in: 0 */
	char name[SHPT_NAME_BYTES]; /* in: ends with a zero byte */
};

/**
 * SHPT_IOC_UNREGISTER - take name and keeping away again, on the region fd
 *
 * Guests and region fds go on as they were; with the last of them the region
 * ends. Returns 0, or -1 and errno:
 *   ENOENT  the region is not registered
 *   EPERM   the caller is not its owner and lacks CAP_SYS_ADMIN
 *   EFAULT, EINVAL, E2BIG  as everywhere
 */
#define SHPT_IOC_UNREGISTER	_IO(SHPT_IOC_MAGIC, 12)
struct shpt_unregister {
	__u32 size;		/* in: sizeof(struct shpt_unregister) */
	__u32 flags;		/* in: 0 */
};

/**
 * SHPT_IOC_OPEN_NAMED - open a registered region by its name, on the device fd
 *
 * Returns a new region fd, or -1 and errno:
 *   EINVAL  unknown flags, the name is empty, or as for SHPT_IOC_REGISTER
 *   ENAMETOOLONG  as for SHPT_IOC_REGISTER
 *   ENOENT  no region has this name
 *   EACCES  mode, owner and group do not allow the caller to read, or to read
 *           and write, and he lacks CAP_DAC_OVERRIDE
 *   EPERM   for writing: the backing carries a seal against it by now; or
 *           mapping it is forbidden to the caller
 *   EDQUOT  as for SHPT_IOC_OPEN_REGION
 *   EMFILE, EINTR, ENOMEM, EFAULT, E2BIG  as everywhere
 * and whatever open(2) and mmap(2) of the backing answer the caller.
 */
#define SHPT_IOC_OPEN_NAMED	_IO(SHPT_IOC_MAGIC, 13)
struct shpt_open_named {
	__u32 size;		/* in: sizeof(struct shpt_open_named) */
	__u32 flags;		/* in: 0 or SHPT_OPEN_READ_ONLY */
	char name[SHPT_NAME_BYTES]; /* in: as registered */
};

/**
 * SHPT_IOC_OPEN_ID - open any region by its id to steer it, on the device fd
 *
 * For what was found in sysfs. The fd that is returned takes ioctls: all of a
 * writable region fd but SHPT_IOC_POPULATE and SHPT_IOC_REGISTER, which are
 * EACCES as mmap(2) is. Or -1 and errno:
 *   ENOENT  there is no such region (any more)
 *   EPERM   the caller lacks CAP_SYS_ADMIN, and the region is not registered or
 *           has another owner
 *   EMFILE, ENOMEM, EFAULT, EINVAL, E2BIG  as everywhere
 */
#define SHPT_IOC_OPEN_ID	_IO(SHPT_IOC_MAGIC, 14)
struct shpt_open_id {
	__u32 size;		/* in: sizeof(struct shpt_open_id) */
	__u32 flags;		/* in: 0 */
	__u64 id;		/* in: as in struct shpt_region_info */
};

#endif /* _UAPI_SHPT_H */
