/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - the module's structures, and who may touch what when
 *
 * Objects, from the file to the process:
 *
 *   shpt_region	one per backing inode, while a region file is open or
 *			mapped. Found by the inode.
 *   shpt_host		an address space whose page tables are shared. A region
 *			has one for each access and NUMA node in use.
 *   shpt_chunk		one chunk of a host: how many guests link to it.
 *   shpt_mm		one per process that maps regions, or did: its links.
 *   shpt_guest		one per process and region, while it has mappings of it.
 *   shpt_link		one per chunk of a process's address space that is or
 *			was a guest's: the PUD entry that is swapped, and the
 *			notifier that it depends on.
 *
 * Locks, outermost first:
 *
 *   registry_lock	    registrations (register.c)
 *   shpt_open_lock	    creating a region
 *     shpt_regions_lock    the table of regions; held for moments
 *   shpt_region.renewing   replacing a region's hosts
 *     shpt_region.making   making them
 *   guest's mmap_lock	    shpt_mm.guests, shpt_guest.vmas, vm_private_data,
 *			    making links
 *     shpt_host.covering	a turn to widen a host; waiting for it can be killed
 *     shpt_region.hosts_lock   which hosts a region has; held for moments, also
 *			    inside of shpt_regions_lock
 *     host's mmap_lock	    nested as SINGLE_DEPTH_NESTING; read in faults
 *       file system locks
 *     shpt_mm.lock	    links: states, sequence numbers, the PUD entries
 *     shpt_region.guests_lock	writers of the guest list (readers use RCU)
 *
 * shpt_mm.lock may be taken in an ftrace callback with interrupts off, so nobody
 * who holds it waits for an IPI, nor for a lock whose holder may. The host's
 * mmap_lock is held for write only by the module's workers, and not with a
 * guest's. Workers that need a guest's mmap_lock (adoption, retire.c) hold no
 * lock meanwhile, and nobody waits for them under any.
 */
#ifndef SHPT_INTERNAL_H
#define SHPT_INTERNAL_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat.h"
#include "uapi/shpt.h"

#define CHUNK_SIZE	PUD_SIZE
#define CHUNK_MASK	PUD_MASK
#define CHUNK_SHIFT	PUD_SHIFT

/* Where a host maps the file's beginning; not 0, which mmap_min_addr forbids. */
#define HOST_BASE	CHUNK_SIZE

static_assert(SHPT_CHUNK_SHIFT == PUD_SHIFT);

/* What a host's mapping allows, and so which guests link to it. */
enum shpt_access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_SYNC,		/* for writing, with MAP_SYNC */
	NR_ACCESSES
};

/* Of the hosts that a mapping with these flags links to. */
static inline enum shpt_access shpt_access_of(unsigned long vm_flags)
{
	if (!(vm_flags & VM_WRITE))
		return ACCESS_READ;
	return vm_flags & VM_SYNC ? ACCESS_SYNC : ACCESS_WRITE;
}

enum shpt_backing_kind {
	BACKING_SHMEM,
	BACKING_FSDAX,
	BACKING_DEVDAX,
};

struct shpt_region {
	struct kobject kobj;		/* its directory in sysfs; its lifetime */
	u64 id;
	struct inode *key;		/* the backing's inode */
	struct hlist_node hash;		/* shpt_regions_lock */
	unsigned int files;		/* what keeps it; shpt_regions_lock */
	unsigned int writers;		/* of these, open for writing */
	struct xarray users;		/* files by uid; shpt_regions_lock */
	struct file *backing;		/* the module's own, read-only */
	struct inode *inode;		/* what region files are open on */
	struct mem_cgroup *memcg;	/* pays for mode "always" */
	enum shpt_backing_kind kind;
	u64 device_bytes;		/* size of a device-dax */
	bool locked;			/* pages stay in memory; hosts_lock */
	struct shpt_registration *registration;	/* registry_lock */

	/* Semaphores, as who asks takes them and a worker gives them back. */
	struct semaphore renewing;	/* replacing hosts, to the end */
	struct semaphore making;	/* making hosts, until they are in place */
	struct mutex hosts_lock;	/* writers of hosts, chunks, node, memcg */
	struct xarray hosts;		/* struct shpt_host by slot */
	unsigned long chunks;		/* that guests have mapped, at most */
	int node;			/* policy: a node or SHPT_NODE_* */
	bool sync;			/* has hosts with ACCESS_SYNC */

	struct delayed_work scan_work;	/* mode "always" */
	u32 reclaim_mode;		/* SHPT_RECLAIM_* */
	u64 scan_interval_ms;
	u64 scan_bytes;			/* a pass */
	unsigned long next_chunk;	/* this and below: scan_work only */
	u64 found_bytes;

	spinlock_t guests_lock;		/* writers of guests */
	struct list_head guests;	/* RCU: who must hear of host events */
	atomic_t nr_guests;
	atomic_long_t links;
	atomic64_t faults_served;
	atomic64_t flushes;
	atomic64_t unlinks_by[SHPT_UNLINK_CAUSES];
	atomic64_t misplaced;
	atomic64_t reclaimed;
};

/* What keeps a region without guests, and who may open it by name. */
struct shpt_registration {
	struct list_head list;
	struct file *file;		/* a region file of the module's own */
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	char name[SHPT_NAME_BYTES];	/* without slash; may be empty */
};

struct shpt_host {
	struct kref ref;
	struct rcu_head rcu;
	struct mmu_notifier mn;
	struct mm_struct *mm;		/* mm_users held until destroyed */
	const struct vm_operations_struct *vm_ops;	/* of its mapping */
	struct shpt_region *region;
	struct file *file;		/* what it maps */
	enum shpt_access access;
	int node;			/* NUMA_NO_NODE: wherever it comes */
	bool retired;			/* nobody may link any more */
	struct list_head retiring;	/* hosts.c */
	struct semaphore covering;	/* as those of a region */
	unsigned long covered;		/* chunks mapped so far, only grows */
	unsigned long touched;		/* chunks below which all tables are */
	struct xarray chunks;		/* struct shpt_chunk by file chunk */
};

struct shpt_chunk {
	struct shpt_host *host;
	atomic_t links;
};

struct shpt_mm {
	struct mmu_interval_notifier life;	/* tells of the mm's end */
	struct kref ref;
	struct rcu_work free_work;
	struct hlist_node hash;
	struct mm_struct *mm;
	struct list_head guests;

	spinlock_t lock;		/* all below */
	struct xarray links;		/* struct shpt_link by address chunk */
	u64 unlink_seq;			/* one for each unlink */
	unsigned long ended;		/* invalidations up to this number */
	bool foreign;			/* another MMU registered: never link */
	struct work_struct foreign_work;
};

struct shpt_guest {
	struct list_head in_region;
	struct list_head in_mm;
	struct shpt_mm *smm;
	struct shpt_region *region;
	unsigned long vmas;
	int node;			/* where it first faulted */
	unsigned int links;		/* smm->lock; not FREE ones */
	struct rcu_head rcu;
};

enum shpt_link_state {
	LINK_FREE = 0,	/* the PUD entry is the guest's own */
	LINK_LINKED,	/* the PUD entry is the host's */
	LINK_UNFLUSHED,	/* swapped back, but TLBs may still know the host's */
};

/*
 * All below smm is under smm->lock; pudp and parked mean something while LINKED.
 * Of the interval only the number is ours to change, under that lock too.
 */
struct shpt_link {
	struct mmu_interval_notifier interval;	/* on the chunk, always */
	struct shpt_mm *smm;
	enum shpt_link_state state;
	struct shpt_guest *guest;	/* NULL: the mapping is gone */
	struct shpt_chunk *chunk;
	pud_t *pudp;
	pud_t parked;
	u64 unlinked_at;		/* smm->unlink_seq when UNFLUSHED */
#ifdef CONFIG_DEBUG_VM
	struct task_struct *swapped_by;	/* the last time */
	u64 swapped_gen;		/* the mm's TLB generation then */
#endif
};

/* main.c */
extern struct workqueue_struct *shpt_wq;
extern struct workqueue_struct *shpt_adoption_wq;
extern struct workqueue_struct *shpt_hosts_wq;
extern struct workqueue_struct *shpt_renew_wq;
extern struct workqueue_struct *shpt_node_wq;
int shpt_copy_args(void *args, size_t known, const void __user *from,
		   u32 *size);
int shpt_return_args(void __user *to, u32 size, const void *args,
		     size_t known);

/* call.c */
struct shpt_call {
	struct work_struct work;
	struct completion done;
	refcount_t users;		/* the worker and the one who waits */
	int (*run)(struct shpt_call *call);
	void (*free)(struct shpt_call *call);
	bool abandoned;			/* nobody waits any more */
	int err;
};

void shpt_call_init(struct shpt_call *call, int (*run)(struct shpt_call *call),
		    void (*free)(struct shpt_call *call));
void shpt_call_put(struct shpt_call *call);
int shpt_call_wait(struct shpt_call *call, int cpu,
		   struct workqueue_struct *wq);

/* backing.c */
int shpt_backing_kind(const struct file *file);
unsigned long shpt_backing_granule(enum shpt_backing_kind kind);
int shpt_backing_init(struct shpt_region *region);
u64 shpt_backing_bytes(const struct shpt_region *region);

/* region.c */
extern struct mutex shpt_open_lock;
extern const struct file_operations shpt_region_fops;
int shpt_region_open(const struct shpt_open_region *args);
struct file *shpt_region_open_id(u64 id);
struct file *shpt_region_reopen(struct shpt_region *region, int flags);
int shpt_region_ask_mmap(struct shpt_region *region, enum shpt_access access);
struct shpt_region *shpt_region_of(const struct file *file);
struct file *shpt_open_backing(const struct path *path, int access);
void shpt_region_pin(struct shpt_region *region);
bool shpt_region_pin_live(struct shpt_region *region);
void shpt_region_unpin(struct shpt_region *region);
void shpt_region_info(struct shpt_region *region,
		      struct shpt_region_info *info, bool saved);
void shpt_regions_info(struct shpt_region_info *sum, unsigned int *regions);
s64 shpt_regions_saved_bytes(void);

/* register.c */
long shpt_register(struct file *file, void __user *argp);
long shpt_unregister(struct shpt_region *region, void __user *argp);
long shpt_open_named(void __user *argp);
long shpt_open_id(void __user *argp);
unsigned int shpt_registered(void);

/* hosts.c */
int shpt_hosts_open(struct shpt_region *region, const struct path *path,
		    enum shpt_access access);
void shpt_hosts_close_writable(struct shpt_region *region);
void shpt_hosts_destroy(struct shpt_region *region);
struct shpt_host *shpt_hosts_get(struct shpt_region *region,
				 enum shpt_access access, int node);
struct shpt_host *shpt_hosts_find(struct shpt_region *region,
				  enum shpt_access access, int node);
struct shpt_host *shpt_hosts_next(struct shpt_region *region,
				  struct shpt_host *host);
int shpt_hosts_cover(struct shpt_region *region, unsigned long chunks,
		     enum shpt_access access);
int shpt_hosts_set_node(struct shpt_region *region, int node);
int shpt_hosts_renew(struct shpt_region *region, u64 *freed_bytes);
int shpt_hosts_renew_here(struct shpt_region *region, struct mem_cgroup *memcg,
			  u64 *freed_bytes);

/* host.c */
struct shpt_host *shpt_host_create(struct shpt_region *region,
				   enum shpt_access access, int node,
				   struct file *file);
void shpt_host_destroy(struct shpt_host *host);
bool shpt_host_get(struct shpt_host *host);
void shpt_host_put(struct shpt_host *host);
int shpt_host_map(struct shpt_host *host, unsigned long chunks);
int shpt_host_cover(struct shpt_host *host, unsigned long chunks);
vm_fault_t shpt_host_fault_here(struct shpt_host *host, pgoff_t pgoff,
				unsigned int flags);
vm_fault_t shpt_host_fault(struct shpt_host *host, pgoff_t pgoff,
			   unsigned int flags);
struct shpt_chunk *shpt_host_chunk(struct shpt_host *host, unsigned long chunk);
unsigned long shpt_max_chunks(const struct shpt_region *region);

/* node.c */
vm_fault_t shpt_node_fault(struct shpt_host *host, pgoff_t pgoff,
			   unsigned int flags);

/* tables.c */
unsigned long shpt_host_mapped(struct shpt_host *host, pgoff_t pgoff,
			       bool write);
bool shpt_host_has_table(struct shpt_host *host, pgoff_t pgoff, int *node);
bool shpt_host_pud(struct shpt_host *host, unsigned long chunk, pud_t *pud);
u64 shpt_host_unshared_bytes(struct shpt_host *host);
u64 shpt_host_empty_bytes(struct shpt_host *host, unsigned long first,
			  unsigned long last);
void shpt_host_copy(struct shpt_host *to, struct shpt_host *from,
		    const bool *enough);

/* retire.c */
void shpt_retire_hosts(struct shpt_region *region, struct list_head *hosts);

/* lock.c */
int shpt_lock(struct shpt_region *region);
void shpt_unlock(struct shpt_region *region);
bool shpt_set_locked(struct shpt_region *region, bool locked);
void shpt_make_evictable(struct shpt_region *region);

/* reclaim.c */
int shpt_reclaim(struct shpt_region *region, struct shpt_reclaim *args);
int shpt_set_reclaim(struct shpt_region *region,
		     const struct shpt_set_reclaim *args);
void shpt_reclaim_init(struct shpt_region *region);
void shpt_reclaim_stop(struct shpt_region *region);

/* donor.c */
struct mm_struct *shpt_donor_get_mm(void);
int shpt_donor_donate(void);

/* guest.c */
extern const struct vm_operations_struct shpt_vm_ops;
extern const struct vm_operations_struct shpt_fsdax_vm_ops;
int shpt_guest_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long shpt_guest_get_unmapped_area(struct file *file,
					   unsigned long addr,
					   unsigned long len,
					   unsigned long pgoff,
					   unsigned long flags);
int shpt_guest_adopt_all(struct mm_struct *mm);
int shpt_mapping_info(struct shpt_mapping_info *info);

static inline bool shpt_vma_is_guest(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &shpt_vm_ops ||
	       vma->vm_ops == &shpt_fsdax_vm_ops;
}

/* fault.c */
vm_fault_t shpt_fault(struct vm_fault *vmf);
vm_fault_t shpt_huge_fault(struct vm_fault *vmf, unsigned int order);
vm_fault_t shpt_mkwrite(struct vm_fault *vmf);

/* charge.c */
vm_fault_t shpt_charge(struct shpt_host *host, struct mm_struct *mm,
		       vm_flags_t vm_flags, pgoff_t pgoff);

/* populate.c */
int shpt_populate(struct shpt_region *region, enum shpt_access access,
		  struct shpt_populate *args);

/* link.c */
struct shpt_mm *shpt_mm_find(struct mm_struct *mm);
struct shpt_mm *shpt_mm_register(struct mm_struct *mm);
void shpt_mm_put(struct shpt_mm *smm);
void shpt_mm_put_all(void);
void shpt_mm_set_foreign(struct mm_struct *mm);
bool shpt_mm_registers(struct mm_struct *mm);
bool shpt_is_our_interval(const struct mmu_interval_notifier_ops *ops);
void shpt_check_flushed(struct shpt_mm *smm, unsigned long addr);
struct shpt_host *shpt_linked_host(struct shpt_mm *smm, unsigned long addr);
int shpt_link(struct shpt_guest *guest, struct shpt_host *host,
	      unsigned long addr, pud_t *pudp, pgoff_t pgoff);
void shpt_await_invalidations(struct shpt_mm *smm, unsigned long addr);
void shpt_unlink(struct shpt_mm *smm, unsigned long start, unsigned long end);
void shpt_unlink_retired(struct shpt_mm *smm);
int shpt_links_make(struct shpt_guest *guest, unsigned long start,
		    unsigned long end, gfp_t gfp);
void shpt_links_leave(struct shpt_mm *smm, unsigned long start,
		      unsigned long end);
unsigned long shpt_links_count(struct shpt_mm *smm, unsigned long start,
			       unsigned long end);

/* tlb.c */
void shpt_flush_mm(struct mm_struct *mm);
void shpt_flush_region(struct shpt_region *region);
int shpt_tlb_init(void);
void shpt_tlb_exit(void);

/* foreign.c */
int shpt_foreign_init(void);
void shpt_foreign_exit(void);

/* sysfs.c */
extern const struct attribute_group *shpt_device_groups[];
extern const struct attribute_group *shpt_region_groups[];
extern const struct attribute_group shpt_registration_group;
void shpt_sysfs_prepare(void);
void shpt_sysfs_init(struct kobject *device);
void shpt_sysfs_exit(void);
extern struct kobject *shpt_region_dir;

#endif /* SHPT_INTERNAL_H */
