/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * preload.h - what the files of libshpt-preload.so know of each other
 *
 * The library takes the place of libc's calls in somebody else's program, so
 * it may be called at any time: before main(), from an allocator, from a
 * signal handler. A call that is none of its business costs a look at a few
 * words of memory (served_touches()) and is then made as a raw system call.
 */
#ifndef LIBSHPT_PRELOAD_H
#define LIBSHPT_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "internal.h"

/* What takes the place of a call of libc's. */
#define INTERPOSED __attribute__((visibility("default")))

/* raw.c: the system calls, which nobody takes the place of */
void *raw_mmap(void *addr, size_t length, int prot, int flags, int fd,
	       off_t offset);
int raw_munmap(void *addr, size_t length);
int raw_mprotect(void *addr, size_t length, int prot);
int raw_madvise(void *addr, size_t length, int advice);
void *raw_mremap(void *old, size_t old_length, size_t new_length, int flags,
		 void *new);
int raw_remap_file_pages(void *addr, size_t size, int prot, size_t page,
			 int flags);
void *raw_shmat(int id, const void *addr, int flags);
int raw_shmdt(const void *addr);

/* settings.c */
struct settings {
	bool inactive;
	bool verbose;
	bool tell_first; /* the first mapping that is served */
	bool any_backend; /* LIBSHPT_BACKEND names another than shpt */
	size_t min_bytes;
	const char *no_size; /* what LIBSHPT_MIN_SIZE is if it is no size */
	const char *backing; /* a folder, or NULL */
};
const struct settings *settings(void);

/* say.c */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_refused(const char *call, size_t length, int err, const char *why);
void say_given_up(const char *call, const void *addr);
void say_no_size(const char *text);
void say_served(const char *call, size_t length, const void *addr);

/* tell.c */
void note_passed(const void *addr, size_t length, int err, const char *why);
void note_given_up(const void *addr, size_t length, const char *call);
int libshpt_preload_info(const void *addr, struct libshpt_info *info,
			 size_t info_size);
int libshpt_preload_populate(void *addr, size_t length,
			     const struct libshpt_populate *how,
			     size_t how_size);
const char *libshpt_preload_errormsg(void);

/* calm.c */
struct calm {
	sigset_t unblocked;
	int cancel;
};
void calm_begin(struct calm *calm);
void calm_end(const struct calm *calm);

/* backing.c */
bool has_backing(int flags);
int open_backing(off_t first, size_t length, int flags, struct reason *why);

/* served.c */
struct range pages_at(const void *addr, size_t length);
bool served_touches(struct range range);
int served_check_room(struct reason *why);
int served_add(const void *addr, struct range attached, struct reason *why);
bool served_give_up(struct range range, const char *call);
int served_unmap(struct range range);
size_t served_sysv(const void *addr);

#endif /* LIBSHPT_PRELOAD_H */
