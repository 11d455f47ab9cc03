// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tell.c - what a program may ask the library if it knows of it
 *
 * It finds these functions with dlsym(3). They have names of their own, so that
 * a program that is linked with libshpt has libshpt's.
 *
 * What the library had to pass through, or gave up serving, is in no table, so
 * it is noted here.
 * That stays when the mapping goes: who asks for an address has a mapping there,
 * and what is served, or was passed through later, is found first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "preload.h"

#define PASSED_MAX 16

struct passed {
	uintptr_t addr;
	size_t length;
	struct reason why;
};

/* Under the table's lock. The newest takes the place of the oldest. */
static struct passed passed[PASSED_MAX];
static size_t passed_ever;

/* Call with the table's lock held. */
static void note(const void *addr, size_t length, int err, const char *why)
{
	struct passed *p = &passed[passed_ever++ % PASSED_MAX];

	p->addr = (uintptr_t)addr;
	p->length = length;
	p->why.err = err;
	snprintf(p->why.text, sizeof(p->why.text), "%s", why);
}

void note_passed(const void *addr, size_t length, int err, const char *why)
{
	table_lock();
	note(addr, length, err, why);
	table_unlock();
}

/* What @call has made an ordinary mapping. Call with the table's lock held. */
void note_given_up(const void *addr, size_t length, const char *call)
{
	char why[128];

	snprintf(why, sizeof(why),
		 "%s cannot be had with shared page tables: the mapping is an "
		 "ordinary one since then",
		 call);
	note(addr, length, EOPNOTSUPP, why);
}

/* Call with the table's lock held. */
static const struct passed *find_passed(uintptr_t addr)
{
	size_t n = passed_ever < PASSED_MAX ? passed_ever : PASSED_MAX;

	for (size_t i = 1; i <= n; i++) {
		const struct passed *p =
			&passed[(passed_ever - i) % PASSED_MAX];

		if (addr - p->addr < p->length)
			return p;
	}
	return NULL;
}

static int describe(uintptr_t addr, struct libshpt_info *info)
{
	const struct passed *p;

	table_lock();
	p = find_passed(addr);
	if (p) {
		memset(info, 0, sizeof(*info));
		info->addr = (void *)p->addr;
		info->length = p->length;
		info->backend = LIBSHPT_BACKEND_PLAIN;
		info->why_errno = p->why.err;
		info->data_node = -1;
		info->table_node = -1;
		memcpy(info->why, p->why.text, sizeof(info->why));
	}
	table_unlock();
	return p ? 0 : -1;
}

LIBSHPT_EXPORT int libshpt_preload_info(const void *addr,
					struct libshpt_info *info,
					size_t info_size)
{
	struct libshpt_info known;
	struct reason why;
	int err = libshpt_info(addr, info, info_size);

	if (!err || errno != ENOENT)
		return err;
	if (describe((uintptr_t)addr, &known)) {
		refuse(&why, ENOENT,
		       "libshpt-preload.so was not asked to serve what is "
		       "mapped at %p: it serves shared mappings from %zu bytes "
		       "on: lower LIBSHPT_MIN_SIZE if it is smaller",
		       addr, settings()->min_bytes);
		return fail_with(&why);
	}
	give_struct(info, info_size, &known, sizeof(known));
	return 0;
}

LIBSHPT_EXPORT int libshpt_preload_populate(void *addr, size_t length,
					    const struct libshpt_populate *how,
					    size_t how_size)
{
	return libshpt_populate(addr, length, how, how_size);
}

LIBSHPT_EXPORT const char *libshpt_preload_errormsg(void)
{
	return libshpt_errormsg();
}
