// SPDX-License-Identifier: GPL-2.0-or-later
/* server.c - target: the environment and the mappings of a postmaster */
#include "../../tools/server.c" /* what looks at them is nobody else's */

#include "fuzz.h"

struct looked {
	struct cluster c;
	struct environment e;
	struct server s;
};

/* The process may end, and its files with it. */
static void look(void *arg)
{
	struct looked *l = arg;

	look_at_server(&l->c, &l->e, &l->s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "proc/9/environ", "proc/9/maps",
					     "etc/environment", NULL };
	struct looked l = {
		.c = { .root = fuzz_root(), .dir = "etc", .postmaster = 9 },
		.e = { .path = "etc/environment" },
	};

	put("sys/class/misc/shpt/region/7/backing", "/x", 2);
	put_parts(names, data, size);
	l.e.text = file_text(l.c.root, names[2], 0, &l.e.st);
	if (!l.e.text)
		return 0;
	if (returns(look, &l))
		expect(!l.s.region.id || l.s.region.id == 7);
	free(l.e.text);
	return 0;
}
