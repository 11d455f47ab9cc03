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
 * Hosts are made by workers, as it takes long, and put in place by exchange in a
 * table (hosts_lock, held for moments). Who needs hosts waits, killably, for his
 * turn at the region (making, renewing) before he occupies a worker: nobody can
 * fill the queue by asking again and again.
 *
 * A fault looks hosts up, and may use what it finds for as long as it holds the
 * guest's mmap_lock: a host that was taken out of the table is destroyed only
 * after each guest's mmap_lock was had for write (retire.c). A host for writing
 * whose last file is closed is destroyed without that. It has no guests, as
 * their VMAs hold the file, and a fault that looks for a host of another access
 * does not touch it: in the table's own slot it finds its like, and the search
 * beyond that is done under hosts_lock. When the region ends there is nobody.
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

/* The host for an access, on a node if there is one; under hosts_lock. */
static struct shpt_host *find_any(struct shpt_region *region,
				  enum shpt_access access, int node)
{
	struct shpt_host *host = xa_load(&region->hosts, slot_of(access, node));
	unsigned long slot;

	if (host)
		return host;
	xa_for_each(&region->hosts, slot, host) {
		if (host->access == access)
			return host;
	}
	return NULL;
}

/*
 * The same for a fault in a guest that has this access and whose mmap_lock is
 * held. The search is for when the policy has just changed, or the node has no
 * host, as it has CPUs but no memory.
 */
struct shpt_host *shpt_hosts_find(struct shpt_region *region,
				  enum shpt_access access, int node)
{
	struct shpt_host *host = xa_load(&region->hosts, slot_of(access, node));

	if (host)
		return host;
	mutex_lock(&region->hosts_lock);
	host = find_any(region, access, node);
	mutex_unlock(&region->hosts_lock);
	return host;
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

/* A host for an access, on a node if there is one there. With a reference. */
struct shpt_host *shpt_hosts_get(struct shpt_region *region,
				 enum shpt_access access, int node)
{
	struct shpt_host *host;

	mutex_lock(&region->hosts_lock);
	host = find_any(region, access, node);
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

/* Out of the table; under hosts_lock. It is of no use to who copies it. */
static void take_out(struct shpt_region *region, struct shpt_host *host,
		     struct list_head *hosts)
{
	WRITE_ONCE(host->retired, true);
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
		WRITE_ONCE(region->sync, false);
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
 * Have all hosts map so many chunks of the backing at least, but for those for
 * writing if it was sealed against that since, or is append-only now, and the
 * caller only reads. May be called under a guest's mmap_lock. Returns as
 * shpt_host_cover() does.
 */
int shpt_hosts_cover(struct shpt_region *region, unsigned long chunks,
		     enum shpt_access access)
{
	struct shpt_host *host = NULL;
	int err = 0, ret;

	if (chunks > shpt_max_chunks(region))
		return -EOVERFLOW;
	/* A host is put in the table either before and found, or after. */
	mutex_lock(&region->hosts_lock);
	region->chunks = max(region->chunks, chunks);
	mutex_unlock(&region->hosts_lock);
	while ((host = shpt_hosts_next(region, host))) {
		ret = err ?: shpt_host_cover(host, chunks);
		if ((ret != -EPERM && ret != -EACCES) || host->access <= access)
			err = ret;
	}
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
		if (host->access == ACCESS_SYNC)
			WRITE_ONCE(region->sync, true);
		if (replaced)
			list_add(&replaced->retiring, old);
	}
}

struct making {
	struct shpt_region *region;
	enum shpt_access access;
	struct file *file;		/* NULL: that of a host there is */
	bool copy;
	const bool *enough;		/* what is copied will do */
	struct list_head made;
};

/* One host; nothing if it is there already, and not to be renewed. */
static int make_host(struct making *making, int node)
{
	struct shpt_region *region = making->region;
	struct shpt_host *host, *model;
	int err = 0;

	model = shpt_hosts_get(region, making->access, node);
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
		shpt_host_copy(host, model, making->enough);
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

/* Make those of one access that the region lacks. */
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
		/* Left over if the one who wanted to write was killed. */
		if (!list_empty(&making.made))
			err = -EINTR;
	}
	destroy_all(&making.made);
	return err;
}

struct open_call {
	struct shpt_call call;
	struct shpt_region *region;
	struct file *file;		/* of the backing, to write */
	struct mem_cgroup *memcg;
	enum shpt_access access;
};

static int open_run(struct shpt_call *call)
{
	struct open_call *req = container_of(call, struct open_call, call);
	struct shpt_region *region = req->region;
	struct mem_cgroup *old;
	int err;

	old = set_active_memcg(req->memcg);
	err = add_hosts(region, ACCESS_READ, region->backing);
	if (!err && req->access != ACCESS_READ)
		err = add_hosts(region, ACCESS_WRITE, req->file);
	if (!err && req->access == ACCESS_SYNC)
		err = add_hosts(region, ACCESS_SYNC, req->file);
	set_active_memcg(old);
	up(&region->making);
	return err;
}

static void open_free(struct shpt_call *call)
{
	struct open_call *req = container_of(call, struct open_call, call);

	if (req->file)
		fput(req->file);
	mem_cgroup_put(req->memcg);
	shpt_region_unpin(req->region);
	kfree(req);
}

static struct open_call *open_call_alloc(struct shpt_region *region,
					 const struct path *path,
					 enum shpt_access access)
{
	struct open_call *req = kzalloc(sizeof(*req), GFP_KERNEL);
	struct file *file;

	if (!req)
		return ERR_PTR(-ENOMEM);
	if (access != ACCESS_READ) {
		file = shpt_open_backing(path, O_RDWR);
		if (IS_ERR(file)) {
			kfree(req);
			return ERR_CAST(file);
		}
		req->file = file;
	}
	shpt_call_init(&req->call, open_run, open_free);
	shpt_region_pin(region);
	req->region = region;
	req->memcg = get_mem_cgroup_from_mm(current->mm);
	req->access = access;
	return req;
}

/* Has it all hosts that a file of this access needs? */
static bool is_complete(struct shpt_region *region, enum shpt_access access)
{
	enum shpt_access a;
	bool complete = true;

	mutex_lock(&region->hosts_lock);
	for (a = 0; a <= access; a++)
		complete &= !!find_any(region, a, NUMA_NO_NODE);
	mutex_unlock(&region->hosts_lock);
	return complete;
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
	struct open_call *req;

	if (is_complete(region, access))
		return 0;
	if (down_killable(&region->making))
		return -EINTR;
	req = open_call_alloc(region, path, access);
	if (IS_ERR(req)) {
		up(&region->making);
		return PTR_ERR(req);
	}
	return shpt_call_wait(&req->call, WORK_CPU_UNBOUND, shpt_hosts_wq);
}

/*
 * A renewal, from making to the end of retiring. One at a time for each region:
 * each leaves a set of tables in memory until it is done.
 */
struct renewal {
	struct shpt_call call;		/* unused by shpt_hosts_renew_here() */
	struct shpt_region *region;
	struct mem_cgroup *memcg;
	int node;			/* the policy */
	u64 freed_bytes;		/* out */
};

static int make_successors(struct renewal *renewal, struct list_head *made)
{
	enum shpt_access access;
	int err = 0;

	for (access = 0; !err && access < NR_ACCESSES; access++) {
		struct making making = {
			.region = renewal->region,
			.access = access,
			.copy = true,
			.enough = &renewal->call.abandoned,
			.made = LIST_HEAD_INIT(making.made),
		};

		err = make_hosts(&making, renewal->node);
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
	/* Some may have been left out for want of writers. */
	WRITE_ONCE(region->sync,
		   find_any(region, ACCESS_SYNC, NUMA_NO_NODE));
	mutex_unlock(&region->hosts_lock);

	rcu_read_lock();
	list_for_each_entry_rcu(guest, &region->guests, in_region)
		WRITE_ONCE(guest->node, NUMA_NO_NODE);
	rcu_read_unlock();
	return 0;
}

/* In a worker that has making and renewing; it gives them back. */
static int renew(struct renewal *renewal)
{
	struct shpt_region *region = renewal->region;
	struct mem_cgroup *memcg;
	u64 before, after;
	LIST_HEAD(made);
	LIST_HEAD(old);
	int err;

	memcg = set_active_memcg(renewal->memcg);
	err = make_successors(renewal, &made);
	after = table_bytes(&made);
	if (!err)
		err = exchange(region, renewal->node, &made, &old);
	set_active_memcg(memcg);
	up(&region->making);

	before = table_bytes(&old);
	renewal->freed_bytes = before > after ? before - after : 0;
	destroy_all(&made);
	shpt_retire_hosts(region, &old);
	up(&region->renewing);
	return err;
}

static int renew_run(struct shpt_call *call)
{
	return renew(container_of(call, struct renewal, call));
}

static void renew_free(struct shpt_call *call)
{
	struct renewal *renewal = container_of(call, struct renewal, call);

	mem_cgroup_put(renewal->memcg);
	shpt_region_unpin(renewal->region);
	kfree(renewal);
}

/* Wait for one's turn, with what follows from it. */
static int lock_renewal(struct shpt_region *region)
{
	if (down_killable(&region->renewing))
		return -EINTR;
	if (!down_killable(&region->making))
		return 0;
	up(&region->renewing);
	return -EINTR;
}

static void unlock_renewal(struct shpt_region *region)
{
	up(&region->making);
	up(&region->renewing);
}

/* By a worker, for the caller, who has waited for his turn. */
static int renew_and_wait(struct shpt_region *region, int node,
			  u64 *freed_bytes)
{
	struct renewal *renewal = kzalloc(sizeof(*renewal), GFP_KERNEL);
	int err;

	if (!renewal) {
		unlock_renewal(region);
		return -ENOMEM;
	}
	shpt_call_init(&renewal->call, renew_run, renew_free);
	shpt_region_pin(region);
	renewal->region = region;
	renewal->memcg = get_mem_cgroup_from_mm(current->mm);
	renewal->node = node;
	/* Kept until its result is read. */
	refcount_inc(&renewal->call.users);
	err = shpt_call_wait(&renewal->call, WORK_CPU_UNBOUND, shpt_renew_wq);
	if (!err)
		*freed_bytes = renewal->freed_bytes;
	shpt_call_put(&renewal->call);
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
	u64 ignored;
	int err;

	if (node < SHPT_NODE_LOCAL || node >= MAX_NUMNODES)
		return -EINVAL;
	if (node >= 0 && !(node_online(node) && is_full_node(node)))
		return -ENXIO;
	err = lock_renewal(region);
	if (err)
		return err;
	if (node == region->node) {
		unlock_renewal(region);
		return 0;
	}
	return renew_and_wait(region, node, &ignored);
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
	int err = lock_renewal(region);

	return err ?: renew_and_wait(region, region->node, freed_bytes);
}

/* The same in a worker. -EBUSY if somebody is at it. */
int shpt_hosts_renew_here(struct shpt_region *region, struct mem_cgroup *memcg,
			  u64 *freed_bytes)
{
	struct renewal renewal = { .region = region, .memcg = memcg };
	int err;

	if (down_trylock(&region->renewing))
		return -EBUSY;
	if (down_trylock(&region->making)) {
		up(&region->renewing);
		return -EBUSY;
	}
	renewal.node = region->node;
	err = renew(&renewal);
	*freed_bytes = renewal.freed_bytes;
	return err;
}
