// SPDX-License-Identifier: GPL-2.0-only
/*
 * hosts.c - which hosts a region has
 *
 * One for each access and node in use: the access is what guests' mappings
 * allow, the nodes follow from the region's policy. A region has a host for
 * reading from the beginning to the end: every file of it can be mapped so. One
 * for writing is there while region files are open for writing, no longer: it
 * would keep the backing from being sealed. One with MAP_SYNC is there only if
 * somebody asked for it when he opened the region, as all who link to it pay
 * with a commit of the file system's journal for first writes.
 *
 * A read-only guest must not link to a writable host, write bit cleared in its
 * PUD entry or not: GUP-fast looks at the leaf entries alone, and so read(2)
 * into a read-only mapping would write.
 *
 * Hosts are made by workers (making_lock), as it takes long, and put in place
 * by exchange in a table (hosts_lock, held for moments). A fault looks hosts up
 * without a lock, and may use what it finds for as long as it holds the guest's
 * mmap_lock: a host that was taken out of the table is destroyed only after
 * each guest's mmap_lock was had for write (retire.c). The exceptions need
 * none of this: a host for writing whose last file is closed has no guests, as
 * their VMAs hold the file, nor has any when the region ends.
 *
 * To change what cannot be changed in a host with guests (the node of its
 * tables, or tables that map nothing) all are renewed: successors are made,
 * given what their predecessors have mapped, and exchanged; then the
 * predecessors are retired.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "internal.h"

static_assert(SHPT_NODE_ONE == NUMA_NO_NODE);

static unsigned long slot_of(enum shpt_access access, int node)
{
	return (unsigned long)(node + 1) * NR_ACCESSES + access;
}

/* Does a node have CPUs to fault, and memory? */
static bool is_full_node(int node)
{
	return node_state(node, N_CPU) && node_state(node, N_MEMORY);
}

static bool policy_has_node(int policy, int node)
{
	if (policy == SHPT_NODE_LOCAL)
		return node != NUMA_NO_NODE && is_full_node(node);
	return node == policy;
}

/*
 * The host for an access, on a node if there is one. The caller holds the
 * mmap_lock of a guest that has this access.
 */
struct shpt_host *shpt_hosts_find(struct shpt_region *region,
				  enum shpt_access access, int node)
{
	struct shpt_host *host = xa_load(&region->hosts, slot_of(access, node));
	unsigned long slot;

	if (host)
		return host;
	/* The policy has just changed, or the node has no host. */
	xa_for_each(&region->hosts, slot, host) {
		if (host->access == access)
			return host;
	}
	return NULL;
}

/*
 * To go through all hosts: the one after host, or the first after NULL, with a
 * reference. That of host is given back, so who does not go on to the end has
 * to do that for the last one.
 */
struct shpt_host *shpt_hosts_next(struct shpt_region *region,
				  struct shpt_host *host)
{
	unsigned long slot = 0;
	struct shpt_host *next;

	if (host) {
		slot = slot_of(host->access, host->node) + 1;
		shpt_host_put(host);
	}
	rcu_read_lock();
	next = xa_find(&region->hosts, &slot, ULONG_MAX, XA_PRESENT);
	while (next && !shpt_host_get(next))
		next = xa_find_after(&region->hosts, &slot, ULONG_MAX,
				     XA_PRESENT);
	rcu_read_unlock();
	return next;
}

/* A host to learn from: on the same node if there is one. With a reference. */
static struct shpt_host *get_model(struct shpt_region *region,
				   enum shpt_access access, int node)
{
	struct shpt_host *host;

	mutex_lock(&region->hosts_lock);
	host = shpt_hosts_find(region, access, node);
	if (host && !shpt_host_get(host))
		host = NULL;
	mutex_unlock(&region->hosts_lock);
	return host;
}

static void destroy_all(struct list_head *hosts)
{
	struct shpt_host *host, *next;

	list_for_each_entry_safe(host, next, hosts, retiring) {
		list_del(&host->retiring);
		shpt_host_destroy(host);
	}
}

/* Out of the table; under hosts_lock. */
static void take_out(struct shpt_region *region, struct shpt_host *host,
		     struct list_head *hosts)
{
	xa_erase(&region->hosts, slot_of(host->access, host->node));
	list_add(&host->retiring, hosts);
}

/* No file is open for writing any more, unless somebody was quicker. */
void shpt_hosts_close_writable(struct shpt_region *region)
{
	struct shpt_host *host;
	unsigned long slot;
	LIST_HEAD(closed);

	mutex_lock(&region->hosts_lock);
	if (!READ_ONCE(region->writers)) {
		xa_for_each(&region->hosts, slot, host) {
			if (host->access != ACCESS_READ)
				take_out(region, host, &closed);
		}
		region->sync = false;
	}
	mutex_unlock(&region->hosts_lock);
	destroy_all(&closed);
}

/* The region has no file any more. */
void shpt_hosts_destroy(struct shpt_region *region)
{
	struct shpt_host *host;
	unsigned long slot;
	LIST_HEAD(all);

	mutex_lock(&region->hosts_lock);
	xa_for_each(&region->hosts, slot, host)
		take_out(region, host, &all);
	mutex_unlock(&region->hosts_lock);
	destroy_all(&all);
}

/*
 * Have all hosts map so many chunks of the backing at least. May be called
 * under a guest's mmap_lock. Returns as shpt_host_cover() does.
 */
int shpt_hosts_cover(struct shpt_region *region, unsigned long chunks)
{
	struct shpt_host *host = NULL;
	int err = 0;

	if (chunks > shpt_max_chunks(region))
		return -EOVERFLOW;
	/* A host is put in the table either before and found, or after. */
	mutex_lock(&region->hosts_lock);
	region->chunks = max(region->chunks, chunks);
	mutex_unlock(&region->hosts_lock);
	while ((host = shpt_hosts_next(region, host)))
		err = err ?: shpt_host_cover(host, chunks);
	return err;
}

/*
 * Have new hosts map all that guests may need, and take hosts_lock. Mapping is
 * not done under it: shpt_hosts_cover() takes it under a guest's mmap_lock.
 */
static int lock_covered(struct shpt_region *region, struct list_head *made)
{
	struct shpt_host *host;
	unsigned long chunks;
	int err;

	for (;;) {
		chunks = READ_ONCE(region->chunks);
		list_for_each_entry(host, made, retiring) {
			err = shpt_host_map(host, chunks);
			if (err)
				return err;
		}
		mutex_lock(&region->hosts_lock);
		if (region->chunks <= chunks)
			return 0;
		mutex_unlock(&region->hosts_lock);
	}
}

/*
 * Put hosts in the table, and those that were there on a list; under
 * hosts_lock. Hosts for writing that nobody needs any more stay where they are.
 */
static void put_in(struct shpt_region *region, struct list_head *made,
		   struct list_head *old)
{
	struct shpt_host *host, *next, *replaced;

	list_for_each_entry_safe(host, next, made, retiring) {
		if (host->access != ACCESS_READ && !READ_ONCE(region->writers))
			continue;
		list_del_init(&host->retiring);
		replaced = xa_store(&region->hosts,
				    slot_of(host->access, host->node), host,
				    GFP_KERNEL | __GFP_NOFAIL);
		if (replaced)
			list_add(&replaced->retiring, old);
	}
}

struct making {
	struct shpt_region *region;
	enum shpt_access access;
	struct file *file;		/* NULL: that of a host there is */
	bool copy;
	struct list_head made;
};

/* One host; nothing if it is there already, and not to be renewed. */
static int make_host(struct making *making, int node)
{
	struct shpt_region *region = making->region;
	struct shpt_host *host, *model;
	int err = 0;

	model = get_model(region, making->access, node);
	if (!making->copy && model && model->node == node)
		goto out;
	if (!making->file && !model)
		goto out;
	host = shpt_host_create(region, making->access, node,
				making->file ?: model->file);
	if (IS_ERR(host)) {
		err = PTR_ERR(host);
		goto out;
	}
	list_add(&host->retiring, &making->made);
	if (making->copy)
		shpt_host_copy(host, model);
out:
	if (model)
		shpt_host_put(model);
	return err;
}

/* Those that a policy asks for, of one access. */
static int make_hosts(struct making *making, int policy)
{
	int node, err = 0;

	if (policy != SHPT_NODE_LOCAL)
		return make_host(making, policy);
	for_each_online_node(node) {
		if (!err && is_full_node(node))
			err = make_host(making, node);
	}
	return err;
}

struct hosts_call {
	struct shpt_call call;
	struct shpt_region *region;
	struct mem_cgroup *memcg;	/* whose tables the new ones are */
	struct file *file;		/* to open: of the backing */
	enum shpt_access access;
	int node;			/* to renew: the new policy */
	bool keep_node;			/* the policy that there is */
	u64 freed_bytes;		/* out */
};

static void hosts_call_free(struct shpt_call *call)
{
	struct hosts_call *req = container_of(call, struct hosts_call, call);

	if (req->file)
		fput(req->file);
	mem_cgroup_put(req->memcg);
	shpt_region_unpin(req->region);
	kfree(req);
}

/*
 * Who asks pays: at the limit of a memory cgroup its processes are killed, and
 * no other's may be for that. Where nobody asks it is who opened the region.
 */
static struct hosts_call *hosts_call_alloc(struct shpt_region *region,
					   int (*run)(struct shpt_call *call))
{
	struct hosts_call *req = kzalloc(sizeof(*req), GFP_KERNEL);

	if (!req)
		return NULL;
	shpt_call_init(&req->call, run, hosts_call_free);
	shpt_region_pin(region);
	req->region = region;
	if (current->mm)
		req->memcg = get_mem_cgroup_from_mm(current->mm);
	return req;
}

/* Make those of one access that the region lacks; under making_lock. */
static int add_hosts(struct shpt_region *region, enum shpt_access access,
		     struct file *file)
{
	struct making making = {
		.region = region,
		.access = access,
		.file = file,
		.made = LIST_HEAD_INIT(making.made),
	};
	LIST_HEAD(none);
	int err;

	err = make_hosts(&making, region->node);
	if (!err)
		err = lock_covered(region, &making.made);
	if (!err) {
		put_in(region, &making.made, &none);
		mutex_unlock(&region->hosts_lock);
	}
	destroy_all(&making.made);
	return err;
}

static int open_run(struct shpt_call *call)
{
	struct hosts_call *req = container_of(call, struct hosts_call, call);
	struct shpt_region *region = req->region;
	struct mem_cgroup *old;
	int err;

	old = set_active_memcg(req->memcg ?: region->memcg);
	mutex_lock(&region->making_lock);
	err = add_hosts(region, ACCESS_READ, region->backing);
	if (!err && req->access != ACCESS_READ)
		err = add_hosts(region, ACCESS_WRITE, req->file);
	if (!err && req->access == ACCESS_SYNC) {
		err = add_hosts(region, ACCESS_SYNC, req->file);
		if (!err)
			WRITE_ONCE(region->sync, true);
	}
	mutex_unlock(&region->making_lock);
	set_active_memcg(old);
	return err;
}

/**
 * shpt_hosts_open - see to it that a region has the hosts that a file needs
 * @region: the region; the caller has a file of it, counted as a writer if so
 * @path: of the backing
 * @access: what the file's mappings may be
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_hosts_open(struct shpt_region *region, const struct path *path,
		    enum shpt_access access)
{
	struct hosts_call *req = hosts_call_alloc(region, open_run);
	struct file *file;

	if (!req)
		return -ENOMEM;
	req->access = access;
	if (access != ACCESS_READ) {
		file = shpt_open_backing(path, O_RDWR);
		if (IS_ERR(file)) {
			hosts_call_free(&req->call);
			return PTR_ERR(file);
		}
		req->file = file;
	}
	return shpt_call_wait(&req->call, WORK_CPU_UNBOUND, shpt_hosts_wq);
}

static int make_successors(struct shpt_region *region, int policy,
			   struct list_head *made)
{
	enum shpt_access access;
	int err = 0;

	for (access = 0; !err && access < NR_ACCESSES; access++) {
		struct making making = {
			.region = region,
			.access = access,
			.copy = true,
			.made = LIST_HEAD_INIT(making.made),
		};

		err = make_hosts(&making, policy);
		list_splice(&making.made, made);
	}
	return err;
}

static u64 table_bytes(struct list_head *hosts)
{
	struct shpt_host *host;
	u64 bytes = 0;

	list_for_each_entry(host, hosts, retiring)
		bytes += mm_pgtables_bytes(host->mm);
	return bytes;
}

/*
 * First the new ones in, then out what has no successor: at no time does a
 * fault find no host.
 */
static int exchange(struct shpt_region *region, int policy,
		    struct list_head *made, struct list_head *old)
{
	struct shpt_guest *guest;
	struct shpt_host *host;
	unsigned long slot;
	int err;

	err = lock_covered(region, made);
	if (err)
		return err;
	put_in(region, made, old);
	WRITE_ONCE(region->node, policy);
	xa_for_each(&region->hosts, slot, host) {
		if (!policy_has_node(policy, host->node))
			take_out(region, host, old);
	}
	mutex_unlock(&region->hosts_lock);

	rcu_read_lock();
	list_for_each_entry_rcu(guest, &region->guests, in_region)
		WRITE_ONCE(guest->node, NUMA_NO_NODE);
	rcu_read_unlock();
	return 0;
}

static int renew_run(struct shpt_call *call)
{
	struct hosts_call *req = container_of(call, struct hosts_call, call);
	struct shpt_region *region = req->region;
	struct mem_cgroup *memcg;
	int policy, err;
	u64 before, after;
	LIST_HEAD(made);
	LIST_HEAD(old);

	memcg = set_active_memcg(req->memcg ?: region->memcg);
	mutex_lock(&region->making_lock);
	policy = req->keep_node ? region->node : req->node;
	err = make_successors(region, policy, &made);
	after = table_bytes(&made);
	if (!err)
		err = exchange(region, policy, &made, &old);
	mutex_unlock(&region->making_lock);
	set_active_memcg(memcg);

	before = table_bytes(&old);
	req->freed_bytes = before > after ? before - after : 0;
	destroy_all(&made);
	shpt_retire_hosts(region, &old);
	return err;
}

/*
 * Guests move to other hosts at their next fault. Also when -EINTR is returned
 * all is done in the end.
 */
static int renew(struct shpt_region *region, const int *node, u64 *freed_bytes)
{
	struct hosts_call *req = hosts_call_alloc(region, renew_run);
	int err;

	if (!req)
		return -ENOMEM;
	req->keep_node = !node;
	if (node)
		req->node = *node;
	/* Kept until its result is read. */
	refcount_inc(&req->call.users);
	err = shpt_call_wait(&req->call, WORK_CPU_UNBOUND, shpt_hosts_wq);
	if (!err && freed_bytes)
		*freed_bytes = req->freed_bytes;
	shpt_call_put(&req->call);
	return err;
}

/**
 * shpt_hosts_set_node - change where the tables of a region lie
 * @region: the region; the caller keeps it
 * @node: a node, or SHPT_NODE_*
 *
 * Returns 0 or an error of <shpt/uapi.h>.
 */
int shpt_hosts_set_node(struct shpt_region *region, int node)
{
	if (node < SHPT_NODE_LOCAL || node >= MAX_NUMNODES)
		return -EINVAL;
	if (node >= 0 && !(node_online(node) && is_full_node(node)))
		return -ENXIO;
	return renew(region, &node, NULL);
}

/**
 * shpt_hosts_renew - replace all hosts by ones without empty tables
 * @region: the region; the caller keeps it
 * @freed_bytes: gets what the new tables are smaller
 *
 * Returns 0, -EINTR, -ENOMEM or -ENOPKG.
 */
int shpt_hosts_renew(struct shpt_region *region, u64 *freed_bytes)
{
	return renew(region, NULL, freed_bytes);
}
