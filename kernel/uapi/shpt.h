/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shpt.h - the contract between the shpt kernel module and its users.
 *
 * shpt lets all processes that map the same shmem or FS-DAX file share one
 * set of page tables. The file is the backing; what the module knows of it is
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
 * registering it. The same
 * backing inode always means the same region, whoever asks. Region fds are
 * close-on-exec, can be passed over sockets and inherited over fork(2);
 * fsync(2), msync(2) and posix_fadvise(2) on them act on the backing; read(2),
 * write(2) and open(2) through /proc/PID/fd are refused.
 *
 * Structs: each begins with its own size in bytes as the caller knows it, and
 * with flags. Bytes that one side does not know must be zero (-E2BIG), and so
 * must unknown flags (-EINVAL): both sides can grow.
 *
 * mmap(2) of a region fd:
 *   EINVAL      address, length or offset is not a multiple of
 *               SHPT_CHUNK_BYTES, or the mapping is not MAP_SHARED
 *   EPERM       PROT_EXEC, or the backing carries a seal against writing
 *   EOPNOTSUPP  the mapping is not PROT_READ | PROT_WRITE, or is MAP_SYNC
 *   EBUSY       another MMU (KVM, RDMA on-demand paging, HMM, IOMMU SVA)
 *               watches or once watched this process; it would not hear of
 *               changes to the shared tables
 *   EOVERFLOW   beyond the largest offset that the backing's file system has
 *   EINTR       a signal arrived; call again
 *   ENOMEM      no memory, or no room in the address space
 *
 * With MAP_FIXED what was mapped there before may be gone even if it fails.
 *
 * On a mapping: munmap(2) of anything but whole chunks, every mprotect(2) (but
 * PROT_EXEC, which is EACCES), mremap(2) to an unaligned address: EINVAL.
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
 *   ENODEV       the backing is neither shmem nor FS-DAX (an ordinary file on
 *                a disk file system, a directory, a device)
 *   EMEDIUMTYPE  the backing is hugetlb: map it as it is, the kernel itself
 *                shares page tables there
 *   EACCES       backing_fd is not open for reading and writing
 *   EPERM        the backing carries a seal against writing, is append-only,
 *                or mapping it is forbidden to the caller
 *   ENOPKG       the helper program that donates the host's address space
 *                did not run; the kernel log names the path that was tried
 *   ENFILE       module parameter max_regions is reached
 *   EDQUOT       module parameter max_regions_per_user is reached: the caller,
 *                who lacks CAP_SYS_RESOURCE, was the first to open that many
 *   EMFILE       the caller has too many open files
 *   EINTR        a signal arrived; call again
 *   ENOMEM       no memory
 * and whatever mmap(2) of one page of the backing answers the caller.
 */
#define SHPT_IOC_OPEN_REGION	_IO(SHPT_IOC_MAGIC, 1)
struct shpt_open_region {
	__u32 size;		/* in: sizeof(struct shpt_open_region) */
	__u32 flags;		/* in: 0 */
	__s32 backing_fd;	/* in: the file to share, open O_RDWR */
	__u32 reserved;		/* in: 0 */
};

/**
 * SHPT_IOC_REGION_INFO - facts about a region, on the region fd
 *
 * The numbers are read one after the other while the region is in use; they
 * need not add up to the last one. Returns 0, or -1 and EFAULT, EINVAL, E2BIG.
 */
#define SHPT_IOC_REGION_INFO	_IO(SHPT_IOC_MAGIC, 2)
struct shpt_region_info {
	__u32 size;		/* in: sizeof(struct shpt_region_info) */
	__u32 flags;		/* in: 0 */
	__u64 id;		/* names the region below /sys; never reused */
	__u64 backing_bytes;	/* size of the backing now */
	__u64 hosts;		/* address spaces that own its tables */
	__u64 guests;		/* processes that map it */
	__u64 links;		/* chunks linked now, over all guests */
	__u64 table_bytes;	/* page tables of the hosts */
	__u64 parked_bytes;	/* guests' own empty tables behind links */
	/* What the guests' own tables would be, less the two above. */
	__s64 saved_bytes;
	__u64 faults_served;	/* faults of guests served by a host */
	__u64 flushes;		/* host events that flushed guests' TLBs */
	__u64 unlinks;		/* chunks unlinked since the beginning */
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
 * allocated, charged to the caller, and mapped for all guests. Several threads
 * may do it at once, each for a range of its own. Ends at the end of the
 * backing, if that comes first. Returns 0, or -1 and errno:
 *   EINVAL     offset or length is not a multiple of the page size, or length
 *              is 0, or they wrap
 *   EOVERFLOW  beyond the largest offset that the backing's file system has
 *   EINTR      a signal arrived; call again for the rest
 *   EIO        a page cannot be read, or is poisoned
 *   ENOMEM     no memory, or the caller's memory cgroup has reached its limit
 *   EFAULT, E2BIG  as everywhere
 * populated is set in all cases but EFAULT, E2BIG and EINVAL.
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
 * SHPT_IOC_REGISTER - give a region a name and keep it, on the region fd
 *
 * From now on the region, its pages and its tables stay without any guest or
 * region fd, until SHPT_IOC_UNREGISTER. The right to it is a region fd open for
 * reading and writing. Owner and group are the caller's, as of a new file. The
 * region counts among those of its owner (max_regions_per_user).
 *
 * A name is what shm_open(3) takes, up to 63 bytes: "/pool" and "pool" are the
 * same. There is one space of names for the whole machine. An empty name is
 * allowed: then the region is found by its backing or its id. Returns 0, or -1
 * and errno:
 *   EINVAL        mode has other bits than 0666; or the name has a slash that
 *                 is not its beginning, or a control character, or is "/", "."
 *                 or ".."
 *   ENAMETOOLONG  the name does not end within its 64 bytes
 *   EACCES        the region fd is not open for reading and writing
 *   EALREADY      this region is registered, under whatever name
 *   EEXIST        another region has this name
 *   ENFILE        module parameter max_registered is reached
 *   EDQUOT        module parameter max_registered_per_user is reached: the
 *                 caller, who lacks CAP_SYS_RESOURCE, owns that many
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
 *   EINVAL, ENAMETOOLONG  as for SHPT_IOC_REGISTER, or the name is empty
 *   ENOENT  no region has this name
 *   EACCES  mode, owner and group do not allow the caller to read and write,
 *           who lacks CAP_DAC_OVERRIDE
 *   EPERM   the backing carries a seal against writing by now, or mapping it is
 *           forbidden to the caller
 *   EMFILE, EINTR, ENOMEM, EFAULT, E2BIG  as everywhere
 */
#define SHPT_IOC_OPEN_NAMED	_IO(SHPT_IOC_MAGIC, 13)
struct shpt_open_named {
	__u32 size;		/* in: sizeof(struct shpt_open_named) */
	__u32 flags;		/* in: 0 */
	char name[SHPT_NAME_BYTES]; /* in: as registered */
};

/**
 * SHPT_IOC_OPEN_ID - open any region by its id to steer it, on the device fd
 *
 * For what was found in sysfs. The fd that is returned takes ioctls only:
 * mmap(2) is EACCES, and so is what else needs a region fd open for reading or
 * writing. Or -1 and errno:
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
