// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * look.c - one look of shptctl top: the regions, the processes that map them,
 * and what became of both since the last look
 *
 * The kernel part counts by region. What a process has of it is seen from
 * outside: which of its chunks are linked, by its pagemap; its faults, in which
 * those that are not shpt's are counted too; and a flush of a region concerns
 * each process that maps it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"
#include "shptctl.h"
#include "top.h"

static struct watched *list_add(struct list *list)
{
	list->items =
		reallocarray(list->items, list->n + 1, sizeof(*list->items));
	if (!list->items)
		die(EXIT_FAILURE, "no memory for %zu lines", list->n + 1);
	memset(&list->items[list->n], 0, sizeof(*list->items));
	return &list->items[list->n++];
}

static struct watched *list_find(const struct list *list, uint64_t id)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].id == id)
			return &list->items[i];
	return NULL;
}

/* A counter that goes back has begun anew. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now < before ? NAN : (double)(now - before) / seconds;
}

static void set_rates(struct watched *w, const struct watched *before,
		      double seconds)
{
	w->links_rate = rate(w->links, before->links, seconds);
	w->faults_rate = rate(w->faults, before->faults, seconds);
	w->flushes_rate = rate(w->flushes, before->flushes, seconds);
}

/* What a region that came since has counted, it has counted since. */
static void add_region(struct look *look, const struct look *before,
		       const struct libshpt_region *region)
{
	static const struct watched nothing;
	struct watched *w = list_add(&look->lists[REGIONS]), *old = NULL;

	w->id = region->id;
	w->saved = region->saved_bytes;
	w->peers = (int64_t)region->guests;
	w->linked = (int64_t)region->links;
	w->tables = (int64_t)region->table_bytes;
	w->links = region->links + region->unlinks;
	w->faults = region->faults_served;
	w->flushes = region->flushes;
	w->what = print("%s", *region->name    ? region->name :
			      *region->backing ? region->backing :
						 "-");
	if (before)
		old = list_find(&before->lists[REGIONS], w->id);
	set_rates(w, old ? old : &nothing, look->seconds);
}

/* It wraps around with numbers that cannot be, and then they are seen. */
static void add(int64_t *sum, int64_t number)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)number);
}

static void sum_up(struct look *look)
{
	struct watched *sum = &look->sum;

	if (isnan(look->seconds))
		sum->links_rate = sum->faults_rate = sum->flushes_rate = NAN;
	for (size_t i = 0; i < look->lists[REGIONS].n; i++) {
		const struct watched *w = &look->lists[REGIONS].items[i];

		add(&sum->saved, w->saved);
		add(&sum->linked, w->linked);
		add(&sum->tables, w->tables);
		sum->links_rate += w->links_rate;
		sum->faults_rate += w->faults_rate;
		sum->flushes_rate += w->flushes_rate;
	}
}

/* What it calls itself, or without arguments what its program is called. */
static char *name_process(int root, pid_t pid)
{
	char *name = fact_line(root, "proc/%d/cmdline", pid);

	if (name && *name)
		return name;
	free(name);
	return process_command(root, pid);
}

/* The fields behind the name of the program, which may contain anything. */
static void read_faults(int root, struct watched *w)
{
	char *line = fact_line(root, "proc/%" PRIu64 "/stat", w->id);
	const char *rest = line ? strrchr(line, ')') : NULL;
	uint64_t minor = 0, major = 0;

	if (rest && sscanf(rest,
			   ") %*s %*s %*s %*s %*s %*s %*s %" SCNu64
			   " %*s %" SCNu64 " %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %" SCNu64,
			   &minor, &major, &w->start) == 3)
		w->faults = minor + major;
	free(line);
}

/*
 * Of what a region saves, a link's part is as large as any other's. The process
 * may have linked more since the region was looked at.
 */
static void add_links(struct watched *w, const struct watched *region,
		      int64_t linked)
{
	w->linked += linked;
	if (linked >= region->linked)
		add(&w->saved, region->saved);
	else if (linked > 0)
		add(&w->saved,
		    (int64_t)((double)region->saved / (double)region->linked *
			      (double)linked));
}

/* It may map one region several times. */
static bool is_first_of(const struct process *p, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_guest(&p->mappings[j]) &&
		    p->mappings[j].inode == p->mappings[i].inode)
			return false;
	return true;
}

static void add_regions(int root, const struct look *look, struct watched *w,
			const struct process *p)
{
	int pagemap = pagemap_open(root, p->pid);

	for (size_t i = 0; i < p->n; i++) {
		const struct process_mapping *m = &p->mappings[i];
		const struct watched *region;

		if (!is_guest(m))
			continue;
		region = list_find(&look->lists[REGIONS], m->inode);
		if (!region)
			continue;
		if (is_first_of(p, i)) {
			w->peers++;
			w->flushes_rate += region->flushes_rate;
		}
		if (pagemap >= 0)
			add_links(w, region, pagemap_links(pagemap, m));
	}
	if (pagemap >= 0)
		close(pagemap);
	else
		w->saved = w->linked = NOT_KNOWN;
}

/* Links that came and went between two looks are not seen. */
static void set_process_rates(struct watched *w, const struct watched *before,
			      double seconds)
{
	w->links_rate = w->faults_rate = NAN;
	if (!before || before->start != w->start)
		return;
	w->faults_rate = rate(w->faults, before->faults, seconds);
	if (w->linked == NOT_KNOWN || before->linked == NOT_KNOWN)
		return;
	w->links_rate = w->linked < before->linked ?
				0 :
				(double)(w->linked - before->linked) / seconds;
}

static void add_process(int root, struct look *look, const struct look *before,
			pid_t pid)
{
	struct process p;
	struct watched *w;
	bool guest = false;

	look->unreadable += !process_read(root, pid, &p);
	for (size_t i = 0; i < p.n && !guest; i++)
		guest = is_guest(&p.mappings[i]);
	if (guest) {
		w = list_add(&look->lists[PROCESSES]);
		w->id = (uint64_t)pid;
		w->what = name_process(root, pid);
		read_faults(root, w);
		w->tables = process_tables(root, pid);
		add_regions(root, look, w, &p);
		set_process_rates(
			w,
			before ? list_find(&before->lists[PROCESSES], w->id) :
				 NULL,
			look->seconds);
	}
	process_free(&p);
}

struct look *look_take(int root, const struct look *before)
{
	struct look *look = calloc(1, sizeof(*look));
	struct libshpt_region *regions;
	struct timespec t;
	pid_t *pids;
	size_t n;

	if (!look)
		die(EXIT_FAILURE, "no memory");
	clock_gettime(CLOCK_MONOTONIC, &t);
	look->at = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	look->seconds = before ? look->at - before->at : NAN;
	n = regions_read(root, &regions);
	for (size_t i = 0; i < n; i++)
		add_region(look, before, &regions[i]);
	free(regions);
	sum_up(look);
	/* Without regions nobody maps any. */
	if (!n)
		return look;
	n = pids_read(root, &pids);
	for (size_t i = 0; i < n; i++)
		add_process(root, look, before, pids[i]);
	free(pids);
	return look;
}

void look_free(struct look *look)
{
	for (int view = 0; view < VIEWS; view++) {
		struct list *list = &look->lists[view];

		for (size_t i = 0; i < list->n; i++)
			free(list->items[i].what);
		free(list->items);
	}
	free(look);
}
