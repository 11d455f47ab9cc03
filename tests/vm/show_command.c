/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shptctl show tells of each guest how many chunks it maps and has linked, what
 * hosts there are, and why chunks were unlinked; shptctl metrics has the
 * module's numbers, and they are those of /sys.
 */
#include "vmtest.h"
#include "shell.h"

#define GUESTS	3
#define CHUNKS	3

static struct {
	int reg;
	pthread_barrier_t *step;
} t;

/* The first guest has one chunk linked, the next two ... */
static void guest(void *arg)
{
	long linked = (long)arg, i;
	char *p = map_region(t.reg, CHUNKS, 0);

	for (i = 0; i < linked; i++)
		store(p + i * CHUNK, 1);
	CHECK_EQ(linked_chunks(p), linked);
	meet(t.step);
	meet(t.step);
	MUST(madvise(p, PAGE, MADV_DONTNEED));
	meet(t.step);
	meet(t.step);
}

static void check_metric(const char *name, long long value)
{
	CHECK(shell("shptctl metrics | grep -xF '%s %lld'", name, value),
	      "no %s %lld: %s", name, value,
	      shell("shptctl metrics | grep -F '%s' || true", name));
}

static void check_metrics(uint64_t id)
{
	char name[128];

	check_metric("shpt_module_loaded", 1);
	check_metric("shpt_guests", fact("guests"));
	check_metric("shpt_links", fact("links"));
	check_metric("shpt_saved_bytes", fact("saved_bytes"));
	check_metric("shpt_unlinks_total{cause=\"discard\"}",
		     fact("unlinks_by/discard"));
	snprintf(name, sizeof(name),
		 "shpt_region_table_bytes{region=\"%llu\",name=\"\"}",
		 (unsigned long long)id);
	check_metric(name, region_fact(id, "table_bytes"));
}

static void test(int kind)
{
	pid_t pids[GUESTS];
	uint64_t id;
	long i;

	t.reg = open_region(backing(kind, CHUNKS * CHUNK));
	t.step = barrier(GUESTS + 1);
	id = region_info(t.reg).id;
	for (i = 0; i < GUESTS; i++)
		pids[i] = spawn(guest, (void *)(i + 1));
	meet(t.step);

	for (i = 0; i < GUESTS; i++)
		CHECK(shell("shptctl show %llu -nro PID,ACCESS,CHUNKS,LINKS | "
			    "grep -xF '%d write %d %ld'", (long long)id,
			    pids[i], CHUNKS, i + 1),
		      "guest %ld: %s", i, shell("shptctl show %llu 2>&1",
						(long long)id));
	CHECK_EQ(atoi(MUST_RUN("shptctl show %llu -n | wc -l", (long long)id)),
		 GUESTS);
	CHECK(shell("shptctl show %llu | grep '^write  *-  *'", (long long)id),
	      "no host to write: %s", shell("shptctl show %llu 2>&1",
					    (long long)id));
	meet(t.step);
	meet(t.step);
	CHECK(shell("shptctl show %llu | grep '^unlinks .* %d discard'",
		    (long long)id, GUESTS),
	      "unlinks: %s", shell("shptctl show %llu 2>&1", (long long)id));
	check_metrics(id);
	meet(t.step);
	for (i = 0; i < GUESTS; i++)
		join(pids[i]);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 60);
}
