// SPDX-License-Identifier: LGPL-2.1-or-later
/* info.c - what a mapping is */
#include <errno.h>
#include <string.h>

#include "internal.h"

static void describe(const struct mapping *m, uintptr_t addr,
		     struct libshpt_info *info)
{
	info->addr = (void *)m->addr;
	info->length = m->length;
	info->backend = m->backend->id;
	info->why_errno = m->why.err;
	memcpy(info->why, m->why.text, sizeof(info->why));
	info->data_node = node_of_page((void *)addr, m->dax);
	info->table_node = -1;
	info->persistent = m->persistent;
	if (m->backend->info)
		m->backend->info(m, info);
}

/* A copy, for describing it takes system calls that the table need not wait
 * for. */
static bool find(uintptr_t addr, struct mapping *found)
{
	struct mapping *m;
	struct range own;

	table_lock();
	m = table_next(NULL, (struct range){ addr, addr + 1 });
	if (m)
		*found = *m;
	table_unlock();
	if (!m)
		return false;
	own = own_pages(found->addr, found->length);
	return own.start <= addr && addr < own.end;
}

LIBSHPT_EXPORT int libshpt_info(const void *addr, struct libshpt_info *info,
				size_t info_size)
{
	struct libshpt_info known;
	struct mapping m;
	struct reason why;

	if (!info || info_size == 0) {
		refuse(&why, EINVAL,
		       "information of %zu bytes at %p: pass a struct "
		       "libshpt_info and its size",
		       info_size, (void *)info);
		return fail_with(&why);
	}
	if (!find((uintptr_t)addr, &m)) {
		refuse(&why, ENOENT,
		       "no mapping of libshpt is at %p: pass an address that "
		       "libshpt_map() returned",
		       addr);
		return fail_with(&why);
	}
	memset(&known, 0, sizeof(known));
	describe(&m, (uintptr_t)addr, &known);
	give_struct(info, info_size, &known, sizeof(known));
	return 0;
}

LIBSHPT_EXPORT const char *libshpt_backend_name(uint32_t backend)
{
	for (int i = 0; backends[i]; i++)
		if (backends[i]->id == backend)
			return backends[i]->name;
	return "unknown";
}
