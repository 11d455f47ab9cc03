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
#include <inttypes.h>
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
static const struct mirror *search_mirrors(const struct subject *s, DIR *dir,
					   char **fd, char **target)
{
	const struct mirror *best = NULL, *next;
	struct dirent *entry;
	char *name, *link;

	while (!(best && best->certain) && (entry = readdir(dir))) {
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
	return best;
}

/*
 * The region that it has nothing linked of, while others, or it, have lost links
 * to another MMU; 0 if there is none.
 */
static uint64_t lost_region(const struct subject *s)
{
	int root = s->m->root, pagemap = pagemap_open(root, s->p.pid);
	uint64_t region = 0;

	for (size_t i = 0; i < s->p.n && pagemap >= 0 && !region; i++) {
		const struct process_mapping *m = &s->p.mappings[i];
		char *lost = NULL;

		if (is_guest(m))
			lost = fact_line(root,
					 "sys/class/misc/shpt/region/%" PRIu64
					 "/unlinks_by/foreign",
					 m->inode);
		if (lost && strcmp(lost, "0") != 0 &&
		    !pagemap_links(pagemap, m))
			region = m->inode;
		free(lost);
	}
	if (pagemap >= 0)
		close(pagemap);
	return region;
}

static void check_closed(struct report *r, const struct subject *s)
{
	uint64_t region = lost_region(s);

	if (region)
		found(r, "mmu", UNKNOWN,
		      "it has nothing linked of region %" PRIu64 ", of which "
		      "links went as another MMU came: if that was here, the "
		      "kernel's log names it",
		      region);
	else
		found(r, "mmu", OK,
		      "no descriptor of a device that watches page tables");
}

static void check_open(struct report *r, const struct subject *s,
		       const struct mirror *mirror, const char *fd,
		       const char *target)
{
	if (mirror->certain) {
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
}

void check_mmu(struct report *r, const struct subject *s)
{
	char *path = print("proc/%d/fd", s->p.pid), *fd = NULL, *target = NULL;
	int dir_fd =
		openat(s->m->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);
	const struct mirror *mirror =
		dir ? search_mirrors(s, dir, &fd, &target) : NULL;

	if (!dir)
		found(r, "mmu", UNKNOWN, "its descriptors cannot be seen");
	else if (mirror)
		check_open(r, s, mirror, fd, target);
	else
		check_closed(r, s);
	if (dir)
		closedir(dir);
	free(fd);
	free(target);
	free(path);
}
