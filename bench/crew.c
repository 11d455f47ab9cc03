// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crew.c - worker processes, led step by step
 *
 * They are forked from the process that leads them, so an order is the address
 * of a function. Each is ended by all who got it before the next is given.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libshpt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Unmapping so many pages has the kernel flush the whole TLB. */
#define FLUSH_PAGES 64

#define WRONG_DATA 99 /* a child's exit status */

struct order {
	step *what;
	unsigned int arg;
};

/* A worker as seen by the process that leads it. */
struct led {
	pid_t pid;
	int fd;
	struct answer answer;
};

struct crew {
	const struct pass *pass;
	unsigned int n;
	struct led led[];
};

/* ---- the worker's side --------------------------------------------------- */

void fail(struct worker *worker, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(worker->answer.problem, sizeof(worker->answer.problem),
		  format, args);
	va_end(args);
}

uint64_t faults_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

void step_map(struct worker *worker)
{
	const struct libshpt_attr attr = {
		.flags = LIBSHPT_REQUIRE_SHARED,
		.node_policy = worker->pass->mode->node_policy,
	};
	const struct file *file = worker->pass->file;

	if (worker->pass->mode->shpt) {
		worker->p = libshpt_map_attr(
			NULL, file->bytes, PROT_READ | PROT_WRITE,
			map_flags(file), file->fd, 0, &attr, sizeof(attr));
		if (worker->p == MAP_FAILED)
			fail(worker, "cannot map: %s", libshpt_errormsg());
	} else {
		worker->p = map_ordinary(file, file->pages);
		if (worker->p == MAP_FAILED)
			fail(worker, "cannot map: %s", strerror(errno));
	}
}

static uint64_t read_words(const char *p, uint64_t from, uint64_t to,
			   uint64_t stride)
{
	uint64_t wrong = 0;

	for (uint64_t pos = from; pos < to; pos += stride)
		wrong += *(const volatile uint64_t *)(p + pos) !=
			 word(pos / PAGE);
	return wrong;
}

void touch_range(struct worker *worker, uint64_t from, uint64_t to)
{
	worker->answer.errors +=
		read_words(worker->p, from, to, worker->pass->file->stride);
}

void touch(struct worker *worker)
{
	touch_range(worker, 0, worker->pass->file->bytes);
}

void step_touch(struct worker *worker)
{
	touch(worker);
}

void flush_tlb(struct worker *worker)
{
	char *p = mmap(NULL, FLUSH_PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		fail(worker, "cannot map some pages: %s", strerror(errno));
	else
		munmap(p, FLUSH_PAGES * PAGE);
}

/* Of one page each, and of alternating access, so that none are merged. */
void step_map_others(struct worker *worker)
{
	for (unsigned int i = 0; i < worker->arg; i++) {
		int prot = PROT_READ | (i % 2 ? PROT_WRITE : 0);
		const volatile char *p =
			mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);

		if (p == MAP_FAILED) {
			fail(worker, "cannot map a page: %s", strerror(errno));
			return;
		}
		(void)*p;
	}
}

static const char *how_it_ended(int status)
{
	static char what[128];

	if (WIFSIGNALED(status))
		snprintf(what, sizeof(what), "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(what, sizeof(what), "exited with status %d",
			 WEXITSTATUS(status));
	return what;
}

void fork_children(struct worker *worker, uint64_t n, child *what)
{
	for (uint64_t i = 0; i < n; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(what(worker, i) ? 0 : WRONG_DATA);
		if (pid < 0) {
			fail(worker, "cannot fork child %llu: %s",
			     (unsigned long long)i, strerror(errno));
			return;
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status && WIFEXITED(status) &&
		    WEXITSTATUS(status) == WRONG_DATA)
			worker->answer.errors++;
		else if (status)
			fail(worker, "has a child that %s",
			     how_it_ended(status));
		if (status)
			return;
	}
}

/* The code, the stack, the heap and the data that the steps need. */
void step_settle(struct worker *worker)
{
	static char page[2 * PAGE];
	volatile char *heap = calloc(1, PAGE);

	(void)worker;
	if (heap)
		(void)*heap;
	free((char *)heap);
	(void)read_words(page, 0, sizeof(page), PAGE);
	(void)faults_so_far();
	(void)now();
}

_Noreturn static void work(const struct pass *pass, unsigned int index, int fd)
{
	struct worker worker = {
		.pass = pass,
		.index = index,
		.p = MAP_FAILED,
	};
	struct order order;

	/* The lead's end of this socket is open in younger workers too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	while (read(fd, &order, sizeof(order)) == sizeof(order)) {
		if (!order.what)
			_exit(0);
		memset(&worker.answer, 0, sizeof(worker.answer));
		worker.arg = order.arg;
		order.what(&worker);
		if (write(fd, &worker.answer, sizeof(worker.answer)) !=
		    sizeof(worker.answer))
			break;
	}
	_exit(1);
}

/* ---- the lead's side ----------------------------------------------------- */

static void raise_limit(unsigned int descriptors)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= descriptors)
		return;
	limit.rlim_cur = descriptors;
	if (limit.rlim_max < descriptors)
		limit.rlim_max = descriptors;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("%u workers need %u open files, and the limit is less. "
		    "Run: ulimit -n %u",
		    descriptors - 64, descriptors, descriptors);
}

struct crew *crew_start(const struct pass *pass, unsigned int workers)
{
	struct crew *crew =
		calloc(1, sizeof(*crew) + workers * sizeof(struct led));

	if (!crew)
		die("no memory for %u workers", workers);
	raise_limit(workers + 64);
	crew->pass = pass;
	crew->n = workers;
	for (unsigned int i = 0; i < workers; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			die("cannot make a socket for worker %u: %s", i,
			    strerror(errno));
		crew->led[i].pid = fork();
		if (crew->led[i].pid < 0)
			die("cannot fork worker %u: %s", i, strerror(errno));
		if (crew->led[i].pid == 0)
			work(pass, i, ends[1]);
		close(ends[1]);
		crew->led[i].fd = ends[0];
	}
	crew_all(crew, step_settle, 0);
	return crew;
}

/* As in "attach, memfd, shpt: worker 7". */
_Noreturn static void worker_failed(const struct crew *crew, unsigned int index,
				    const char *what)
{
	const struct pass *pass = crew->pass;

	die("%s, %s%s%s: worker %u %s", pass->scenario->name,
	    pass->file ? backing_names[pass->file->backing] : "",
	    pass->file ? ", " : "", pass->mode->name, index, what);
}

_Noreturn static void worker_died(const struct crew *crew, unsigned int index)
{
	int status = 0;

	waitpid(crew->led[index].pid, &status, 0);
	worker_failed(crew, index, how_it_ended(status));
}

static void give(const struct crew *crew, unsigned int index, step *what,
		 unsigned int arg)
{
	const struct order order = { .what = what, .arg = arg };

	/* If it is dead, the answer that does not come will tell. */
	send(crew->led[index].fd, &order, sizeof(order), MSG_NOSIGNAL);
}

static void take(struct crew *crew, unsigned int index)
{
	struct answer *answer = &crew->led[index].answer;

	if (recv(crew->led[index].fd, answer, sizeof(*answer), MSG_WAITALL) !=
	    sizeof(*answer))
		worker_died(crew, index);
	if (answer->problem[0])
		worker_failed(crew, index, answer->problem);
	if (answer->errors)
		worker_failed(crew, index, "read data that nobody has written");
}

void crew_range(struct crew *crew, unsigned int from, unsigned int to,
		step *what, unsigned int arg)
{
	for (unsigned int i = from; i < to; i++)
		give(crew, i, what, arg);
	for (unsigned int i = from; i < to; i++)
		take(crew, i);
}

void crew_all(struct crew *crew, step *what, unsigned int arg)
{
	crew_range(crew, 0, crew->n, what, arg);
}

void crew_one(struct crew *crew, unsigned int index, step *what,
	      unsigned int arg)
{
	crew_range(crew, index, index + 1, what, arg);
}

const struct answer *crew_answer(const struct crew *crew, unsigned int index)
{
	return &crew->led[index].answer;
}

double crew_median(const struct crew *crew, unsigned int from, unsigned int to,
		   unsigned int value)
{
	double values[MAX_PROCESSES];

	for (unsigned int i = from; i < to; i++)
		values[i - from] = crew->led[i].answer.value[value];
	return median(values, to - from);
}

double crew_most(const struct crew *crew, unsigned int from, unsigned int to,
		 unsigned int value)
{
	double most = crew->led[from].answer.value[value];

	for (unsigned int i = from; i < to; i++)
		most = fmax(most, crew->led[i].answer.value[value]);
	return most;
}

double crew_exit(struct crew *crew)
{
	double start = now(), seconds;

	for (unsigned int i = 0; i < crew->n; i++)
		give(crew, i, NULL, 0);
	for (unsigned int i = 0; i < crew->n; i++) {
		int status;

		while (waitpid(crew->led[i].pid, &status, 0) < 0 &&
		       errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			worker_failed(crew, i, "did not exit in peace");
	}
	seconds = now() - start;
	for (unsigned int i = 0; i < crew->n; i++)
		close(crew->led[i].fd);
	free(crew);
	return seconds;
}
