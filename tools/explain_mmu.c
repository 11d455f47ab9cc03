// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_mmu.c - does another MMU watch a process, which then may not share
 *
 * The module refuses who has mmu notifiers that are not its own. They are not to
 * be seen from outside, but what registers them is reached by descriptors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

/* What has its own view of the process's page tables: certainly, or if its
 * driver is used so. A prefix of where a descriptor leads. */
static const struct mirror {
	const char *prefix;
	bool certain;
	const char *name;
} mirrors[] = {
	{ "anon_inode:kvm-v", true, "KVM" },
	{ "/dev/kfd", true, "AMD's compute driver" },
	{ "/dev/kvm", false, "KVM, once it runs a virtual machine" },
	{ "/dev/nvidia-uvm", false, "NVIDIA's unified memory" },
	{ "/dev/dri/", false, "a GPU driver with memory of the user's or HMM" },
	{ "/dev/infiniband/", false, "RDMA, with on-demand paging" },
	{ "/dev/vfio/", false, "VFIO, with shared virtual addressing" },
	{ "/dev/iommu", false, "iommufd, with shared virtual addressing" },
	{ "/dev/dsa/", false, "DSA, with shared virtual addressing" },
	{ "/dev/iax/", false, "IAA, with shared virtual addressing" },
	{ "/dev/uacce", false, "an accelerator" },
	{ "/dev/sgx", false, "SGX, once it has an enclave" },
	{ "/dev/xen/gntdev", false, "Xen's grants" },
};

static const struct mirror *find_mirror(const char *target)
{
	for (size_t i = 0; i < sizeof(mirrors) / sizeof(*mirrors); i++)
		if (!strncmp(target, mirrors[i].prefix,
			     strlen(mirrors[i].prefix)))
			return &mirrors[i];
	return NULL;
}

/* The one that is most certain; which descriptor, in *fd, and what that is. */
static const struct mirror *search_mirrors(const struct subject *s, char **fd,
					   char **target)
{
	char *path = print("proc/%d/fd", s->p.pid), *name, *link;
	int dir_fd =
		openat(s->m->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
	const struct mirror *best = NULL, *next;
	struct dirent *entry;

	free(path);
	while (dir && !(best && best->certain) && (entry = readdir(dir))) {
		name = print("fd/%s", entry->d_name);
		link = subject_link(s, name);
		free(name);
		next = link ? find_mirror(link) : NULL;
		if (next && (!best || next->certain)) {
			free(*fd);
			free(*target);
			*fd = print("%s", entry->d_name);
			*target = link;
			link = NULL;
			best = next;
		}
		free(link);
	}
	if (dir)
		closedir(dir);
	return best;
}

void check_mmu(struct report *r, const struct subject *s)
{
	char *fd = NULL, *target = NULL;
	const struct mirror *mirror = search_mirrors(s, &fd, &target);

	if (!mirror) {
		found(r, "mmu", OK,
		      "no descriptor of a device that watches "
		      "page tables");
	} else if (mirror->certain) {
		found(r, "mmu", NO,
		      "descriptor %s is %s: %s watches its page tables, so "
		      "that it may not share",
		      fd, target, mirror->name);
		mend(r, "share in processes that use no such device; to have "
			"closed it does not help");
	} else if (is_sharing(s)) {
		found(r, "mmu", NOTE,
		      "descriptor %s is %s: if that comes to watch its page "
		      "tables (%s), what it shares ends with SIGBUS",
		      fd, target, mirror->name);
	} else {
		found(r, "mmu", UNKNOWN,
		      "descriptor %s is %s: if that watches its page tables "
		      "(%s), it may not share",
		      fd, target, mirror->name);
	}
	free(fd);
	free(target);
}
