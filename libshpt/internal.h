/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * internal.h - what the files of libshpt know of each other
 *
 * A request is tried on the backends, best first (map.c). The backend that
 * carries it out fills in a mapping, which the table keeps until it is
 * unmapped. A backend that does not leaves a reason.
 */
#ifndef LIBSHPT_INTERNAL_H
#define LIBSHPT_INTERNAL_H

#include <shpt/uapi.h>
#include <stdbool.h>

#include "libshpt.h"

#define LIBSHPT_EXPORT __attribute__((visibility("default")))

#define CHUNK_BYTES ((size_t)SHPT_CHUNK_BYTES)

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
};

/* The region that is mapped, by an fd of the library's own. */
struct held_region {
	int fd;
	uint64_t id;
	unsigned int entries; /* of the table, which are parts of the mapping */
	uintptr_t origin; /* where the file would begin */
};

struct mapping {
	struct mapping *next;
	const struct backend *backend;
	uintptr_t addr;		/* the caller's bytes */
	size_t length;
	struct range taken;	/* the address space, in whole units */
	size_t unit;		/* what can be unmapped on its own */
	uint64_t region_id;
	struct held_region *region; /* or NULL */
	struct reason why;	/* why no better backend serves it */
};

/* map() returns 0 with the mapping filled in, or -1 with the reason. The other
 * operations may be NULL. */
struct backend {
	enum libshpt_backend id;
	const char *name;
	int (*map)(const struct request *req, struct mapping *m,
		   struct reason *why);
	void (*info)(const struct mapping *m, struct libshpt_info *info);
	void (*in_child)(const struct mapping *m);
};

extern const struct backend shpt_backend;
extern const struct backend plain_backend;

/* errormsg.c */
int refuse(struct reason *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int fail_with(const struct reason *why);

/* structs.c */
int take_struct(void *known, size_t known_size, size_t least, const void *from,
		size_t size, const char *what, struct reason *why);
void give_struct(void *to, size_t size, const void *known, size_t known_size);

/* range.c */
size_t page_bytes(void);
size_t round_up(size_t bytes, size_t unit);
struct range whole_chunks(uintptr_t first, size_t length);
struct range own_pages(uintptr_t addr, size_t length);
bool is_fixed(const struct request *req);

/* claim.c */
int claim_around(struct range whole, struct range own);

/* table.c */
void table_lock(void);
void table_unlock(void);
struct mapping *table_next(const struct mapping *after, struct range range);
void table_add(struct mapping *m, struct mapping *spare);
void table_cut(struct range range, struct mapping *spare);
bool table_evict(struct range range);
void mapping_free(struct mapping *m);

/* fork.c */
int watch_forks(struct reason *why);

/* file.c */
#define FILE_NAME_BYTES 96
#define FS_NAME_BYTES 32
const char *file_name(int fd, char name[FILE_NAME_BYTES]);
const char *file_system(int fd, char fs[FS_NAME_BYTES]);

/* device.c */
int ioctl_again(int fd, unsigned long request, void *arg);
int open_device(struct reason *why);
int open_region(int device, int fd, uint32_t flags);
int region_of(int fd, struct reason *why);
bool is_region(int fd);
uint64_t region_id(int region);
struct held_region *hold_region(int fd, uint64_t id);
void release_region(struct held_region *region);
int region_of_mapping(const struct mapping *m);

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

#endif /* LIBSHPT_INTERNAL_H */
