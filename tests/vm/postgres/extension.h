/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extension.h - a server of PostgreSQL that has the extension pg_shpt */
#ifndef SHPT_VM_EXTENSION_H
#define SHPT_VM_EXTENSION_H

#include "postgres.h"

/* As it was built. It stays in the cluster. */
static inline void install_extension(void)
{
	char tree[4096];

	snprintf(tree, sizeof(tree), "%s", preload_path());
	*strstr(tree, "/libshpt/.libs/") = 0;
	if (!shell("test -f %s/tools/postgres/pg_shpt/pg_shpt.so", tree))
		SKIP("pg_shpt is not built: apt-get install postgresql-server-dev-15, then configure again");
	MUST_RUN("make -s -C %s/tools/postgres install-postgresql 2>&1", tree);
	CHECK(SQL("create extension pg_shpt"), "no extension: %s",
	      shell(SAYINGS));
}

#endif /* SHPT_VM_EXTENSION_H */
