// SPDX-License-Identifier: GPL-2.0-or-later
/* cluster.c - target: a cluster's name, settings and postmaster */
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"
#include "shptctl.h"

static const char *const names[] = { "etc/postgresql/15/main/postgresql.conf",
				     "data/postgresql.auto.conf",
				     "data/postmaster.pid",
				     "proc/9/comm",
				     "proc/9/status",
				     "proc/9/cgroup",
				     "proc/8/comm",
				     "id",
				     NULL };

static void open_it(void *arg)
{
	struct cluster c;

	cluster_open(&c, fuzz_root(), arg);
	free((char *)c.version);
	free((char *)c.dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cluster c = { .root = fuzz_root(),
			     .id = "15/main",
			     .version = "15",
			     .name = "main",
			     .dir = "etc/postgresql/15/main" };
	struct stat st;
	char *id;

	put_parts(names, data, size);
	symlinkat("../../data", fuzz_root(), "proc/9/cwd");
	/* A command keeps what it found out until it ends. */
	__lsan_disable();
	free(cluster_look(&c));
	__lsan_enable();
	if (c.postmaster) {
		expect(c.postmaster == 9);
		postmaster_is_unit(&c);
		postmaster_may_share_sysv(&c);
	}
	id = file_text(fuzz_root(), "id", 0, &st);
	if (id)
		returns(open_it, id);
	free(id);
	return 0;
}
