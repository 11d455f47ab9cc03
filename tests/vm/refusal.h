/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refusal.h - for tests of what cannot be shared: the kernel part's errno, the
 * library's errno and sentence, and the ordinary mapping that the library gives
 * in its place
 */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "vmtest.h"

#include <libshpt.h>

#include "../unit/state.h"

#define RW	(PROT_READ | PROT_WRITE)

/* A sentence for people that speaks of what it should. */
static inline void check_sentence(const char *text, const char *must_name)
{
	CHECK(strlen(text) > 20 && !strchr(text, '\n'),
	      "'%s' is no sentence", text);
	CHECK(strcasestr(text, must_name), "'%s' does not speak of '%s'", text,
	      must_name);
}

static inline void *require_shared(void *addr, size_t bytes, int prot,
				   int flags, int fd, off_t offset)
{
	struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };

	return libshpt_map_attr(addr, bytes, prot, flags, fd, offset, &attr,
				sizeof(attr));
}

static inline struct state *state_now(struct state *state)
{
	const char *wrong = state_take(state);

	CHECK(!wrong, "%s", wrong);
	return state;
}

/* The library refuses to share, says so, and leaves nothing behind; but a first
 * time it may keep something. */
static inline void refused_at(char *addr, size_t bytes, int prot, int flags,
			      int fd, int want, const char *must_name)
{
	static struct state before, after;
	const char *difference;

	MUST_FAIL(require_shared(addr, bytes, prot, flags, fd, 0), want);
	state_now(&before);
	MUST_FAIL(require_shared(addr, bytes, prot, flags, fd, 0), want);
	difference = state_difference(&before, state_now(&after));
	CHECK(!difference, "refused with %s, yet %s", strerrorname_np(want),
	      difference);
	check_sentence(libshpt_errormsg(), must_name);
}

static inline void refused_by_library(int prot, int flags, int fd, int want,
				      const char *must_name)
{
	refused_at(NULL, MIB, prot, flags, fd, want, must_name);
}

/* Another user, who may nevertheless look at himself. */
static inline void become_nobody(void)
{
	MUST(setgid(65534));
	MUST(setuid(65534));
	MUST(prctl(PR_SET_DUMPABLE, 1));
}

/* Without the requirement the same call gives an ordinary mapping. */
static inline char *ordinary_instead(size_t bytes, int prot, int flags, int fd,
				     int want, const char *must_name)
{
	struct libshpt_info info;
	char *p = libshpt_map(NULL, bytes, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED, "libshpt_map: %s", libshpt_errormsg());
	MUST(libshpt_info(p, &info, sizeof(info)));
	CHECK_EQ(info.backend, LIBSHPT_BACKEND_PLAIN);
	CHECK_EQ(info.why_errno, want);
	CHECK_EQ(info.region_id, 0);
	CHECK_EQ(info.chunk_bytes, 0);
	CHECK_EQ(info.linked_bytes, 0);
	CHECK_EQ(info.length, bytes);
	check_sentence(info.why, must_name);
	CHECK(!strstr(maps_line(p), "shpt:"), "it is a guest: %s",
	      maps_line(p));
	return p;
}

#endif /* REFUSAL_H */
