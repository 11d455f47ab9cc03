// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * environment.c - target: the environment of a cluster's server
 *
 * What is read and written again is what it was, whatever the file has beside.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "shptctl.h"

static const struct cluster cluster_template = {
	.id = "15/main", .version = "15", .name = "main", .dir = "etc"
};

struct read {
	struct cluster cluster;
	struct environment e;
};

static void read_it(void *arg)
{
	struct read *r = arg;

	environment_read(&r->e, &r->cluster);
}

static void forget(struct environment *e)
{
	free(e->path);
	free(e->text);
	free(e->own);
	free(e->block);
	memset(e, 0, sizeof(*e));
}

/* The path of a file is the only value that a user chooses freely. */
static void check_block(struct read *r, char *folder)
{
	struct preload p = { .values = { [PRELOAD_LIBRARY] = "/lib/x.so",
					 [PRELOAD_BACKING] = folder } };
	char *block = environment_block(&p);
	char *text = environment_with(&r->e, block), *value;
	struct read again = { .cluster = r->cluster };

	put("etc/environment", text, strlen(text));
	expect(returns(read_it, &again));
	expect(!strcmp(again.e.own, r->e.own));
	value = environment_value(&again.e, &again.cluster, again.e.block,
				  PRELOAD_BACKING);
	expect(value && !strcmp(value, folder));
	free(value);
	forget(&again.e);
	free(text);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "etc/environment", "etc/folder",
					     NULL };
	static struct read r;
	struct stat st;
	char *folder;

	r.cluster = cluster_template;
	r.cluster.root = fuzz_root();
	put("etc/there", "", 0);
	put_parts(names, data, size);
	folder = file_text(fuzz_root(), names[1], 0, &st);
	if (returns(read_it, &r) && folder && *folder &&
	    !strpbrk(folder, "\n\r\f\v"))
		check_block(&r, folder);
	forget(&r.e);
	free(folder);
	return 0;
}
