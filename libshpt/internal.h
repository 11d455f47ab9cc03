/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * internal.h - what the files of libshpt know of each other
 *
 * A request is tried on the backends, best first (choose.c). The backend that
 * carries it out fills in a mapping, which the table keeps until it is
 * unmapped. A backend that does not leaves a reason.
 */
#ifndef LIBSHPT_INTERNAL_H
#define LIBSHPT_INTERNAL_H

#include <shpt/uapi.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libshpt.h"

#define LIBSHPT_EXPORT __attribute__((visibility("default")))

#define CHUNK_BYTES ((size_t)SHPT_CHUNK_BYTES)
#define HUGE_BYTES ((size_t)2 << 20)	/* what one PMD entry maps */

/* Addresses are numbers here: all that is done with them is arithmetic. */
struct range {
	uintptr_t start;
	uintptr_t end;
};

struct reason {
	int err;
	char text[sizeof(((struct libshpt_info *)0)->why)];
};

/* The arguments of libshpt_map(), after check_request(). */
struct request {
	uintptr_t addr;
	size_t length;
	int prot;
	int flags;
	int fd;
	off_t offset;
	const struct libshpt_attr *attr;
};

struct chunk {
	int prot;	/* what the caller may do there */
	bool shared;	/* mapped from the region, not replaced */
};

/* What a mapping of a region has beside its entry in the table, see guest.c. */
struct guest {
	struct guest *next;	/* of those in watch_writes() */
	unsigned int entries;	/* of the table, which are parts of it */
	int region;		/* its fd, until carry_out() is done */
	uint64_t region_id;
	bool is_private;
	struct range range;	/* whole chunks */
	uintptr_t ordinary;	/* of the same file, see replace.c; or 0 */
	size_t ordinary_bytes;
	struct chunk chunks[];
};

/* The size of huge pages, in the flags of mmap(2) and of memfd_create(2). */
#define HUGE_SIZE_FLAGS ((unsigned int)MAP_HUGE_MASK << MAP_HUGE_SHIFT)

enum file_kind {
	FILE_OTHER,
	FILE_SHMEM,
	FILE_HUGETLB,
	FILE_FSDAX,
	FILE_DEVDAX,
};

/* What find_device_dax() leaves alone is unknown. */
struct device_dax {
	size_t align;
	uint64_t size;
	bool system_ram;
};

struct mapping {
	struct mapping *next;
	const struct backend *backend;
	uintptr_t addr;		/* the caller's bytes */
	size_t length;
	struct range taken;	/* the address space, in whole units */
	size_t unit;		/* what can be unmapped on its own */
	uint64_t region_id;
	struct guest *guest;	/* or NULL */
	bool dax;		/* its pages are the device's */
	bool persistent;
	struct reason why;	/* why no better backend serves it */
};

/* map() returns 0 with the mapping filled in, or -1 with the reason. The other
 * operations may be NULL. */
struct backend {
	enum libshpt_backend id;
	const char *name;
	bool shares;		/* page tables, with other processes */
	int (*map)(const struct request *req, struct mapping *m,
		   struct reason *why);
	void (*info)(const struct mapping *m, struct libshpt_info *info);
	void (*in_child)(const struct mapping *m);
};

extern const struct backend shpt_backend;
extern const struct backend hugetlb_backend;
extern const struct backend thp_backend;
extern const struct backend plain_backend;

/* choose.c: all of them, best first, then NULL */
extern const struct backend *const backends[];
int map_best(const struct request *req, struct mapping *m, struct reason *why);

/* errormsg.c */
int refuse(struct reason *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fail_with(const struct reason *why);

/* signals.c */
void block_signals(sigset_t *before);

/* structs.c */
int take_struct(void *known, size_t known_size, size_t least, const void *from,
		size_t size, const char *what, struct reason *why);
void give_struct(void *to, size_t size, const void *known, size_t known_size);

/* range.c */
size_t page_bytes(void);
size_t round_up(size_t bytes, size_t unit);
struct range whole_chunks(uintptr_t first, size_t length);
struct range inner_chunks(uintptr_t first, size_t length);
struct range own_pages(uintptr_t addr, size_t length);
bool is_fixed(const struct request *req);

int check_range(uintptr_t addr, size_t length, struct reason *why);

/* kind.c */
enum file_kind file_kind(int fd);
enum file_kind request_kind(const struct request *req);
size_t huge_page_bytes(int fd);
size_t request_unit(const struct request *req);
bool is_sync(const struct request *req);
void note_kind(const struct request *req, enum file_kind kind,
	       struct mapping *m);

/* memfd.c */
int huge_memfd(int flags);
int anonymous_file(size_t bytes, struct reason *why);
int anonymous_huge_file(int flags, size_t bytes, struct reason *why);

/* size.c: a number, or one with K, M or G; false if it is none or too large */
bool parse_size(const char *text, size_t *bytes);

/* What libshpt-preload.so leaves alone if nothing else is asked for is smaller. */
#define PRELOAD_MIN_BYTES ((size_t)64 << 20)

/* place.c */
int map_aligned(const struct request *req, size_t unit, size_t align,
		struct mapping *m, struct reason *why);
void populate(const struct request *req, const struct mapping *m);

/* plain.c */
void *mmap_request(const struct request *req, struct reason *why);

/* thp.c */
int check_huge_shmem(int fd, struct reason *why);

/* claim.c */
int claim_around(struct range whole, struct range own);

/* lock.c */
void table_lock(void);
void table_unlock(void);
void guest_lock(void);
void guest_unlock(void);

/* table.c */
struct mapping *table_next(const struct mapping *after, struct range range);
void table_add(struct mapping *m, struct mapping *spare);
void table_cut(struct range range, struct mapping *spare);
bool table_evict(struct range range);
void mapping_free(struct mapping *m);

/* edges.c */
int map_edges(const struct request *req, void *p, struct range inner,
	      struct mapping *m, struct reason *why);
void cut_edges(const struct mapping *m);

/* guest.c */
struct guest *guest_new(const struct request *req, int region,
			struct range range, struct reason *why);
void guest_free(struct guest *guest);
void guest_cut(struct guest *guest, struct range range);
void chunk_cut(struct guest *guest, uintptr_t at);
struct chunk *chunk_at(struct guest *guest, uintptr_t addr);
struct range next_part(struct range range, struct guest **sharing);

/* replace.c */
uintptr_t map_beside(const struct guest *guest, uintptr_t chunk);
int replace_chunk(struct guest *guest, uintptr_t addr);
int replace_chunks(struct range range, struct reason *why);
bool replace_cut(struct range range);
int make_cuttable(struct range *range, struct reason *why);

/* protect.c */
int mapped_prot(int prot, bool is_private);

/* private.c */
bool is_private(const struct request *req);
int break_writable(struct range range, struct reason *why);
void watch_writes(struct guest *guest);
void unwatch_writes(const struct guest *guest);

/* fork.c */
int check_forks(struct reason *why);

/* file.c */
#define FILE_NAME_BYTES 96
#define FS_NAME_BYTES 32
const char *file_name(int fd, char name[FILE_NAME_BYTES]);
#define MOUNT_OPTIONS_BYTES 256
const char *file_system(int fd, char fs[FS_NAME_BYTES]);
bool mount_options(int fd, char options[MOUNT_OPTIONS_BYTES]);

/* lines.c */
struct lines {
	int fd;
	size_t at, end;	/* what is left of the text */
	bool cut;	/* it goes on in the middle of a line */
	char text[8192];
};
bool read_line(int dir, const char *file, char *line, size_t size);
int lines_open(struct lines *l, const char *path);
char *lines_next(struct lines *l);
void lines_close(const struct lines *l);

/* path.c */
int path_find(const char *path);
int path_open(int found, int access);

/* device.c */
int ioctl_again(int fd, unsigned long request, void *arg);
int open_device(struct reason *why);
int open_region(int device, int fd, uint32_t flags);
int region_of(int fd, struct reason *why);
bool is_region(int fd);
uint64_t region_id(int region);

/* regions.c */
int next_region(int root, uint64_t after, struct libshpt_region *region,
		struct reason *why);
bool is_registered_as(uint64_t id, const char *name);

/* populate.c */
int populate_mapping(const struct mapping *m, struct reason *why);

/* region.c */
int lock_mapping(const struct mapping *m, struct reason *why);
int check_name(const char **name, struct reason *why);
int refuse_register(int err, int fd, struct reason *why);
int refuse_unregister(int err, int fd, struct reason *why);
int refuse_reclaim(int err, int fd, struct reason *why);
int refuse_lock(int err, int fd, struct reason *why);

/* refusal.c */
int refuse_device(int err, struct reason *why);
int refuse_region(int err, int fd, struct reason *why);
int refuse_guest(int err, int fd, struct reason *why);
int refuse_node(int err, const struct request *req, struct reason *why);

/* numa.c, or alone.c in a library without libnuma */
int check_node(uint32_t node, struct reason *why);
int place_pages(struct range pages, const struct libshpt_attr *attr,
		struct reason *why);
int node_of_page(const void *addr, bool dax);

/* daxctl.c, or alone.c in a library without libdaxctl */
bool find_device_dax(const char *name, dev_t number, struct device_dax *facts);

/* extents.c */
struct extent {
	uint64_t logical;	/* bytes, as all of it */
	uint64_t physical;
	uint64_t length;
};
/* Pieces of 2 MiB of a file, counted by what stands against one huge entry. */
struct pieces {
	uint64_t all;
	uint64_t misaligned;
	uint64_t fragmented;
	uint64_t holes;
};
struct pieces count_pieces(const struct extent *extents, size_t n,
			   uint64_t file_bytes);
int read_extents(int fd, struct extent **extents, size_t *n);

#endif /* LIBSHPT_INTERNAL_H */
