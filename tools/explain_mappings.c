// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_mappings.c - the shared mappings of a process: which of them share
 * page tables, and why the others do not
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "explain.h"
#include "mounts.h"
#include "shptctl.h"

struct scan {
	struct report *r;
	const struct machine *m;
	const struct process *p;
	const char *libshpt; /* its library that is in the process */
	bool elsewhere; /* LIBSHPT_BACKEND is another than shpt */
	size_t min_bytes;
	int pagemap; /* or -1 */
};

static struct shared_mapping *
add(struct scan *s, const struct process_mapping *m, const char *state)
{
	struct report *r = s->r;
	struct shared_mapping *row;

	r->mappings = reallocarray(r->mappings, r->n_mappings + 1,
				   sizeof(*r->mappings));
	if (!r->mappings)
		die(EXIT_FAILURE, "no memory for another mapping");
	row = &r->mappings[r->n_mappings++];
	row->address = print("%" PRIx64, m->start);
	row->bytes = (int64_t)(m->end - m->start);
	row->state = state;
	row->region = row->chunks = row->links = COLUMN_UNKNOWN;
	row->detail = NULL;
	row->backing = print("%s", m->path);
	return row;
}

static void add_guest(struct scan *s, const struct process_mapping *m)
{
	struct shared_mapping *row = add(s, m, "shared");

	row->region = (int64_t)m->inode;
	row->chunks = (int64_t)((m->end - m->start) / CHUNK_BYTES);
	if (s->pagemap < 0) {
		row->detail = print("region %" PRId64, row->region);
		return;
	}
	row->links = pagemap_links(s->pagemap, m);
	row->detail = print("region %" PRId64 ", %" PRId64 " of %" PRId64
			    " chunks linked",
			    row->region, row->links, row->chunks);
}

/* ---- those that do not --------------------------------------------------- */

/* What is no memory but a way to reach a device or the kernel. */
static bool is_device(const struct process_mapping *m)
{
	static const char *const memory[] = { "/dev/zero", "/dev/shm/",
					      "/dev/dax", "/dev/hugepages/" };
	static const char *const others[] = {
		"/dev/", "anon_inode:", "socket:", "/dmabuf", "/drm ", "/i915"
	};

	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++)
		if (!strncmp(m->path, memory[i], strlen(memory[i])))
			return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strncmp(m->path, others[i], strlen(others[i])))
			return true;
	return false;
}

/* Why a file of no kind that can be shared is not. */
static char *why_unfit(const struct scan *s, const struct process_mapping *m)
{
	char *mounts = print("proc/%d/mountinfo", s->p->pid), *why;
	struct mount mount;
	bool on_mount =
		mount_of_device(s->m->root, mounts, m->major, m->minor, &mount);

	if (!strncmp(m->path, "/anon_hugepage", strlen("/anon_hugepage")) ||
	    (on_mount && !strcmp(mount.type, "hugetlbfs")))
		why = print("hugetlb: the kernel shares its page tables");
	else if (on_mount)
		why = print("on %s without DAX", mount.type);
	else
		why = print("not on tmpfs, nor on DAX");
	mount_free(&mount);
	free(mounts);
	return why;
}

/* Why it cannot be shared whatever one does with the process, or NULL. */
static char *why_not(const struct scan *s, const struct process_mapping *m)
{
	if (m->executable)
		return print("executable mappings are ordinary ones");
	if (mapping_kind(s->m->root, s->p->pid, m))
		return NULL;
	return why_unfit(s, m);
}

/* Why it is not, though it could be. */
static char *why_not_yet(const struct scan *s, const struct process_mapping *m)
{
	char least[32];

	format_bytes(least, sizeof(least), (long long)s->min_bytes);
	if (!s->libshpt)
		return print("no library of shpt was there when it was made");
	if (s->elsewhere)
		return print("LIBSHPT_BACKEND asks for something else");
	if (strstr(s->libshpt, "-preload.so") &&
	    m->end - m->start < s->min_bytes)
		return print("smaller than LIBSHPT_MIN_SIZE, %s", least);
	if ((m->start - m->offset) % CHUNK_BYTES)
		return print("address and offset differ modulo 1 GiB; the "
			     "process's stderr may say more");
	return print("the process's stderr says why, of each mapping with "
		     "LIBSHPT_VERBOSE=1");
}

/* What maps no page table's worth has nothing to save. */
static void add_ordinary(struct scan *s, const struct process_mapping *m)
{
	char *why = why_not(s, m);
	struct shared_mapping *row;

	if (m->end - m->start < TABLE_SPAN) {
		s->r->n_small++;
		free(why);
		return;
	}
	row = add(s, m, why ? "no" : "could");
	row->detail = why ?: why_not_yet(s, m);
}

static void read_settings(struct scan *s)
{
	char *backend =
		process_variable(s->m->root, s->p->pid, "LIBSHPT_BACKEND");

	s->elsewhere = backend && *backend && strcmp(backend, "shpt") != 0;
	s->min_bytes = process_min_bytes(s->m->root, s->p->pid);
	free(backend);
}

void check_mappings(struct report *r, const struct machine *m,
		    const struct process *p)
{
	struct scan s = {
		.r = r,
		.m = m,
		.p = p,
		.libshpt = process_library(p),
		.pagemap = pagemap_open(m->root, p->pid),
	};

	read_settings(&s);
	for (size_t i = 0; i < p->n; i++) {
		if (is_guest(&p->mappings[i]))
			add_guest(&s, &p->mappings[i]);
		else if (p->mappings[i].shared && !is_device(&p->mappings[i]))
			add_ordinary(&s, &p->mappings[i]);
	}
	if (s.pagemap >= 0)
		close(s.pagemap);
}
