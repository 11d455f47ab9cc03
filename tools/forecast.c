// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * forecast.c - what sharing page tables would save on this machine
 *
 * Now: the page tables that each process has for a backing and for nothing else.
 * With shpt: one copy, of the tables that any of them needs, and in each
 * process an empty PMD table for each chunk of 1 GiB that it uses. The copy is
 * laid out by offsets in the file, which the processes' own mappings need not
 * be aligned to. Those who may write and those who may not have one each.
 */
#define _GNU_SOURCE
#include <search.h>
#include <stdlib.h>
#include <unistd.h>

#include "forecast.h"
#include "processes.h"
#include "shptctl.h"

#define TABLES_PER_CHUNK (CHUNK_BYTES / TABLE_SPAN)
#define CHUNKS_PER_PUD 512

/* How some process has a piece of a chunk mapped. */
enum { BY_TABLE = 1, BY_HUGE_ENTRY = 2 };

struct shared_chunk {
	uint64_t index;
	uint64_t links; /* processes that would link it */
	pid_t last; /* the last that was counted */
	uint8_t pieces[TABLES_PER_CHUNK];
};

struct backing {
	struct process_mapping mapping; /* that it was first seen in */
	size_t holders;
	pid_t last; /* the last process that was counted */
	bool chosen;
	void *chunks[2]; /* trees: of who may not write, and of who may */
	struct forecast row;
};

struct survey {
	int root;
	size_t min_bytes;
	size_t n;
	struct backing *backings;
};

/* ---- which backings there are ---------------------------------------------- */

/* Segments of System V have their own numbers for inodes. */
static bool is_sysv(const struct process_mapping *m)
{
	return !strncmp(m->path, "/SYSV", strlen("/SYSV"));
}

static bool shares_already(const struct process *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strncmp(p->mappings[i].path, GUEST_PATH,
			     strlen(GUEST_PATH)))
			return true;
	return false;
}

static bool is_same_file(const struct process_mapping *a,
			 const struct process_mapping *b)
{
	return a->inode == b->inode && a->major == b->major &&
	       a->minor == b->minor && is_sysv(a) == is_sysv(b);
}

static struct backing *
add_backing(struct survey *s, const struct process_mapping *m, const char *kind)
{
	struct backing *b;

	s->backings = reallocarray(s->backings, s->n + 1, sizeof(*b));
	if (!s->backings)
		die(EXIT_FAILURE, "no memory for %zu files", s->n + 1);
	b = &s->backings[s->n++];
	*b = (struct backing){ .mapping = *m, .row.kind = kind };
	b->mapping.path = b->row.backing = print("%s", m->path);
	return b;
}

/* The backing of a mapping that would be shared, or NULL. */
static struct backing *candidate(struct survey *s, pid_t pid,
				 const struct process_mapping *m)
{
	const char *kind;

	if (!m->shared || m->end - m->start < s->min_bytes)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		if (is_same_file(&s->backings[i].mapping, m))
			return &s->backings[i];
	kind = mapping_kind(s->root, pid, m);
	return kind ? add_backing(s, m, kind) : NULL;
}

static void note_holder(struct survey *s, const struct process *p, bool choose)
{
	for (size_t i = 0; i < p->n; i++) {
		struct backing *b = candidate(s, p->pid, &p->mappings[i]);

		if (!b)
			continue;
		b->chosen |= choose;
		/* Once, however often it is mapped. */
		b->holders += b->last != p->pid;
		b->last = p->pid;
	}
}

/* ---- what a process has ---------------------------------------------------- */

/* Maps nothing but the file between these addresses. */
static bool has_alone(const struct process *p, size_t i, uint64_t start,
		      uint64_t end)
{
	const struct process_mapping *m = p->mappings;

	for (size_t j = i; j-- > 0 && m[j].end > start;)
		if (!is_same_file(&m[j], &m[i]))
			return false;
	for (size_t j = i + 1; j < p->n && m[j].start < end; j++)
		if (!is_same_file(&m[j], &m[i]))
			return false;
	return true;
}

/* A table of the process's own for span bytes, if sharing would do away with
 * it; next is the address from which on none has been counted yet. */
static int64_t own_table(const struct process *p, size_t i, uint64_t at,
			 uint64_t span, uint64_t *next)
{
	uint64_t start = at - at % span;

	if (start < *next)
		return 0;
	*next = start + span;
	return has_alone(p, i, start, start + span) ? TABLE_BYTES : 0;
}

static int compare_chunks(const void *a, const void *b)
{
	uint64_t x = ((const struct shared_chunk *)a)->index;
	uint64_t y = ((const struct shared_chunk *)b)->index;

	return (x > y) - (x < y);
}

static struct shared_chunk *link_chunk(struct backing *b, pid_t pid,
				       bool writable, uint64_t offset)
{
	struct shared_chunk key = { .index = offset / CHUNK_BYTES }, *chunk;
	struct shared_chunk **found =
		tsearch(&key, &b->chunks[writable], compare_chunks);

	if (found && *found == &key) {
		*found = malloc(sizeof(key));
		if (*found)
			**found = key;
	}
	if (!found || !*found)
		die(EXIT_FAILURE, "no memory for another chunk");
	chunk = *found;
	if (chunk->last != pid) {
		chunk->last = pid;
		chunk->links++;
	}
	return chunk;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct counted {
	const struct backing *backing;
	uint64_t tables; /* addresses: see own_table() */
	uint64_t upper_tables;
};

static void survey_mapping(struct backing *b, const struct process *p, size_t i,
			   int pagemap, struct counted *counted)
{
	const struct process_mapping *m = &p->mappings[i];
	uint64_t at = m->start;
	bool huge;

	/* After fork(2) the library touches each mapping's first page. */
	link_chunk(b, p->pid, m->writable, m->offset);
	while ((at = pagemap_next(pagemap, at, m->end, &huge)) < m->end) {
		uint64_t offset = m->offset + (at - m->start);
		struct shared_chunk *chunk =
			link_chunk(b, p->pid, m->writable, offset);

		chunk->pieces[offset % CHUNK_BYTES / TABLE_SPAN] |=
			huge ? BY_HUGE_ENTRY : BY_TABLE;
		if (!huge)
			b->row.table_bytes += own_table(p, i, at, TABLE_SPAN,
							&counted->tables);
		b->row.table_bytes += own_table(p, i, at, CHUNK_BYTES,
						&counted->upper_tables);
		/* On to where the table of either is another. */
		at += least(TABLE_SPAN - at % TABLE_SPAN,
			    TABLE_SPAN - offset % TABLE_SPAN);
	}
}

static void note_process(const struct survey *s, struct backing *b,
			 const struct process *p, size_t i)
{
	const struct process_mapping *m = &p->mappings[i];
	int64_t end = (int64_t)(m->offset + (m->end - m->start));

	if (b->row.size_bytes < end)
		b->row.size_bytes = end;
	if (b->last == p->pid)
		return;
	b->last = p->pid;
	if (!b->row.processes++) {
		b->row.pid = p->pid;
		b->row.command = process_command(s->root, p->pid);
	}
}

static void survey_process(struct survey *s, const struct process *p)
{
	int pagemap = pagemap_open(s->root, p->pid);
	struct counted counted = { 0 };

	if (pagemap < 0)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct backing *b = candidate(s, p->pid, &p->mappings[i]);

		if (!b || !b->chosen || b->holders < 2)
			continue;
		if (counted.backing != b)
			counted = (struct counted){ .backing = b };
		note_process(s, b, p, i);
		survey_mapping(b, p, i, pagemap, &counted);
	}
	close(pagemap);
}

/* ---- what it comes to ------------------------------------------------------ */

struct sum {
	struct forecast *row;
	uint64_t pud; /* the one that was counted last, from 1 on */
	bool has_tables;
};

static void add_chunk(const void *node, VISIT visit, void *closure)
{
	const struct shared_chunk *chunk =
		*(const struct shared_chunk *const *)node;
	struct sum *sum = closure;
	/* As the kernel part lays them out: it leaves out the first GiB. */
	uint64_t pud = (chunk->index + 1) / CHUNKS_PER_PUD + 1;
	int64_t tables = 1;

	if (visit != postorder && visit != leaf)
		return;
	/* Where one process has a 2 MiB entry, so has the copy. */
	for (size_t i = 0; i < TABLES_PER_CHUNK; i++)
		tables += chunk->pieces[i] == BY_TABLE;
	sum->has_tables |= tables > 1;
	sum->row->shared_bytes += (tables + (pud != sum->pud)) * TABLE_BYTES;
	sum->row->parked_bytes += (int64_t)chunk->links * TABLE_BYTES;
	sum->row->most_bytes += (int64_t)chunk->links * tables * TABLE_BYTES;
	sum->pud = pud;
}

/* False if there is nothing to say of it. */
static bool sum_up(struct backing *b, size_t *huge)
{
	struct forecast *row = &b->row;
	bool has_tables = false;

	if (row->processes < 2)
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct sum sum = { .row = row };

		twalk_r(b->chunks[i], add_chunk, &sum);
		has_tables |= sum.has_tables;
	}
	*huge += !has_tables;
	row->saved_bytes =
		row->table_bytes - row->shared_bytes - row->parked_bytes;
	row->most_bytes -= row->shared_bytes + row->parked_bytes;
	return has_tables;
}

static int compare_rows(const void *a, const void *b)
{
	int64_t x = ((const struct forecast *)a)->saved_bytes;
	int64_t y = ((const struct forecast *)b)->saved_bytes;

	return (x < y) - (x > y);
}

static void free_row(struct forecast *row)
{
	free(row->backing);
	free(row->command);
}

static void give_rows(struct survey *s, struct forecasts *all)
{
	all->rows = calloc(s->n + 1, sizeof(*all->rows));
	if (!all->rows)
		die(EXIT_FAILURE, "no memory for %zu files", s->n);
	for (size_t i = 0; i < s->n; i++) {
		struct backing *b = &s->backings[i];

		if (sum_up(b, &all->huge))
			all->rows[all->n++] = b->row;
		else
			free_row(&b->row);
		tdestroy(b->chunks[0], free);
		tdestroy(b->chunks[1], free);
	}
	qsort(all->rows, all->n, sizeof(*all->rows), compare_rows);
	free(s->backings);
}

static void check_pid(const struct survey *s, pid_t pid)
{
	struct process p;

	if (!process_read(s->root, pid, &p))
		die(EXIT_FAILURE,
		    "process %d may not be looked at: run this as root, or as "
		    "its owner",
		    pid);
	if (!p.n)
		die(EXIT_FAILURE, "there is no process %d with memory", pid);
	process_free(&p);
}

void forecasts_read(int root, pid_t pid, size_t min_bytes,
		    struct forecasts *all)
{
	struct survey s = { .root = root, .min_bytes = min_bytes };
	pid_t *pids;
	size_t n = pids_read(root, &pids);

	memset(all, 0, sizeof(*all));
	if (pid)
		check_pid(&s, pid);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			struct process p;

			if (!process_read(root, pids[i], &p))
				all->unreadable += pass == 0;
			else if (pass == 0)
				note_holder(&s, &p, !pid || p.pid == pid);
			else
				survey_process(&s, &p);
			all->sharing += pass == 0 && shares_already(&p);
			process_free(&p);
		}
		for (size_t i = 0; i < s.n; i++)
			s.backings[i].last = 0;
	}
	free(pids);
	give_rows(&s, all);
}

void forecasts_free(struct forecasts *all)
{
	for (size_t i = 0; i < all->n; i++)
		free_row(&all->rows[i]);
	free(all->rows);
}
