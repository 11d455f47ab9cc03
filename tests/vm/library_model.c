/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt against a model of what mmap(2) and its kin would have made: mappings
 * on, beside and across chunks that are replaced, unmapped, protected, broken,
 * adopted in parts, at random; after each step every page that is mapped has the
 * bytes and the protection that it should have.
 */
#include "refusal.h"

#define BASE	((char *)0x400000000000UL)
#define CHUNKS	4		/* of addresses, and of the file */
#define STEPS	150
#define SEEDS	4
#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"

/* A chunk is cut into these pieces, of which the first pages are looked at. */
static const size_t pieces[] = {
	0, PAGE, CHUNK / 2, CHUNK / 2 + PAGE, CHUNK - PAGE,
};
#define PIECES	(sizeof(pieces) / sizeof(pieces[0]))
#define END	(CHUNKS * PIECES)

static struct piece {
	bool mapped, private, written;
	int prot;
	off_t offset;
	uint64_t own;		/* what was written to a private one */
} model[END];

static int fd;
static uint64_t random_state;
static char step[160];

static unsigned int random_below(unsigned int n)
{
	random_state = random_state * 6364136223846793005ULL +
		       1442695040888963407ULL;
	return (random_state >> 33) % n;
}

static char *at(unsigned int i)
{
	return BASE + i / PIECES * CHUNK + pieces[i % PIECES];
}

static size_t bytes_of(unsigned int first, unsigned int end)
{
	return (end < END ? at(end) : BASE + CHUNKS * CHUNK) - at(first);
}

static uint64_t in_file(off_t offset)
{
	uint64_t word = 0;

	CHECK_GE(pread(fd, &word, sizeof(word), offset), 0);
	return word;
}

static void check_piece(unsigned int i)
{
	const struct piece *m = &model[i];
	uint64_t word = m->written ? m->own : in_file(m->offset);
	struct libshpt_info info;
	char *p = at(i);

	CHECK(libshpt_info(p, &info, sizeof(info)) == 0 &&
	      (char *)info.addr <= p && p < (char *)info.addr + info.length,
	      "piece %u is unknown: %s", i, step);
	if (m->prot == PROT_NONE) {
		CHECK(probe(p, false) == SIGSEGV, "piece %u: %s", i, step);
		return;
	}
	CHECK(probe(p, false) == 0, "piece %u cannot be read: %s", i, step);
	CHECK(load(p) == word, "piece %u has %#llx, not %#llx: %s", i,
	      (long long)load(p), (long long)word, step);
	if (m->prot == PROT_READ)
		CHECK(probe(p, true) == SIGSEGV, "piece %u is writable: %s", i,
		      step);
}

static void check_all(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < END; i++)
		if (model[i].mapped)
			check_piece(i);
}

/* Whether all of it is mapped, and if @prot that may be done there. */
static bool all_mapped(unsigned int first, unsigned int end, int prot)
{
	for (; first < end; first++)
		if (!model[first].mapped || prot & ~model[first].prot)
			return false;
	return true;
}

static bool any_private(unsigned int first, unsigned int end, bool private)
{
	for (; first < end; first++)
		if (model[first].private == private)
			return true;
	return false;
}

static void map(unsigned int first, unsigned int end)
{
	struct libshpt_attr attr = {
		.flags = random_below(2) ? LIBSHPT_STRICT_EDGES : 0,
	};
	size_t bytes = bytes_of(first, end);
	bool private = random_below(3) == 0;
	int prot = random_below(3) ? RW : PROT_READ;
	off_t offset = at(first) - BASE, room = CHUNKS * CHUNK - bytes;

	/* Other chunks of the file, or a place that does not fit. */
	offset = (offset + random_below(CHUNKS) * CHUNK) % (room + PAGE);
	if (random_below(8) == 0)
		offset = random_below(room / PAGE + 1) * PAGE;
	if (private && random_below(2))
		attr.flags |= LIBSHPT_PRIVATE;
	sprintf(step + strlen(step), "map offset %#lx prot %d private %d attr %#lx",
		(long)offset, prot, private, (long)attr.flags);
	CHECK(libshpt_map_attr(at(first), bytes - random_below(PAGE), prot,
			       (private ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED,
			       fd, offset, &attr, sizeof(attr)) == at(first),
	      "%s: %s", step, libshpt_errormsg());
	for (unsigned int i = first; i < end; i++)
		model[i] = (struct piece){
			.mapped = true,
			.private = private,
			.prot = prot,
			.offset = offset + bytes_of(first, i),
		};
}

static void unmap(unsigned int first, unsigned int end)
{
	strcat(step, "unmap");
	CHECK(libshpt_unmap(at(first), bytes_of(first, end)) == 0, "%s: %s",
	      step, libshpt_errormsg());
	memset(model + first, 0, (end - first) * sizeof(*model));
}

static void protect(unsigned int first, unsigned int end)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW };
	int prot = prots[random_below(4)];

	sprintf(step + strlen(step), "protect %d", prot);
	if (!all_mapped(first, end, 0))
		return;
	CHECK(libshpt_protect(at(first), bytes_of(first, end), prot) == 0,
	      "%s: %s", step, libshpt_errormsg());
	while (first < end)
		model[first++].prot = prot;
}

static void advise(unsigned int first, unsigned int end)
{
	bool discard = random_below(2);

	strcat(step, discard ? "MADV_DONTNEED" : "MADV_REMOVE");
	if (!all_mapped(first, end, discard ? 0 : RW) ||
	    (!discard && any_private(first, end, true)))
		return;
	CHECK(libshpt_advise(at(first), bytes_of(first, end),
			     discard ? MADV_DONTNEED : MADV_REMOVE) == 0,
	      "%s: %s", step, libshpt_errormsg());
	while (first < end)
		model[first++].written = false;
}

static void write_some(unsigned int first, unsigned int end)
{
	strcat(step, "write");
	for (unsigned int i = first; i < end; i++) {
		struct piece *m = &model[i];

		if (m->prot != RW)
			continue;
		if (m->private && libshpt_break(at(i), PAGE))
			FAIL("%s: %s", step, libshpt_errormsg());
		store(at(i), random_state + i);
		m->own = random_state + i;
		m->written = m->private;
		if (!m->private)
			CHECK_EQ(in_file(m->offset), m->own);
	}
}

static void break_some(unsigned int first, unsigned int end)
{
	strcat(step, "break");
	if (!any_private(first, end, false))
		CHECK(libshpt_break(at(first), bytes_of(first, end)) == 0,
		      "%s: %s", step, libshpt_errormsg());
}

/* May be refused; it must not do harm. */
static void adopt(unsigned int first, unsigned int end)
{
	strcat(step, "adopt");
	libshpt_adopt(at(first), bytes_of(first, end));
}

static void populate(unsigned int first, unsigned int end)
{
	strcat(step, "populate");
	if (all_mapped(first, first + 1, PROT_READ))
		CHECK(libshpt_populate(at(first), PAGE, NULL, 0) == 0, "%s: %s",
		      step, libshpt_errormsg());
	(void)end;
}

static void run(unsigned int seed)
{
	static void (*const calls[])(unsigned int, unsigned int) = {
		map, map, map, unmap, protect, protect, advise,
		write_some, write_some, break_some, adopt, populate,
	};

	random_state = seed;
	for (int i = 0; i < STEPS; i++) {
		unsigned int first = random_below(END);
		unsigned int end = first + 1 + random_below(END - first);

		sprintf(step, "seed %u step %d, %u-%u: ", seed, i, first, end);
		calls[random_below(sizeof(calls) / sizeof(calls[0]))](first,
								      end);
		check_all(NULL);
		if (i % 16 == 0)
			join(spawn(check_all, NULL));
	}
	strcat(step, ": the end");
	unmap(0, END);
	for (unsigned int i = 0; i < END; i++)
		CHECK(probe(at(i), false) == SIGSEGV, "piece %u is left", i);
}

static void test(int kind)
{
	char *p;

	/* All chunks at once, private: more than a small machine promises. */
	write_text(OVERCOMMIT, "1");
	fd = backing(kind, CHUNKS * CHUNK);
	/* Keeps the region, and so its page tables, between the steps. */
	p = require_shared(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "%s", libshpt_errormsg());
	for (int seed = 1; seed <= vmtest_rounds(SEEDS); seed++)
		run(seed);
	MUST(libshpt_unmap(p, PAGE));
	close(fd);
	write_text(OVERCOMMIT, "0");
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
