/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Syncing the region of a DAX file writes back what guests wrote since the last
 * time, whoever of them did and whether or not an earlier sync had made it
 * clean, and nothing else. On persistent memory, writing back is flushing
 * caches; emulation shows no loss of data where that is left out, so this asks
 * the kernel's tracepoint what was flushed.
 */
#include "vmtest.h"

#define TRACING	"/sys/kernel/tracing/"
#define EVENT	TRACING "events/fs_dax/dax_writeback_one/"
#define FLUSHER	"/proc/sys/vm/dirty_writeback_centisecs"
#define UNITS	64
#define GUESTS	3
#define ROUNDS	24

/* What each guest writes in this round, a bit for each unit. */
static struct {
	size_t unit;		/* bytes that have one entry in page tables */
	int reg;
	pthread_barrier_t *meet;
	volatile uint64_t *wanted;
} t;

static uint64_t dice(void)
{
	static uint64_t index;

	return word(7, index++);
}

static uint64_t some_units(void)
{
	uint64_t half = dice();

	return half & dice();
}

/* Units next to each other are not next to each other on the device. */
static int file_of_units(void)
{
	int fd = backing(DAX, 0), odd;
	char *zeroes = calloc(1, t.unit);
	off_t unit;

	for (odd = 0; odd < 2; odd++)
		for (unit = odd; unit < UNITS; unit += 2)
			CHECK_EQ(pwrite(fd, zeroes, t.unit, unit * t.unit),
				 t.unit);
	free(zeroes);
	return fd;
}

static void guest(void *arg)
{
	char *p = map_region(t.reg, 1, 0);
	long me = (long)arg;
	size_t unit;

	for (;;) {
		meet(t.meet);
		for (unit = 0; unit < UNITS; unit++) {
			if (t.wanted[me] & 1ULL << unit)
				store(p + unit * t.unit + dice() % t.unit / 8 *
				      8, dice());
			else
				load(p + unit * t.unit);
		}
		meet(t.meet);
	}
}

static uint64_t flushed_units(void)
{
	FILE *f = fopen(TRACING "trace", "re");
	long page, pages;
	uint64_t units = 0;
	char line[512], *at;

	CHECK(f, TRACING "trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, " pgoff ");
		if (!at)
			continue;
		CHECK_EQ(sscanf(at, " pgoff %li pglen %li", &page, &pages), 2);
		CHECK_EQ(pages * PAGE, t.unit);
		units |= 1ULL << page * PAGE / t.unit;
	}
	fclose(f);
	return units;
}

static void sync_somehow(char *p, int round)
{
	switch (round % 3) {
	case 0:
		MUST(fsync(t.reg));
		break;
	case 1:
		MUST(fdatasync(t.reg));
		break;
	default:
		MUST(msync(p, UNITS * t.unit, MS_SYNC));
	}
}

/* Guests write to all units, at first, then to some, in between to none. */
static void one_round(char *p, int round)
{
	uint64_t written = 0, flushed;

	for (int i = 0; i < GUESTS; i++) {
		t.wanted[i] = round % 8 == 0 ? ~0ULL :
			      round % 8 == 4 ? 0 : some_units();
		written |= t.wanted[i];
	}
	meet(t.meet);
	meet(t.meet);
	close(MUST(open(TRACING "trace", O_WRONLY | O_TRUNC)));	/* empties it */
	sync_somehow(p, round);
	flushed = flushed_units();
	CHECK(flushed == written,
	      "entries of %zu KiB, round %d: guests wrote %#llx, flushed were %#llx",
	      t.unit / KIB, round, (long long)written, (long long)flushed);
}

static void rounds(size_t unit)
{
	pid_t pids[GUESTS];
	char filter[64], *p;
	struct stat st;
	int fd, i;

	t.unit = unit;
	/* The last guests were killed while they waited at theirs. */
	t.meet = barrier(GUESTS + 1);
	fd = file_of_units();
	MUST(fsync(fd));
	MUST(fstat(fd, &st));
	snprintf(filter, sizeof(filter), "ino == %llu",
		 (unsigned long long)st.st_ino);
	write_text(EVENT "filter", filter);
	t.reg = open_region(fd);
	p = map_region(t.reg, 1, 0);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	for (i = 0; i < ROUNDS; i++)
		one_round(p, i);
	for (i = 0; i < GUESTS; i++) {
		MUST(kill(pids[i], SIGKILL));
		MUST(waitpid(pids[i], NULL, 0));
	}
	MUST(munmap(p, CHUNK));
	close(t.reg);
	close(fd);
}

static void test(int kind)
{
	char flusher[32];

	(void)kind;
	/* The kernel's own writeback would flush what is to be flushed here. */
	snprintf(flusher, sizeof(flusher), "%lld", read_number(FLUSHER));
	write_text(FLUSHER, "0");
	t.wanted = shared(PAGE);
	write_text(EVENT "enable", "1");
	rounds(PAGE);
	rounds(2 * MIB);
	write_text(EVENT "enable", "0");
	write_text(FLUSHER, flusher);
}

int main(void)
{
	return vmtest(test, DAX, 55);
}
