/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - what a process has, to compare: a call that is refused leaves all
 * mappings and descriptors as they were
 */
#ifndef SHPT_UNIT_STATE_H
#define SHPT_UNIT_STATE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sanitizers have much address space, and take more when they like. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define STATE_BYTES (256 << 10)
#define STATE_FDS 1024

struct state {
	char maps[STATE_BYTES];
	char fds[STATE_FDS];
};

/* Opened in time: there may be no descriptor left later. */
static inline int state_maps(void)
{
	static pid_t owner;
	static int fd = -1;

	if (owner != getpid()) {
		owner = getpid();
		fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

/* Neither theirs nor the code that valgrind makes is the process's own. */
static inline int state_is_tools(const char *line)
{
	return strstr(line, " rwxp 00000000 00:00 0 ") ||
	       (SANITIZED && strstr(line, "p 00000000 00:00 0 "));
}

static inline void state_drop_tools(char *maps)
{
	char *from = maps, *to = maps;

	while (*from) {
		size_t n = strcspn(from, "\n") + 1;
		char last = from[n - 1];

		from[n - 1] = '\0';
		if (!state_is_tools(from)) {
			memmove(to, from, n);
			to += n;
			to[-1] = last;
		}
		from += n;
	}
	*to = '\0';
}

/* Takes no memory. Returns what is wrong, or NULL. */
static inline const char *state_take(struct state *state)
{
	size_t size = 0;
	ssize_t n;

	do {
		n = pread(state_maps(), state->maps + size,
			  sizeof(state->maps) - 1 - size, size);
		size += n > 0 ? n : 0;
	} while (n > 0);
	if (n < 0 || size >= sizeof(state->maps) - 1)
		return "/proc/self/maps cannot be read";
	state->maps[size] = '\0';
	state_drop_tools(state->maps);
	for (int fd = 0; fd < STATE_FDS; fd++)
		state->fds[fd] = fcntl(fd, F_GETFD) < 0 ? '-' : 'x';
	return NULL;
}

/* The first line of @b that is not so in @a, or what else differs, or NULL. */
static inline const char *state_difference(const struct state *a,
					   struct state *b)
{
	static char what[64];
	size_t at = 0;

	for (int fd = 0; fd < STATE_FDS; fd++)
		if (a->fds[fd] != b->fds[fd]) {
			snprintf(what, sizeof(what), "descriptor %d is %s", fd,
				 b->fds[fd] == 'x' ? "open" : "closed");
			return what;
		}
	if (!strcmp(a->maps, b->maps))
		return NULL;
	while (a->maps[at] == b->maps[at])
		at++;
	while (at && b->maps[at - 1] != '\n')
		at--;
	b->maps[at + strcspn(b->maps + at, "\n")] = '\0';
	return b->maps[at] ? b->maps + at : "a mapping is missing at the end";
}

#endif /* SHPT_UNIT_STATE_H */
