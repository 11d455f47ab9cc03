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

static int find(uintptr_t addr, struct libshpt_info *info)
{
	struct range page = own_pages(addr, 1);
	struct mapping *m;
	int err = -1;

	table_lock();
	m = table_next(NULL, page);
	if (m) {
		struct range own = own_pages(m->addr, m->length);

		if (own.start <= addr && addr < own.end) {
			describe(m, addr, info);
			err = 0;
		}
	}
	table_unlock();
	return err;
}

LIBSHPT_EXPORT int libshpt_info(const void *addr, struct libshpt_info *info,
				size_t info_size)
{
	struct libshpt_info known;
	struct reason why;

	if (!info || info_size == 0) {
		refuse(&why, EINVAL,
		       "information of %zu bytes at %p: pass a struct "
		       "libshpt_info and its size",
		       info_size, (void *)info);
		return fail_with(&why);
	}
	memset(&known, 0, sizeof(known));
	if (find((uintptr_t)addr, &known)) {
		refuse(&why, ENOENT,
		       "no mapping of libshpt is at %p: pass an address that "
		       "libshpt_map() returned",
		       addr);
		return fail_with(&why);
	}
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
