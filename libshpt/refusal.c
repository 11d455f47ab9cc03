// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * refusal.c - the kernel part's refusals in words
 *
 * The errnos are those of <shpt/uapi.h>; each sentence says what was refused
 * and what to do about it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define WHAT_CAN_BE_SHARED                                              \
	"put it on tmpfs, in a memfd or on a file system mounted with " \
	"-o dax=always"

/* For opening the device. */
int refuse_device(int err, struct reason *why)
{
	switch (err) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		if (access("/sys/class/misc/shpt", F_OK) == 0)
			return refuse(why, ENOENT,
				      SHPT_DEVICE
				      " is not there though the module is "
				      "loaded: let this container have the "
				      "device");
		return refuse(why, ENOENT,
			      SHPT_DEVICE
			      " is not there, the module is not loaded: run "
			      "\"modprobe shpt\"");
	case EACCES:
	case EPERM:
		return refuse(why, EACCES,
			      SHPT_DEVICE
			      ": no permission: add yourself to the group that "
			      "owns it, \"usermod -aG shpt USER\", and log in "
			      "anew");
	case EMFILE:
		return refuse(why, err,
			      SHPT_DEVICE
			      ": this process has too many open files: raise "
			      "\"ulimit -n\"");
	default:
		return refuse(why, err, SHPT_DEVICE ": %m");
	}
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals > 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

static int refuse_kind(int fd, const char *name, struct reason *why)
{
	char fs[FS_NAME_BYTES];
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return refuse(why, ENODEV, "%s is on %s without DAX: %s", name,
			      file_system(fd, fs), WHAT_CAN_BE_SHARED);
	return refuse(why, ENODEV,
		      "%s is not a regular file: share a file instead and %s",
		      name, WHAT_CAN_BE_SHARED);
}

static int refuse_permission(int fd, const char *name, struct reason *why)
{
	if (is_sealed(fd))
		return refuse(why, EPERM,
			      "%s is sealed against writing, for good: use a "
			      "memfd without F_SEAL_WRITE and "
			      "F_SEAL_FUTURE_WRITE",
			      name);
	return refuse(why, EPERM,
		      "%s may not be mapped writable: see whether it is "
		      "append-only (lsattr) or forbidden by a security module",
		      name);
}

static int refuse_unsupported(int fd, const char *name, struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		return refuse(why, EOPNOTSUPP,
			      "%s is aligned to 1 GiB: nothing to do, it is "
			      "mapped without page tables that could be shared",
			      name);
	return refuse(why, EOPNOTSUPP,
		      "%s: its file system offers no MAP_SYNC there: use a DAX "
		      "file system on persistent memory, or leave out MAP_SYNC "
		      "and call msync(2)",
		      name);
}

/* For SHPT_IOC_OPEN_REGION with @fd as the backing. */
int refuse_region(int err, int fd, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *name = file_name(fd, buffer);

	switch (err) {
	case EBADF:
		return refuse(why, err, "%s is not open", name);
	case ENODEV:
		return refuse_kind(fd, name, why);
	case EMEDIUMTYPE:
		return refuse(why, err,
			      "%s is hugetlb: nothing to do, the kernel itself "
			      "shares page tables of hugetlb files",
			      name);
	case EACCES:
		return refuse(why, err,
			      "%s is not open for reading, or not for writing "
			      "as a MAP_SYNC mapping needs it: open it with "
			      "O_RDWR",
			      name);
	case EPERM:
		return refuse_permission(fd, name, why);
	case EOPNOTSUPP:
		return refuse_unsupported(fd, name, why);
	case ENOPKG:
		return refuse(why, err,
			      "the helper program of the shpt module did not "
			      "run: dmesg names its path; put it there or run "
			      "\"modprobe shpt donor=PATH\"");
	case ENFILE:
		return refuse(
			why, err,
			"%s: the shpt module serves as many regions as it "
			"may: raise "
			"/sys/module/shpt/parameters/max_regions",
			name);
	case EDQUOT:
		return refuse(
			why, err,
			"%s: the shpt module serves as many regions of this "
			"user as it may: raise "
			"/sys/module/shpt/parameters/max_regions_per_user",
			name);
	case EMFILE:
		return refuse(why, err,
			      "%s: this process has too many open files: raise "
			      "\"ulimit -n\"",
			      name);
	case ENOMEM:
		return refuse(why, err, "%s: the kernel has no memory left",
			      name);
	case ENOTTY:
	case EINVAL:
	case E2BIG:
		return refuse(why, err,
			      SHPT_DEVICE
			      " does not know what this library asks of it: "
			      "install module and library of one version");
	default:
		return refuse(why, err, "%s cannot be shared: %m", name);
	}
}

/* For mmap(2) of the region of @fd. */
int refuse_guest(int err, int fd, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *name = file_name(fd, buffer);

	switch (err) {
	case EBUSY:
		return refuse(
			why, err,
			"another MMU (KVM, RDMA on-demand paging, HMM, "
			"IOMMU SVA) watches or once watched this process: "
			"share page tables in processes that use none");
	case EPERM:
		return refuse_permission(fd, name, why);
	case EACCES:
		return refuse(why, err,
			      "%s is not open for writing: open it with O_RDWR, "
			      "or leave out PROT_WRITE",
			      name);
	case EOVERFLOW:
		return refuse(why, err,
			      "%s: the last chunk ends beyond the largest "
			      "offset of its file system: map a lower part",
			      name);
	case ENOMEM:
		return refuse(
			why, err,
			"%s: no memory, or no room for whole chunks of "
			"1 GiB in the address space: see \"ulimit -v\" and "
			"vm.max_map_count",
			name);
	default:
		return refuse(why, err, "the shpt module refuses to map %s: %m",
			      name);
	}
}

/* For SHPT_IOC_SET_NODE as @req wants it. */
int refuse_node(int err, const struct request *req, struct reason *why)
{
	char buffer[FILE_NAME_BYTES];
	const char *name = file_name(req->fd, buffer);

	switch (err) {
	case EACCES:
		return refuse(
			why, err,
			"%s: only who may write to it has a say in the "
			"nodes of its page tables: open it with O_RDWR, or "
			"leave out the node policy",
			name);
	case EINVAL:
	case ENXIO:
		return refuse(
			why, ENXIO,
			"%s: node %u is not there, or has no memory or no "
			"CPU: see \"numactl --hardware\"",
			name, req->attr->node);
	default:
		return refuse_region(err, req->fd, why);
	}
}
