// SPDX-License-Identifier: GPL-2.0-only
/*
 * tables.c - look into a host's page tables
 *
 * All here reads without locks and tells what was so a moment ago. PMD tables
 * and above are there as long as the host. PTE tables may be freed by the core
 * at any time, after a grace period of RCU (on 6.1 not while the host lives,
 * see shpt_hold_tables()), so they are read under rcu_read_lock().
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <asm/pgalloc.h>

#include "internal.h"

static unsigned long chunk_addr(unsigned long chunk)
{
	return HOST_BASE + (chunk << CHUNK_SHIFT);
}

/*
 * The host's PUD entry of a chunk. False if it has no PMD table there yet, or
 * a leaf.
 */
bool shpt_host_pud(struct shpt_host *host, unsigned long chunk, pud_t *pud)
{
	unsigned long addr = chunk_addr(chunk);
	pgd_t *pgd = pgd_offset(host->mm, addr);
	p4d_t *p4d;

	if (pgd_none(*pgd))
		return false;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return false;
	*pud = READ_ONCE(*pud_offset(p4d, addr));
	return pud_present(*pud) && !pud_leaf(*pud);
}

static pmd_t host_pmd(struct shpt_host *host, pgoff_t pgoff)
{
	unsigned long addr = HOST_BASE + (pgoff << PAGE_SHIFT);
	pud_t pud;

	if (!shpt_host_pud(host, pgoff >> (CHUNK_SHIFT - PAGE_SHIFT), &pud))
		return __pmd(0);
	return READ_ONCE(pud_pgtable(pud)[pmd_index(addr)]);
}

static bool is_table(pmd_t pmd)
{
	return pmd_present(pmd) && !pmd_leaf(pmd);
}

/* Under rcu_read_lock(). */
static pte_t *pte_table(pmd_t pmd)
{
	return (pte_t *)pmd_page_vaddr(pmd);
}

/*
 * How many pages from pgoff on does the host map by one PMD entry, for writing
 * if asked to? 1 if there is none.
 */
unsigned long shpt_host_mapped(struct shpt_host *host, pgoff_t pgoff,
			       bool write)
{
	pmd_t pmd = host_pmd(host, pgoff);

	if (!pmd_present(pmd) || !pmd_leaf(pmd) || (write && !pmd_write(pmd)))
		return 1;
	return PTRS_PER_PTE - (pgoff & (PTRS_PER_PTE - 1));
}

/* Does the host's fault at pgoff find all tables that it needs? On which node? */
bool shpt_host_has_table(struct shpt_host *host, pgoff_t pgoff, int *node)
{
	pmd_t pmd = host_pmd(host, pgoff);

	if (!is_table(pmd))
		return false;
	*node = page_to_nid(pmd_page(pmd));
	return true;
}

/* Bytes of the tables of one chunk: its PMD table and the PTE tables below. */
static u64 chunk_table_bytes(struct shpt_host *host, unsigned long chunk)
{
	unsigned int i, tables = 1;
	pud_t pud;

	if (!shpt_host_pud(host, chunk, &pud))
		return 0;
	for (i = 0; i < PTRS_PER_PMD; i++)
		tables += is_table(READ_ONCE(pud_pgtable(pud)[i]));
	return tables * PAGE_SIZE;
}

/*
 * What the guests that link to the host would have, each for what it links, had
 * each touched every page that any has.
 */
u64 shpt_host_unshared_bytes(struct shpt_host *host)
{
	struct shpt_chunk *chunk;
	unsigned int links;
	u64 bytes = 0;
	unsigned long i;

	xa_for_each(&host->chunks, i, chunk) {
		links = atomic_read(&chunk->links);
		if (links)
			bytes += links * chunk_table_bytes(host, i);
		cond_resched();
	}
	return bytes;
}

static bool pte_table_empty(pmd_t pmd)
{
	pte_t *pte = pte_table(pmd);
	unsigned int i;

	for (i = 0; i < PTRS_PER_PTE; i++) {
		if (!pte_none(READ_ONCE(pte[i])))
			return false;
	}
	return true;
}

static u64 chunk_empty_bytes(pud_t pud)
{
	unsigned int i, empty = 0, used = 0;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		pmd_t pmd;

		rcu_read_lock();
		pmd = READ_ONCE(pud_pgtable(pud)[i]);
		if (is_table(pmd) && pte_table_empty(pmd))
			empty++;
		else if (!pmd_none(pmd))
			used++;
		rcu_read_unlock();
	}
	return (empty + !used) * PAGE_SIZE;
}

/* Bytes of tables that map nothing, in the chunks from first to last. */
u64 shpt_host_empty_bytes(struct shpt_host *host, unsigned long first,
			  unsigned long last)
{
	unsigned long end = READ_ONCE(host->touched);
	u64 bytes = 0;
	pud_t pud;

	for (; first <= last && first < end; first++) {
		if (!shpt_host_pud(host, first, &pud))
			continue;
		bytes += chunk_empty_bytes(pud);
		cond_resched();
	}
	return bytes;
}

/* Does the host map the page? */
static bool host_maps(struct shpt_host *host, pgoff_t pgoff)
{
	bool present;
	pmd_t pmd;

	rcu_read_lock();
	pmd = host_pmd(host, pgoff);
	if (is_table(pmd))
		present = pte_present(READ_ONCE(pte_table(pmd)[pgoff &
							(PTRS_PER_PTE - 1)]));
	else
		present = pmd_present(pmd);
	rcu_read_unlock();
	return present;
}

#define LOCK_TRIES	10

static bool lock_for_fault(struct inode *inode)
{
	int tries;

	for (tries = 0; !inode_trylock_shared(inode); tries++) {
		if (tries == LOCK_TRIES)
			return false;
		schedule_timeout_idle(1);
	}
	return true;
}

/*
 * Map what the file has there. A hole that was punched since is not to be filled
 * again, and for shmem the inode's lock keeps others from punching one between
 * the look and the fault. That is the order in which write(2) takes it, before
 * an mmap_lock. The file system of DAX knows by itself: reads of holes allocate
 * nothing. So what was mapped for writing is mapped for reading again, until
 * somebody writes.
 *
 * False if the lock cannot be had. Who has it may be writing from memory that
 * takes for ever to be read, and the renewal keeps others waiting.
 */
static bool map_page(struct shpt_host *to, pgoff_t pgoff)
{
	struct inode *inode = to->region->key;

	if (to->region->kind != BACKING_SHMEM) {
		shpt_host_fault(to, pgoff, 0);
		return true;
	}
	if (!lock_for_fault(inode))
		return false;
	/* A page, or one in swap. */
	if (xa_load(&inode->i_mapping->i_pages, pgoff))
		shpt_host_fault(to, pgoff, 0);
	inode_unlock_shared(inode);
	return true;
}

static bool is_enough(struct shpt_host *to, struct shpt_host *from,
		      const bool *enough)
{
	return READ_ONCE(*enough) || READ_ONCE(from->retired) ||
	       (to->access != ACCESS_READ && !READ_ONCE(to->region->writers));
}

static bool copy_chunk(struct shpt_host *to, struct shpt_host *from,
		       unsigned long chunk, const bool *enough)
{
	pgoff_t pgoff = (pgoff_t)chunk << (CHUNK_SHIFT - PAGE_SHIFT);
	pgoff_t end = pgoff + (CHUNK_SIZE >> PAGE_SHIFT);

	while (pgoff < end && !is_enough(to, from, enough)) {
		if (pmd_none(host_pmd(from, pgoff))) {
			pgoff = round_down(pgoff, PTRS_PER_PTE) + PTRS_PER_PTE;
			continue;
		}
		if (host_maps(from, pgoff) && !host_maps(to, pgoff) &&
		    !map_page(to, pgoff))
			return false;
		pgoff += shpt_host_mapped(to, pgoff, false);
		cond_resched();
	}
	return true;
}

/*
 * Have one host map what another of the same region maps, so that guests which
 * move there find it mapped. What cannot be mapped any more is left out, and
 * so is the rest when nobody waits for it (enough) or needs it (a host for
 * writing without files that could, or in place of one that has gone), or when
 * the backing is locked for long: who moves there faults.
 */
void shpt_host_copy(struct shpt_host *to, struct shpt_host *from,
		    const bool *enough)
{
	unsigned long chunk;
	pud_t pud;

	for (chunk = 0; chunk < READ_ONCE(from->touched); chunk++) {
		if (shpt_host_pud(from, chunk, &pud) &&
		    !copy_chunk(to, from, chunk, enough))
			return;
	}
}
