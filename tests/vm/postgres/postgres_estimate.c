/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * shptctl estimate, asked about a server that does not share, predicts within
 * 5 % by how much less page tables it has when it does, and its backends have
 * done the same. shptctl show then names them all.
 */
#include "session.h"

#include <sys/personality.h>

#define SESSIONS	20

static PGconn *all[SESSIONS];

static void make_table(void)
{
	PGconn *s;

	start("mmap", "");
	s = session();
	MUST_ASK(s, "create unlogged table wide (g int, filler text); "
		    "alter table wide alter filler set storage plain");
	MUST_ASK(s, "insert into wide select g, repeat('x', 7000) "
		    "from generate_series(1, 28000) g");
	MUST_ASK(s, "vacuum wide");
	PQfinish(s);
	stop();
}

/* Less than a quarter of the buffers, so it stays there. */
static void work(void)
{
	int i;

	for (i = 0; i < SESSIONS; i++) {
		all[i] = session();
		CHECK_ASK(all[i], "select count(*) from wide", "28000");
	}
}

static void end_work(void)
{
	int i;

	for (i = 0; i < SESSIONS; i++)
		PQfinish(all[i]);
	stop();
}

/* Of all processes of the server. */
static long long page_tables(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	long long sum = 0;
	char path[300];

	CHECK(proc, "/proc: %s", strerror(errno));
	while ((entry = readdir(proc))) {
		int pid = atoi(entry->d_name);

		if (!pid || (pid != postmaster && !is_child(entry->d_name)))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		sum += number_in(path, "VmPTE") * KIB;
	}
	closedir(proc);
	return sum;
}

static void check_show(uint64_t id)
{
	const char *got = MUST_RUN("shptctl show %llu -no LINKS | "
				   "awk '{ n += $1 } END { print NR, n }'",
				   (long long)id);
	long long guests, links;

	CHECK(sscanf(got, "%lld %lld", &guests, &links) == 2, "show: %s", got);
	CHECK_EQ(guests, region_fact(id, "guests"));
	CHECK_EQ(links, region_fact(id, "links"));
}

static void test(int kind)
{
	long long predicted, plain, saved;
	uint64_t id;

	(void)kind;
	/*
	 * Where all else lies is to be the same in both: by chance it has up to
	 * five page tables more or less, which shared buffers of this size do
	 * not outweigh.
	 */
	MUST(personality(ADDR_NO_RANDOMIZE));
	buffers = "shared_buffers=896MB";
	prepare();
	MUST_RUN("printf 'autovacuum = off\n"
		 "max_parallel_workers_per_gather = 0\n' "
		 ">>%s/data/postgresql.conf", home);
	preloads = false;
	make_table();

	start("mmap", "");
	work();
	predicted = atoll(MUST_RUN("shptctl estimate %d -nrbo SAVED",
				   postmaster));
	plain = page_tables();
	end_work();

	preloads = true;
	start("mmap", "");
	work();
	id = only_region();
	saved = plain - page_tables() - region_fact(id, "table_bytes");
	check_show(id);
	fprintf(stderr, "predicted to save %lld bytes, saves %lld\n", predicted,
		saved);
	CHECK(llabs(predicted - saved) <= saved / 20,
	      "predicted to save %lld bytes, saves %lld", predicted, saved);
	end_work();
}

int main(void)
{
	return vmtest(test, MEMFD, 110);
}
