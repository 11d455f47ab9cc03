// SPDX-License-Identifier: GPL-2.0-only
/*
 * region.c - one region for each backing, and the files that users hold of it
 *
 * A region file stands in for the backing. It has an inode and an
 * address_space of the region's own, so that the backing's rmap knows the
 * host's mapping only, and every page is mapped once, by the host.
 *
 * That inode says S_DAX, though it has no storage: it makes vma_is_dax() true
 * for guests, so that the core offers us huge faults whatever the switches of
 * THP say, and keeps NUMA balancing, khugepaged, mlock and KSM away. It is a
 * character device for shmem and device-dax, as the core allows long-term pins
 * of device-dax but not of FS-DAX, and a regular file for FS-DAX, where they
 * must be refused. It has no i_fop: nobody can open it a second time.
 *
 * Lifetime. Region files (and so guests' VMAs) keep a region in the table, and
 * work that is under way for it; a registration is a region file that the module
 * holds itself. The last one ends it: the hosts go, their tables with them. The
 * struct stays for those who still hold a path to the inode (readlink of
 * /proc/PID/fd), and ends with the kobject. The super block pins the module
 * until the last inode is evicted.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fadvise.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/hashtable.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

#define SHPT_FS_MAGIC	0x73687074	/* "shpt" */
#define NAME_PREFIX	"shpt:"

static unsigned int max_regions = 1024;
module_param(max_regions, uint, 0644);
MODULE_PARM_DESC(max_regions, "regions that may exist at a time");

static unsigned int max_regions_per_user = 128;
module_param(max_regions_per_user, uint, 0644);
MODULE_PARM_DESC(max_regions_per_user, "of these, open by one user who lacks CAP_SYS_RESOURCE");

/*
 * Creating a region waits for a helper and for file systems: who opens one
 * waits for that, killably. Who closes one does not.
 */
DEFINE_MUTEX(shpt_open_lock);
static u64 last_id;			/* shpt_open_lock */

static DEFINE_MUTEX(shpt_regions_lock);
static DEFINE_HASHTABLE(regions, 8);	/* all below: shpt_regions_lock */
static unsigned int nr_regions;
static struct shpt_region_info retired;	/* counts of regions that are gone */

static struct vfsmount *region_mnt;
static int region_mnt_pins;

struct shpt_region *shpt_region_of(const struct file *file)
{
	return file_inode(file)->i_private;
}

/* The inode behind a region file */

static void region_evict_inode(struct inode *inode)
{
	struct shpt_region *region = inode->i_private;

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (region)
		kobject_put(&region->kobj);
}

static const struct super_operations region_super_ops = {
	.statfs = simple_statfs,
	.evict_inode = region_evict_inode,
};

/* What /proc/PID/maps shows: the path of the backing. */
static char *region_dname(struct dentry *dentry, char *buf, int len)
{
	const size_t prefix = strlen(NAME_PREFIX);
	struct shpt_region *region = d_inode(dentry)->i_private;
	char *path = d_path(&region->backing->f_path, buf, len);

	if (IS_ERR(path))
		return path;
	if (path < buf + prefix)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(path - prefix, NAME_PREFIX, prefix);
}

static const struct dentry_operations region_dentry_ops = {
	.d_dname = region_dname,
};

static int region_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, SHPT_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	fc->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	ctx->ops = &region_super_ops;
	ctx->dops = &region_dentry_ops;
	return 0;
}

static struct file_system_type region_fs_type = {
	.owner = THIS_MODULE,
	.name = "shpt",
	.init_fs_context = region_init_fs_context,
	.kill_sb = kill_anon_super,
};

/* Above all not its size: that of the backing is what counts. */
static int region_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			  struct iattr *attr)
{
	return -EINVAL;
}

static const struct inode_operations region_inode_ops = {
	.setattr = region_setattr,
};

static struct inode *region_inode(struct shpt_region *region)
{
	struct inode *inode = new_inode(region_mnt->mnt_sb);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = region->id;	/* for who reads /proc/PID/maps */
	inode->i_mode = (region->kind == BACKING_FSDAX ? S_IFREG : S_IFCHR) | 0600;
	inode->i_flags |= S_DAX | S_PRIVATE;
	inode->i_op = &region_inode_ops;
	simple_inode_init_ts(inode);
	kobject_get(&region->kobj);
	inode->i_private = region;
	return inode;
}

/* Region files */

static int region_fsync(struct file *file, loff_t start, loff_t end,
			int datasync)
{
	return vfs_fsync_range(shpt_region_of(file)->backing, start, end,
			       datasync);
}

static int region_fadvise(struct file *file, loff_t offset, loff_t len,
			  int advice)
{
	return vfs_fadvise(shpt_region_of(file)->backing, offset, len, advice);
}

static long region_info(struct shpt_region *region, void __user *argp)
{
	struct shpt_region_info info;
	u32 size;
	int err;

	err = shpt_copy_args(&info, sizeof(info), argp, &size);
	if (err)
		return err;
	if (info.flags)
		return -EINVAL;
	shpt_region_info(region, &info,
			 size > offsetof(struct shpt_region_info, saved_bytes));
	return shpt_return_args(argp, size, &info, sizeof(info));
}

static long region_populate(struct file *file, void __user *argp)
{
	struct shpt_region *region = shpt_region_of(file);
	struct shpt_populate args;
	u32 size;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	err = shpt_populate(region, file->f_mode & FMODE_WRITE ?
			    ACCESS_WRITE : ACCESS_READ, &args);
	if (shpt_return_args(argp, size, &args, sizeof(args)))
		return -EFAULT;
	return err;
}

static long region_set_node(struct shpt_region *region, void __user *argp)
{
	struct shpt_set_node args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	return shpt_hosts_set_node(region, args.node);
}

static long region_reclaim(struct shpt_region *region, void __user *argp)
{
	struct shpt_reclaim args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (!err)
		err = shpt_reclaim(region, &args);
	return err ? err : shpt_return_args(argp, size, &args, sizeof(args));
}

static long region_set_reclaim(struct shpt_region *region, void __user *argp)
{
	struct shpt_set_reclaim args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	return err ? err : shpt_set_reclaim(region, &args);
}

/* The calls that have no arguments yet. */
static int region_no_args(void __user *argp)
{
	struct shpt_no_args args;
	u32 size;
	int err;

	err = shpt_copy_args(&args, sizeof(args), argp, &size);
	if (err)
		return err;
	return args.flags ? -EINVAL : 0;
}

static long region_lock(struct shpt_region *region, void __user *argp)
{
	return region_no_args(argp) ?: shpt_lock(region);
}

static long region_unlock(struct shpt_region *region, void __user *argp)
{
	int err = region_no_args(argp);

	if (!err)
		shpt_unlock(region);
	return err;
}

/* To steer a region takes the right to write to it, or SHPT_IOC_OPEN_ID. */
static long region_steer(struct file *file, unsigned int cmd,
			 void __user *argp)
{
	struct shpt_region *region = shpt_region_of(file);

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ)
		return -EACCES;
	switch (cmd) {
	case SHPT_IOC_SET_NODE:
		return region_set_node(region, argp);
	case SHPT_IOC_RECLAIM:
		return region_reclaim(region, argp);
	case SHPT_IOC_LOCK:
		return region_lock(region, argp);
	case SHPT_IOC_UNLOCK:
		return region_unlock(region, argp);
	default:
		return region_set_reclaim(region, argp);
	}
}

static long region_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case SHPT_IOC_REGION_INFO:
		return region_info(shpt_region_of(file), argp);
	case SHPT_IOC_POPULATE:
		return region_populate(file, argp);
	case SHPT_IOC_SET_NODE:
	case SHPT_IOC_RECLAIM:
	case SHPT_IOC_SET_RECLAIM:
	case SHPT_IOC_LOCK:
	case SHPT_IOC_UNLOCK:
		return region_steer(file, cmd, argp);
	case SHPT_IOC_REGISTER:
		return shpt_register(file, argp);
	case SHPT_IOC_UNREGISTER:
		return shpt_unregister(shpt_region_of(file), argp);
	default:
		return -ENOTTY;
	}
}

static void region_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct shpt_region *region = shpt_region_of(file);

	seq_printf(m, "shpt-region:\t%llu\n", region->id);
	seq_puts(m, "shpt-backing:\t");
	seq_file_path(m, region->backing, "\n\t\\ ");
	seq_putc(m, '\n');
}

static void add_unlinks(struct shpt_region *region,
			struct shpt_region_info *info)
{
	unsigned int i;

	for (i = 0; i < SHPT_UNLINK_CAUSES; i++) {
		u64 unlinks = atomic64_read(&region->unlinks_by[i]);

		info->unlinks_by[i] += unlinks;
		info->unlinks += unlinks;
	}
}

/*
 * How many files of a region a user has opened, those that mappings keep
 * included. Call these with shpt_regions_lock held.
 */
static unsigned long files_of(struct shpt_region *region, kuid_t user)
{
	void *files = xa_load(&region->users, __kuid_val(user));

	return files ? xa_to_value(files) : 0;
}

/* Cannot fail where it is not more than before. */
static int set_files_of(struct shpt_region *region, kuid_t user,
			unsigned long files)
{
	return xa_err(xa_store(&region->users, __kuid_val(user),
			       files ? xa_mk_value(files) : NULL,
			       GFP_KERNEL_ACCOUNT));
}

/* May the caller have one region more open? */
static int check_user_limit(void)
{
	struct shpt_region *region;
	unsigned int own = 0;
	int bucket;

	hash_for_each(regions, bucket, region, hash)
		own += !!files_of(region, current_uid());
	if (own < READ_ONCE(max_regions_per_user))
		return 0;
	return capable(CAP_SYS_RESOURCE) ? 0 : -EDQUOT;
}

/*
 * One file more, of the caller's. With limited, the first one of a region takes
 * that he may have one more region: so nobody exceeds his limit by asking
 * others to open regions first, or to pass them on.
 */
static int add_file(struct shpt_region *region, bool writer, bool limited)
{
	unsigned long own = files_of(region, current_uid());
	int err = limited && !own ? check_user_limit() : 0;

	if (!err)
		err = set_files_of(region, current_uid(), own + 1);
	if (err)
		return err;
	region->files++;
	WRITE_ONCE(region->writers, region->writers + writer);
	return 0;
}

static void region_retire(struct shpt_region *region, bool locked)
{
	WARN_ON_ONCE(!list_empty(&region->guests));
	shpt_reclaim_stop(region);
	if (locked)
		shpt_make_evictable(region);
	kobject_del(&region->kobj);
	shpt_hosts_destroy(region);
	iput(region->inode);
	kobject_put(&region->kobj);
	simple_release_fs(&region_mnt, &region_mnt_pins);
}

/*
 * One file less, of a user, or one of what keeps a region like a file, and that
 * is nobody's (INVALID_UID). The last one takes the region out of the table and
 * ends it. Its mark on the backing goes while it is in the table: another region
 * of the same backing may set one then.
 */
static void region_close(struct shpt_region *region, kuid_t user, bool writer)
{
	bool last, last_writer, locked = false;

	mutex_lock(&shpt_regions_lock);
	if (uid_valid(user))
		set_files_of(region, user, files_of(region, user) - 1);
	last_writer = writer && region->writers == 1;
	WRITE_ONCE(region->writers, region->writers - writer);
	last = !--region->files;
	if (last) {
		locked = shpt_set_locked(region, false);
		hash_del(&region->hash);
		nr_regions--;
		retired.faults_served += atomic64_read(&region->faults_served);
		retired.flushes += atomic64_read(&region->flushes);
		add_unlinks(region, &retired);
		retired.misplaced += atomic64_read(&region->misplaced);
		retired.reclaimed += atomic64_read(&region->reclaimed);
	} else if (last_writer) {
		region->files++;
	}
	mutex_unlock(&shpt_regions_lock);
	if (last) {
		region_retire(region, locked);
	} else if (last_writer) {
		shpt_hosts_close_writable(region);
		region_close(region, INVALID_UID, false);
	}
}

/* Keep the region as a file of it would. The caller has one open. */
void shpt_region_pin(struct shpt_region *region)
{
	mutex_lock(&shpt_regions_lock);
	region->files++;
	mutex_unlock(&shpt_regions_lock);
}

/* The same for who holds no more than the struct; false if it has ended. */
bool shpt_region_pin_live(struct shpt_region *region)
{
	bool live;

	mutex_lock(&shpt_regions_lock);
	live = region->files;
	region->files += live;
	mutex_unlock(&shpt_regions_lock);
	return live;
}

void shpt_region_unpin(struct shpt_region *region)
{
	region_close(region, INVALID_UID, false);
}

static int region_release(struct inode *inode, struct file *file)
{
	region_close(inode->i_private, file->f_cred->uid,
		     file->f_mode & FMODE_WRITE);
	return 0;
}

const struct file_operations shpt_region_fops = {
	.owner = THIS_MODULE,
	.release = region_release,
	.mmap = shpt_guest_mmap,
	.get_unmapped_area = shpt_guest_get_unmapped_area,
	.fsync = region_fsync,
	.fadvise = region_fadvise,
	.unlocked_ioctl = region_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = region_show_fdinfo,
	SHPT_FOPS_MMAP_SYNC,
};

/* A file for a region that the caller has counted one more file of. */
static struct file *region_file(struct shpt_region *region, int flags)
{
	bool writer = flags == O_RDWR;
	struct file *file;

	/* The last fput() drops a reference that alloc_file_pseudo() doesn't take. */
	__module_get(THIS_MODULE);
	ihold(region->inode);
	file = alloc_file_pseudo(region->inode, region_mnt, "shpt", flags,
				 &shpt_region_fops);
	if (IS_ERR(file)) {
		iput(region->inode);
		module_put(THIS_MODULE);
		region_close(region, current_uid(), writer);
	}
	return file;
}

/* Another file of a region, of which the caller has one open for writing. */
struct file *shpt_region_reopen(struct shpt_region *region, int flags)
{
	int err;

	mutex_lock(&shpt_regions_lock);
	err = add_file(region, flags == O_RDWR, true);
	mutex_unlock(&shpt_regions_lock);
	return err ? ERR_PTR(err) : region_file(region, flags);
}

/* Regions */

static void region_free(struct kobject *kobj)
{
	struct shpt_region *region = container_of(kobj, struct shpt_region,
						  kobj);

	if (region->backing)
		fput(region->backing);
	xa_destroy(&region->users);
	kfree(region);
}

static const struct kobj_type region_ktype = {
	.release = region_free,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = shpt_region_groups,
};

/* The region of a backing, with one file more; NULL if there is none. */
static struct shpt_region *region_find(const struct inode *key, bool writer)
{
	struct shpt_region *region;
	int err;

	mutex_lock(&shpt_regions_lock);
	hash_for_each_possible(regions, region, hash, (unsigned long)key) {
		if (region->key != key)
			continue;
		err = add_file(region, writer, true);
		mutex_unlock(&shpt_regions_lock);
		return err ? ERR_PTR(err) : region;
	}
	mutex_unlock(&shpt_regions_lock);
	return NULL;
}

/*
 * A file of any region. Its access mode is the one that open(2) has for
 * drivers: neither reading nor writing, so it takes ioctls and no mappings.
 */
struct file *shpt_region_open_id(u64 id)
{
	struct shpt_region *region;
	int bucket, err;

	mutex_lock(&shpt_regions_lock);
	hash_for_each(regions, bucket, region, hash) {
		if (region->id != id)
			continue;
		err = add_file(region, false, false);
		mutex_unlock(&shpt_regions_lock);
		return err ? ERR_PTR(err) : region_file(region, O_ACCMODE);
	}
	mutex_unlock(&shpt_regions_lock);
	return ERR_PTR(-ENOENT);
}

static struct shpt_region *region_alloc(struct inode *key,
					enum shpt_backing_kind kind)
{
	struct shpt_region *region = kzalloc(sizeof(*region),
					     GFP_KERNEL_ACCOUNT);

	if (!region)
		return NULL;
	kobject_init(&region->kobj, &region_ktype);
	region->id = ++last_id;
	region->key = key;
	region->kind = kind;
	sema_init(&region->renewing, 1);
	sema_init(&region->making, 1);
	mutex_init(&region->hosts_lock);
	xa_init(&region->hosts);
	xa_init(&region->users);
	region->node = SHPT_NODE_ONE;
	shpt_reclaim_init(region);
	spin_lock_init(&region->guests_lock);
	INIT_LIST_HEAD(&region->guests);
	return region;
}

/* Its first file, before it is one of the regions. Under shpt_open_lock. */
static int add_first_file(struct shpt_region *region, bool writer)
{
	int err = -ENFILE;

	mutex_lock(&shpt_regions_lock);
	if (nr_regions < READ_ONCE(max_regions))
		err = add_file(region, writer, true);
	mutex_unlock(&shpt_regions_lock);
	return err;
}

/*
 * An open file of our own: locks and flags of the caller's must not outlive
 * his, and that he holds one open with the same access is his right to have it
 * mapped. O_NONBLOCK: a lease on the file refuses us, and holds up nobody.
 */
struct file *shpt_open_backing(const struct path *path, int access)
{
	return dentry_open(path, access | O_LARGEFILE | O_NOATIME | O_NONBLOCK,
			   current_cred());
}

/* Make the region of a backing, without hosts, for one file. */
static struct shpt_region *region_create(struct file *backing,
					 enum shpt_backing_kind kind,
					 bool writer)
{
	struct shpt_region *region;
	int err;

	if (!shpt_region_dir)
		return ERR_PTR(-ENOMEM);
	region = region_alloc(backing->f_mapping->host, kind);
	if (!region)
		return ERR_PTR(-ENOMEM);
	err = add_first_file(region, writer);
	if (err)
		goto err_put;
	err = shpt_backing_init(region);
	if (err)
		goto err_put;
	err = simple_pin_fs(&region_fs_type, &region_mnt, &region_mnt_pins);
	if (err)
		goto err_put;
	region->inode = region_inode(region);
	if (IS_ERR(region->inode)) {
		err = PTR_ERR(region->inode);
		goto err_unpin;
	}
	region->backing = shpt_open_backing(&backing->f_path, O_RDONLY);
	if (IS_ERR(region->backing)) {
		err = PTR_ERR(region->backing);
		region->backing = NULL;
		goto err_iput;
	}
	err = kobject_add(&region->kobj, shpt_region_dir, "%llu", region->id);
	if (err)
		goto err_iput;
	mutex_lock(&shpt_regions_lock);
	hash_add(regions, &region->hash, (unsigned long)region->key);
	nr_regions++;
	mutex_unlock(&shpt_regions_lock);
	return region;

err_iput:
	iput(region->inode);
err_unpin:
	simple_release_fs(&region_mnt, &region_mnt_pins);
err_put:
	kobject_put(&region->kobj);
	return ERR_PTR(err);
}

/* May the caller map the file so? All that have a say are asked by doing it. */
static int ask_mmap(struct file *file, enum shpt_backing_kind kind,
		    enum shpt_access access)
{
	unsigned long prot = access == ACCESS_READ ? PROT_READ :
						     PROT_READ | PROT_WRITE;
	unsigned long flags = access == ACCESS_SYNC ?
			      MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED;
	unsigned long bytes = shpt_backing_granule(kind);
	unsigned long addr;

	addr = vm_mmap(file, 0, bytes, prot, flags, 0);
	return IS_ERR_VALUE(addr) ? addr : vm_munmap(addr, bytes);
}

/*
 * The same for who has no file of the backing. That of a host with this access
 * stands for it: whoever opened the region first may have come to the backing
 * by a mount that is read-only.
 */
int shpt_region_ask_mmap(struct shpt_region *region, enum shpt_access access)
{
	struct shpt_host *host = shpt_hosts_get(region, access, NUMA_NO_NODE);
	struct file *file;
	int err;

	if (!host)
		return -EINTR;
	file = shpt_open_backing(&host->file->f_path,
				 access == ACCESS_READ ? O_RDONLY : O_RDWR);
	shpt_host_put(host);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = ask_mmap(file, region->kind, access);
	fput(file);
	return err;
}

/* Can this file be a backing, and may the caller have it mapped so? */
static int check_backing(struct file *file, enum shpt_access access,
			 enum shpt_backing_kind *kind)
{
	struct inode *inode = file->f_mapping->host;
	int ret;

	/* A region of a region would lock hosts in hosts. */
	if (inode->i_sb->s_type == &region_fs_type)
		return -ENODEV;
	ret = shpt_backing_kind(file);
	if (ret < 0)
		return ret;
	*kind = ret;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (access != ACCESS_READ) {
		if (!(file->f_mode & FMODE_WRITE))
			return -EACCES;
		if (IS_APPEND(inode))
			return -EPERM;
	}
	return ask_mmap(file, *kind, access);
}

static struct file *region_open(struct file *backing, enum shpt_access access,
				enum shpt_backing_kind kind)
{
	bool writer = access != ACCESS_READ;
	struct shpt_region *region;
	int err;

	if (mutex_lock_killable(&shpt_open_lock))
		return ERR_PTR(-EINTR);
	region = region_find(backing->f_mapping->host, writer);
	if (!region)
		region = region_create(backing, kind, writer);
	mutex_unlock(&shpt_open_lock);
	if (IS_ERR(region))
		return ERR_CAST(region);

	err = shpt_hosts_open(region, &backing->f_path, access);
	if (err) {
		region_close(region, current_uid(), writer);
		return ERR_PTR(err);
	}
	return region_file(region, writer ? O_RDWR : O_RDONLY);
}

/* A file that is open for reading gives no more than that. */
static int wanted_access(const struct file *backing, u32 flags)
{
	if (flags & ~(SHPT_OPEN_READ_ONLY | SHPT_OPEN_SYNC))
		return -EINVAL;
	if (flags == (SHPT_OPEN_READ_ONLY | SHPT_OPEN_SYNC))
		return -EINVAL;
	if (flags & SHPT_OPEN_SYNC)
		return ACCESS_SYNC;
	return flags & SHPT_OPEN_READ_ONLY || !(backing->f_mode & FMODE_WRITE) ?
		ACCESS_READ : ACCESS_WRITE;
}

/**
 * shpt_region_open - SHPT_IOC_OPEN_REGION
 * @args: the caller's file, and what for
 *
 * Returns a new fd of the backing's region, or an error of <shpt/uapi.h>.
 */
int shpt_region_open(const struct shpt_open_region *args)
{
	struct file *backing, *file;
	enum shpt_backing_kind kind;
	int access, fd;

	backing = fget(args->backing_fd);
	if (!backing)
		return -EBADF;
	access = wanted_access(backing, args->flags);
	fd = access < 0 ? access : check_backing(backing, access, &kind);
	if (fd < 0)
		goto out;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto out;
	file = region_open(backing, access, kind);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto out;
	}
	fd_install(fd, file);
out:
	fput(backing);
	return fd;
}

/*
 * Facts; the caller has a file of the region open, or the table locked. What is
 * saved is 0 unless it is asked for: that takes a look at all linked chunks.
 */
void shpt_region_info(struct shpt_region *region,
		      struct shpt_region_info *info, bool saved)
{
	struct shpt_host *host = NULL;
	s64 unshared = 0;

	info->hosts = 0;
	info->table_bytes = 0;
	while ((host = shpt_hosts_next(region, host))) {
		info->hosts++;
		info->table_bytes += mm_pgtables_bytes(host->mm);
		if (saved)
			unshared += shpt_host_unshared_bytes(host);
	}
	info->id = region->id;
	info->backing_bytes = shpt_backing_bytes(region);
	info->guests = atomic_read(&region->nr_guests);
	info->links = atomic_long_read(&region->links);
	info->parked_bytes = info->links * PAGE_SIZE;
	info->saved_bytes = saved ? unshared - info->table_bytes -
				    info->parked_bytes : 0;
	info->faults_served = atomic64_read(&region->faults_served);
	info->flushes = atomic64_read(&region->flushes);
	info->unlinks = 0;
	memset(info->unlinks_by, 0, sizeof(info->unlinks_by));
	add_unlinks(region, info);
	info->misplaced = atomic64_read(&region->misplaced);
	info->reclaimed = atomic64_read(&region->reclaimed);
}

/*
 * The same, summed up over all regions, those that are gone included; but not
 * what they save.
 */
void shpt_regions_info(struct shpt_region_info *sum, unsigned int *count)
{
	struct shpt_region *region;
	int bucket;

	mutex_lock(&shpt_regions_lock);
	*sum = retired;
	*count = nr_regions;
	hash_for_each(regions, bucket, region, hash) {
		struct shpt_region_info info;

		shpt_region_info(region, &info, false);
		sum->hosts += info.hosts;
		sum->guests += info.guests;
		sum->links += info.links;
		sum->table_bytes += info.table_bytes;
		sum->parked_bytes += info.parked_bytes;
		sum->faults_served += info.faults_served;
		sum->flushes += info.flushes;
		add_unlinks(region, sum);
		sum->misplaced += info.misplaced;
		sum->reclaimed += info.reclaimed;
	}
	mutex_unlock(&shpt_regions_lock);
}

/* With a reference to the struct, the one of the least id above id, or NULL. */
static struct shpt_region *region_after(u64 id)
{
	struct shpt_region *region, *next = NULL;
	int bucket;

	mutex_lock(&shpt_regions_lock);
	hash_for_each(regions, bucket, region, hash) {
		if (region->id > id && (!next || region->id < next->id))
			next = region;
	}
	if (next)
		kobject_get(&next->kobj);
	mutex_unlock(&shpt_regions_lock);
	return next;
}

/*
 * What all regions save. To look at all linked chunks takes long, and whoever
 * opens or closes a region waits for the table's lock. Nor does this keep a region
 * alive: one that ends meanwhile has no hosts any more.
 */
s64 shpt_regions_saved_bytes(void)
{
	struct shpt_region_info info;
	struct shpt_region *region;
	s64 saved = 0;
	u64 id = 0;

	while ((region = region_after(id))) {
		id = region->id;
		shpt_region_info(region, &info, true);
		saved += info.saved_bytes;
		kobject_put(&region->kobj);
	}
	return saved;
}
