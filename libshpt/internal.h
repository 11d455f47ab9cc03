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
	bool is_private;
	struct range range;	/* whole chunks */
	uintptr_t ordinary;	/* of the same file, see replace.c; or 0 */
	size_t ordinary_bytes;
	struct chunk chunks[];
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

/* range.c */
size_t page_bytes(void);
size_t round_up(size_t bytes, size_t unit);
struct range whole_chunks(uintptr_t first, size_t length);
struct range inner_chunks(uintptr_t first, size_t length);
struct range own_pages(uintptr_t addr, size_t length);
bool is_fixed(const struct request *req);

int check_range(uintptr_t addr, size_t length, struct reason *why);

/* claim.c */
int claim_around(struct range whole, struct range own);

/* table.c */
void table_lock(void);
void table_unlock(void);
struct mapping *table_next(const struct mapping *after, struct range range);
void table_add(struct mapping *m, struct mapping *spare);
void table_cut(struct range range, struct mapping *spare);
bool table_evict(struct range range);

/* edges.c */
int map_edges(const struct request *req, void *p, struct range inner,
	      struct mapping *m, struct reason *why);
void cut_edges(const struct mapping *m);

/* guest.c */
struct guest *guest_new(const struct request *req, struct range range,
			struct reason *why);
void guest_free(struct guest *guest);
void guest_cut(struct guest *guest, struct range range);
void guest_lock(void);
void guest_unlock(void);
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
void watch_writes(struct guest *guest);
void unwatch_writes(const struct guest *guest);

/* fork.c */
int watch_forks(struct reason *why);

/* file.c */
#define FILE_NAME_BYTES 96
#define FS_NAME_BYTES 32
const char *file_name(int fd, char name[FILE_NAME_BYTES]);
const char *file_system(int fd, char fs[FS_NAME_BYTES]);

/* refusal.c */
int refuse_device(int err, struct reason *why);
int refuse_region(int err, int fd, struct reason *why);
int refuse_guest(int err, int fd, struct reason *why);

#endif /* LIBSHPT_INTERNAL_H */
