/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a guest stands still while empty page tables are given back.
 *
 * Guests touch pages that stay, one access after the other, each of them timed,
 * while again and again 90 % of the region are filled and punched out; in every
 * second turn the empty tables are then given back. The longest access of all
 * guests is noted for each turn, and the median over the turns of both kinds
 * printed, with the quotient.
 */
#include "vmtest.h"

#define CHUNKS	4UL
#define BYTES	(CHUNKS * CHUNK)
#define STEP	(2 * MIB)
#define KEPT	(BYTES / 10 & ~(STEP - 1))
#define GUESTS	2
#define TURNS	5		/* of each kind */

static struct {
	char *p;
	volatile bool *stop;
	volatile double *longest;	/* each guest's, since it was zeroed */
} t;

static void guest(void *arg)
{
	volatile double *longest = t.longest + (long)arg;
	double before = now(), after;

	while (!*t.stop) {
		for (size_t at = 0; at < KEPT; at += PAGE * 5) {
			store(t.p + at + 8 * (long)arg, at);
			after = now();
			if (after - before > *longest)
				*longest = after - before;
			before = after;
		}
	}
}

static double longest(void)
{
	double most = 0;

	for (int i = 0; i < GUESTS; i++) {
		if (t.longest[i] > most)
			most = t.longest[i];
		t.longest[i] = 0;
	}
	return most;
}

static void turn(int fd, int reg, bool give_back)
{
	struct shpt_reclaim args = { .size = sizeof(args), .length = BYTES };

	for (size_t at = KEPT; at < BYTES; at += STEP)
		store(t.p + at, 1);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, KEPT,
		       BYTES - KEPT));
	if (give_back) {
		MUST(ioctl(reg, SHPT_IOC_RECLAIM, &args));
		CHECK_GE(args.freed_bytes, KEPT / STEP * PAGE);
	} else {
		usleep(300000);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void test(int kind)
{
	int fd = backing(kind, BYTES), reg = open_region(fd), i;
	double stall[2][TURNS];
	pid_t pids[GUESTS];

	t.stop = shared(PAGE);
	t.longest = shared(PAGE);
	t.p = map_region(reg, CHUNKS, 0);
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(long)i);
	turn(fd, reg, true);
	longest();
	for (i = 0; i < 2 * TURNS; i++) {
		turn(fd, reg, i & 1);
		stall[i & 1][i / 2] = longest();
	}
	*t.stop = true;
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
	for (i = 0; i < 2; i++)
		qsort(stall[i], TURNS, sizeof(double), by_value);
	dprintf(1, "longest access of %d guests, median of %d turns: %.1f ms without, %.1f ms with reclaim, quotient %.2f\n",
	       GUESTS, TURNS, stall[0][TURNS / 2] * 1e3,
	       stall[1][TURNS / 2] * 1e3,
	       stall[1][TURNS / 2] / stall[0][TURNS / 2]);
	dprintf(1, "the longest of all turns: %.1f ms without, %.1f ms with\n",
	       stall[0][TURNS - 1] * 1e3, stall[1][TURNS - 1] * 1e3);
}

int main(void)
{
	return vmtest(test, MEMFD, 300);
}
