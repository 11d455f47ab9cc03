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

struct mapping {
	struct mapping *next;
	const struct backend *backend;
	uintptr_t addr;		/* the caller's bytes */
	size_t length;
	struct range taken;	/* the address space, in whole units */
	size_t unit;		/* what can be unmapped on its own */
	uint64_t region_id;
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
