// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * workers.c - the scenario "workers": many processes, one file
 *
 * One pass forks all workers from this process, which maps nothing, then leads
 * them through these steps; each is ended by all before the next begins:
 *
 *   MAP     all map the whole file and touch nothing of it
 *   SCAN    all read one word of every page: the first worker alone, then
 *           later ones, each alone, until ALONE_SECONDS are over, then the
 *           rest at once; only those alone are timed, faults count for all
 *   FORK    the first forks children that read one byte and exit
 *   WRITE   all at once write words of their own, spread over the whole file
 *   VERIFY  all at once read all words, and this process reads the file
 *   EXIT    all at once exit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Ordinary 4 KiB mappings would take minutes one after the other. */
#define ALONE_SECONDS 4
#define ALONE_MIN     4

/* A worker as seen by the process that leads it. */
struct led {
	pid_t pid;
	int fd;
};

/* What one pass measured. */
struct measures {
	double page_table_bytes;
	double first_scan;
	double first_faults;
	double *later_scans; /* those timed */
	unsigned int later_timed;
	double fork_to_first_byte;
	double exit;
	uint64_t later_faults_max;
	uint64_t errors;
};

static double page_tables_now(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		die("cannot read /proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "PageTables: %llu kB", &kib) == 1)
			break;
	fclose(f);
	return kib * 1024.0;
}

/*
 * PageTables of /proc/meminfo, once it stands still. Each CPU keeps some of the
 * count to itself: root can have it added up, others wait until the kernel
 * does so by itself, once a second.
 */
static double page_tables(void)
{
	int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	double before, bytes = -1;
	double give_up = now() + 10;

	do {
		before = bytes;
		if (refresh < 0)
			usleep(1100 * 1000);
		else if (write(refresh, "1", 1) != 1)
			die("cannot write /proc/sys/vm/stat_refresh: %s",
			    strerror(errno));
		else
			usleep(50 * 1000);
		bytes = page_tables_now();
	} while (bytes != before && now() < give_up);
	if (refresh >= 0)
		close(refresh);
	return bytes;
}

_Noreturn static void worker_died(const struct pass *pass, enum step step,
				  unsigned int index, pid_t pid)
{
	const char *backing = backing_names[pass->backing->kind];
	const char *mode = mode_names[pass->mode];
	int status = 0;

	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		die("%s, %s: worker %u was killed by signal %d (%s) at step "
		    "'%s'",
		    backing, mode, index, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), step_names[step]);
	die("%s, %s: worker %u exited with status %d at step '%s'", backing,
	    mode, index, WEXITSTATUS(status), step_names[step]);
}

static void order(const struct led *worker, enum step step)
{
	/* If it is dead, the answer that does not come will tell. */
	send(worker->fd, &step, sizeof(step), MSG_NOSIGNAL);
}

static struct answer await(const struct pass *pass, const struct led *workers,
			   unsigned int index, enum step step)
{
	struct answer answer;

	if (recv(workers[index].fd, &answer, sizeof(answer), MSG_WAITALL) !=
	    sizeof(answer))
		worker_died(pass, step, index, workers[index].pid);
	if (answer.problem[0])
		die("%s, %s: worker %u cannot %s: %s",
		    backing_names[pass->backing->kind], mode_names[pass->mode],
		    index, step_names[step], answer.problem);
	return answer;
}

/* Workers from first on; returns the sum of errors and the most faults. */
static struct answer at_once(const struct pass *pass, const struct led *workers,
			     unsigned int first, enum step step)
{
	struct answer all = {0};

	progress("%s, %s: %u workers: %s", backing_names[pass->backing->kind],
		 mode_names[pass->mode], pass->workers - first,
		 step_names[step]);
	for (unsigned int i = first; i < pass->workers; i++)
		order(&workers[i], step);
	for (unsigned int i = first; i < pass->workers; i++) {
		struct answer answer = await(pass, workers, i, step);

		all.errors += answer.errors;
		if (answer.faults > all.faults)
			all.faults = answer.faults;
	}
	return all;
}

static struct answer alone(const struct pass *pass, const struct led *workers,
			   unsigned int index, enum step step)
{
	progress("%s, %s: worker %u of %u: %s",
		 backing_names[pass->backing->kind], mode_names[pass->mode],
		 index + 1, pass->workers, step_names[step]);
	order(&workers[index], step);
	return await(pass, workers, index, step);
}

static void start(const struct pass *pass, struct led *workers)
{
	for (unsigned int i = 0; i < pass->workers; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			die("cannot make a socket for worker %u: %s%s", i,
			    strerror(errno),
			    errno == EMFILE ? ". Run: ulimit -n 8192" : "");
		workers[i].pid = fork();
		if (workers[i].pid < 0)
			die("cannot fork worker %u: %s", i, strerror(errno));
		if (workers[i].pid == 0)
			worker(pass, i, ends[1]);
		close(ends[1]);
		workers[i].fd = ends[0];
	}
}

static void later_scan(struct measures *m, const struct answer *answer)
{
	if (answer->faults > m->later_faults_max)
		m->later_faults_max = answer->faults;
	m->errors += answer->errors;
}

static void scans(const struct pass *pass, const struct led *workers,
		  struct measures *m)
{
	double before = page_tables();
	double begin = now();
	struct answer answer = alone(pass, workers, 0, SCAN);
	unsigned int i;

	m->first_scan = answer.seconds;
	m->first_faults = answer.faults;
	m->errors += answer.errors;
	for (i = 1; i < pass->workers; i++) {
		if (i >= ALONE_MIN && now() - begin > ALONE_SECONDS)
			break;
		answer = alone(pass, workers, i, SCAN);
		m->later_scans[m->later_timed++] = answer.seconds;
		later_scan(m, &answer);
	}
	answer = at_once(pass, workers, i, SCAN);
	later_scan(m, &answer);
	m->page_table_bytes = page_tables() - before;
}

/* What is in the file must be what was written through the mappings. */
static uint64_t verify_file(const struct pass *pass)
{
	uint64_t n = words_in_all(pass), errors = 0, word;

	for (uint64_t i = 0; i < n; i++)
		errors += pread(pass->backing->fd, &word, sizeof(word),
				word_offset(pass, i)) != sizeof(word) ||
			  word != word_value(pass, i);
	return errors;
}

static double stop(const struct pass *pass, const struct led *workers)
{
	double start = now();

	for (unsigned int i = 0; i < pass->workers; i++)
		order(&workers[i], EXIT);
	for (unsigned int i = 0; i < pass->workers; i++) {
		int status;

		while (waitpid(workers[i].pid, &status, 0) < 0 &&
		       errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			die("%s, %s: worker %u did not exit in peace "
			    "(wait status %#x)",
			    backing_names[pass->backing->kind],
			    mode_names[pass->mode], i, status);
	}
	return now() - start;
}

static void run_pass(const struct pass *pass, struct measures *m)
{
	struct led *workers = calloc(pass->workers, sizeof(*workers));

	if (!workers)
		die("no memory for %u workers", pass->workers);
	start(pass, workers);
	at_once(pass, workers, 0, MAP);
	scans(pass, workers, m);
	m->fork_to_first_byte = alone(pass, workers, 0, FORK).seconds;
	at_once(pass, workers, 0, WRITE);
	m->errors += at_once(pass, workers, 0, VERIFY).errors;
	m->errors += verify_file(pass);
	m->exit = stop(pass, workers);
	for (unsigned int i = 0; i < pass->workers; i++)
		close(workers[i].fd);
	free(workers);
	/* The next pass begins when what this one leaves is gone. */
	page_tables();
}

/* Of a member of so many measures, which is a double. */
static double median_of(const struct measures *m, unsigned int n, size_t offset)
{
	double values[MAX_ROUNDS];

	for (unsigned int i = 0; i < n; i++)
		memcpy(&values[i], (const char *)&m[i] + offset,
		       sizeof(*values));
	return median(values, n);
}

#define MEDIAN_OF(m, n, member) \
	median_of(m, n, offsetof(struct measures, member))

/* later_scans begins with those of the first round, and has room for all. */
static struct result sum_up(const struct pass *pass, struct measures *m,
			    unsigned int rounds)
{
	struct result r = {
		.backing = pass->backing->kind,
		.mode = pass->mode,
		.workers = pass->workers,
		.rounds = rounds,
		.bytes = pass->backing->bytes,
		.page_table_bytes = MEDIAN_OF(m, rounds, page_table_bytes),
		.first_scan_seconds = MEDIAN_OF(m, rounds, first_scan),
		.first_faults = MEDIAN_OF(m, rounds, first_faults),
		.fork_to_first_byte_seconds_median =
			MEDIAN_OF(m, rounds, fork_to_first_byte),
		.exit_seconds = MEDIAN_OF(m, rounds, exit),
	};

	for (unsigned int i = 0; i < rounds; i++) {
		r.later_scans_timed += m[i].later_timed;
		if (m[i].later_faults_max > r.later_faults_max)
			r.later_faults_max = m[i].later_faults_max;
		r.verify_errors += m[i].errors;
	}
	r.later_scan_seconds_median =
		median(m[0].later_scans, r.later_scans_timed);
	return r;
}

size_t workers_run(const struct workers_options *options,
		   const struct backing *backing, struct result results[MODES])
{
	static struct measures measures[MODES][MAX_ROUNDS];
	unsigned int rounds = options->rounds ? options->rounds : AUTO_ROUNDS;
	double *later_scans[MODES], *next_scan[MODES];
	struct pass pass = {.backing = backing, .workers = options->workers};
	double begin = now(), spent;
	unsigned int round;
	size_t n = 0;

	memset(measures, 0, sizeof(measures));
	for (int mode = 0; mode < MODES; mode++) {
		later_scans[mode] = calloc((size_t)rounds * options->workers,
					   sizeof(double));
		if (!later_scans[mode])
			die("no memory for %u rounds", rounds);
		next_scan[mode] = later_scans[mode];
	}

	for (round = 0; round < rounds; round++) {
		spent = now() - begin;
		if (!options->rounds && round &&
		    spent + spent / round > AUTO_SECONDS)
			break;
		for (pass.mode = 0; pass.mode < MODES; pass.mode++) {
			struct measures *m = &measures[pass.mode][round];

			if (!options->modes[pass.mode])
				continue;
			pass.seed++;
			m->later_scans = next_scan[pass.mode];
			run_pass(&pass, m);
			next_scan[pass.mode] += m->later_timed;
		}
	}

	for (pass.mode = 0; pass.mode < MODES; pass.mode++) {
		if (options->modes[pass.mode])
			results[n++] =
				sum_up(&pass, measures[pass.mode], round);
		free(later_scans[pass.mode]);
	}
	return n;
}
