// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker.c - what one worker process does
 *
 * It takes steps from a socket and answers each. Faults are those of this
 * process, minor and major; everything but the mapping itself is touched
 * beforehand, so that none of them is anything else's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libshpt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define CHILDREN 9
/* Odd, so that the words fall on all places within a page. */
#define WORDS_PER_WORKER 61

const char *const mode_names[MODES] = {
	[PLAIN] = "plain",
	[SHPT] = "shpt",
};

const char *const step_names[] = {
	[MAP] = "map",	   [SCAN] = "scan",	[FORK] = "fork",
	[WRITE] = "write", [VERIFY] = "verify", [EXIT] = "exit",
};

uint64_t words_in_all(const struct pass *pass)
{
	uint64_t n = pass->backing->bytes / PAGE / pass->workers;

	return pass->workers * (n < WORDS_PER_WORKER ? n : WORDS_PER_WORKER);
}

uint64_t word_offset(const struct pass *pass, uint64_t n)
{
	uint64_t stride = pass->backing->bytes / words_in_all(pass) & ~7ULL;
	uint64_t offset = n * stride;

	/* The first word of a page is the scan's. */
	return offset % PAGE ? offset : offset + sizeof(uint64_t);
}

uint64_t word_value(const struct pass *pass, uint64_t n)
{
	return backing_word(pass->seed << 32 | n);
}

static void *map(const struct pass *pass, struct answer *answer)
{
	const struct libshpt_attr attr = {.flags = LIBSHPT_REQUIRE_SHARED};
	void *p;

	if (pass->mode == SHPT) {
		p = libshpt_map_attr(NULL, pass->backing->bytes,
				     PROT_READ | PROT_WRITE, MAP_SHARED,
				     pass->backing->fd, 0, &attr, sizeof(attr));
		if (p == MAP_FAILED)
			snprintf(answer->problem, sizeof(answer->problem), "%s",
				 libshpt_errormsg());
	} else {
		p = mmap(NULL, pass->backing->bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED, pass->backing->fd, 0);
		if (p == MAP_FAILED)
			snprintf(answer->problem, sizeof(answer->problem),
				 "mmap: %s", strerror(errno));
	}
	return p;
}

static uint64_t faults_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static void scan(const volatile char *p, uint64_t bytes, struct answer *answer)
{
	uint64_t pages = bytes / PAGE, wrong = 0, faults;
	double start;

	faults = faults_so_far();
	start = now();
	for (uint64_t i = 0; i < pages; i++)
		wrong += *(const volatile uint64_t *)(p + i * PAGE) !=
			 backing_word(i);
	answer->seconds = now() - start;
	answer->faults = faults_so_far() - faults;
	answer->errors = wrong;
}

/* The median time from fork(2) to the child's having read its first byte. */
static void fork_children(const struct pass *pass, const volatile char *p,
			  struct answer *answer)
{
	double seconds[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		const volatile char *byte =
			p + pass->backing->bytes / CHILDREN * i;
		double start, end;
		int ends[2];
		pid_t pid;

		if (pipe(ends))
			goto failed;
		start = now();
		pid = fork();
		if (pid == 0) {
			(void)*byte;
			end = now();
			_exit(write(ends[1], &end, sizeof(end)) != sizeof(end));
		}
		close(ends[1]);
		if (pid < 0 || read(ends[0], &end, sizeof(end)) != sizeof(end))
			goto failed;
		close(ends[0]);
		waitpid(pid, NULL, 0);
		seconds[i] = end - start;
	}
	answer->seconds = median(seconds, CHILDREN);
	return;
failed:
	snprintf(answer->problem, sizeof(answer->problem),
		 "a child of fork could not read its first byte");
}

static void write_words(const struct pass *pass, unsigned int index, char *p)
{
	uint64_t n = words_in_all(pass);

	for (uint64_t i = index; i < n; i += pass->workers)
		*(volatile uint64_t *)(p + word_offset(pass, i)) =
			word_value(pass, i);
}

static void verify_words(const struct pass *pass, const char *p,
			 struct answer *answer)
{
	uint64_t n = words_in_all(pass);

	for (uint64_t i = 0; i < n; i++)
		answer->errors +=
			*(const volatile uint64_t *)(p +
						     word_offset(pass, i)) !=
			word_value(pass, i);
}

/* Touch the code, the stack and the data that scan() needs. */
static void warm_up(void)
{
	static uint64_t page[2 * PAGE / sizeof(uint64_t)];
	struct answer answer;

	scan((const char *)page, sizeof(page), &answer);
}

void worker(const struct pass *pass, unsigned int index, int fd)
{
	enum step step;
	char *p = MAP_FAILED;

	/* The lead's end of this socket is open in younger workers too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, &step, sizeof(step)) == sizeof(step)) {
		struct answer answer = {0};

		switch (step) {
		case MAP:
			warm_up();
			p = map(pass, &answer);
			break;
		case SCAN:
			scan(p, pass->backing->bytes, &answer);
			break;
		case FORK:
			fork_children(pass, p, &answer);
			break;
		case WRITE:
			write_words(pass, index, p);
			break;
		case VERIFY:
			verify_words(pass, p, &answer);
			break;
		case EXIT:
			_exit(0);
		}
		if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(1);
}
