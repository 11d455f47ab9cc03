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
 * at once. A region fd and its mappings keep the region alive. The same
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
 *   EOPNOTSUPP   the backing is a device-dax with an alignment of 1 GiB: map it
 *                as it is, there are no page tables to share
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
	/* Size of the backing now; of a device when the region was made. */
	__u64 backing_bytes;
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

#endif /* _UAPI_SHPT_H */
