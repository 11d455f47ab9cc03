// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * choose.c - which backend serves a request
 *
 * The first that takes it, best first. Each that does not leaves its reason.
 * hugetlb is for huge pages that the caller has asked for, the others are for
 * all else; plain takes what is left. LIBSHPT_BACKEND in the environment names
 * the one to be tried before plain.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

const struct backend *const backends[] = {
	&shpt_backend, &hugetlb_backend, &thp_backend, &plain_backend, NULL,
};

/* Leaves NULL in @asked if the environment names none. */
static int read_environment(const struct backend **asked, struct reason *why)
{
	const char *word = secure_getenv("LIBSHPT_BACKEND");

	*asked = NULL;
	if (!word || !*word)
		return 0;
	for (int i = 0; backends[i]; i++)
		if (strcmp(word, backends[i]->name) == 0)
			*asked = backends[i];
	if (*asked)
		return 0;
	return refuse(why, EINVAL,
		      "LIBSHPT_BACKEND is \"%.64s\" in the environment: set it "
		      "to shpt, hugetlb, thp or plain, or unset it",
		      word);
}

/* A second sentence goes where there is room for all of it. */
static void add_reason(struct reason *to, const struct reason *more)
{
	size_t length = strlen(to->text);
	size_t room = sizeof(to->text) - length;

	if (to->err == 0)
		*to = *more;
	else if (strlen("; ") + strlen(more->text) < room)
		snprintf(to->text + length, room, "; %s", more->text);
}

static bool is_candidate(const struct backend *backend,
			 const struct backend *asked, bool hugetlb)
{
	if (backend == &plain_backend)
		return true;
	if (asked)
		return backend == asked;
	return (backend == &hugetlb_backend) == hugetlb;
}

/* Returns 0 with @m filled in, or -1 with the reason. */
int map_best(const struct request *req, struct mapping *m, struct reason *why)
{
	bool must_share = req->attr->flags & LIBSHPT_REQUIRE_SHARED;
	enum file_kind kind = request_kind(req);
	bool hugetlb = kind == FILE_HUGETLB;
	const struct backend *asked;

	if (read_environment(&asked, why))
		return -1;
	if (asked && asked != (hugetlb ? &hugetlb_backend : &shpt_backend))
		refuse(&m->why, ECANCELED,
		       "LIBSHPT_BACKEND is \"%s\": unset it to have the best "
		       "there is",
		       asked->name);
	for (int i = 0; backends[i]; i++) {
		if (!is_candidate(backends[i], asked, hugetlb) ||
		    (must_share && !backends[i]->shares))
			continue;
		m->backend = backends[i];
		if (m->backend->map(req, m, why) == 0) {
			note_kind(req, kind, m);
			return 0;
		}
		if (m->backend != &plain_backend)
			add_reason(&m->why, why);
	}
	if (must_share)
		*why = m->why;
	return -1;
}
