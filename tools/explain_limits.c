// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_limits.c - may there be another region
 *
 * How many a user has open nobody is told, but that there are as many as one may
 * have. Root may exceed the limits of users.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>

#include "explain.h"
#include "shptctl.h"

#define FACTS "sys/class/misc/shpt"
#define PARAMETERS "sys/module/shpt/parameters"

/* Who has registered regions, once for each, but for root. */
struct owners {
	const struct machine *m;
	unsigned long *users;
	size_t n;
};

static void see_region(void *arg, const char *name)
{
	struct owners *o = arg;
	char *line = fact_line(o->m->root, FACTS "/region/%s/uid", name);
	unsigned long user = line ? strtoul(line, NULL, 10) : 0;

	free(line);
	if (!user)
		return;
	o->users = reallocarray(o->users, o->n + 1, sizeof(*o->users));
	if (!o->users)
		die(EXIT_FAILURE, "no memory for another region");
	o->users[o->n++] = user;
}

/* How many the user has registered who has most. */
static char *most_registered(const struct machine *m)
{
	struct owners o = { .m = m };
	size_t most = 0;

	for_each_name(m->root, FACTS "/region", see_region, &o);
	for (size_t i = 0; i < o.n; i++) {
		size_t own = 0;

		for (size_t j = 0; j < o.n; j++)
			own += o.users[j] == o.users[i];
		if (own > most)
			most = own;
	}
	free(o.users);
	return print("%zu", most);
}

/* Says so if a number is as high as it may be. */
static bool is_reached(struct report *r, const struct machine *m,
		       enum state state, const char *now, const char *limit,
		       const char *what)
{
	char *max = fact_line(m->root, PARAMETERS "/%s", limit);
	unsigned long most = max ? strtoul(max, NULL, 10) : ULONG_MAX;
	bool reached = now && strtoul(now, NULL, 10) >= most;

	if (reached) {
		found(r, "regions", state, "%s %s; %s is %s", now, what, limit,
		      max);
		mend(r, "%secho %lu >/" PARAMETERS "/%s",
		     state == NO ? "" : "if one more is refused: ",
		     most ? most * 2 : 1, limit);
	}
	free(max);
	return reached;
}

static void check_limits(struct report *r, const struct machine *m,
			 const char *now, const char *max)
{
	char *all = fact_line(m->root, FACTS "/registered");
	char *own = most_registered(m);

	if (!is_reached(r, m, NO, now, "max_regions", "in use") &&
	    !is_reached(r, m, NOTE, all, "max_registered", "registered") &&
	    !is_reached(r, m, NOTE, own, "max_registered_per_user",
			"registered by one user") &&
	    !is_reached(r, m, NOTE, now, "max_regions_per_user", "in use"))
		found(r, "regions", OK, "%s of %s in use", now, max);
	free(all);
	free(own);
}

void check_regions(struct report *r, const struct machine *m)
{
	char *now = fact_line(m->root, FACTS "/regions");
	char *max = fact_line(m->root, PARAMETERS "/max_regions");

	if (!m->loaded) {
		found(r, "regions", UNKNOWN, "the module is not loaded");
	} else if (!now || !max) {
		found(r, "regions", NO,
		      "the module does not tell how many there are");
		mend(r, "use the module and the shptctl of one version");
	} else {
		check_limits(r, m, now, max);
	}
	free(now);
	free(max);
}
