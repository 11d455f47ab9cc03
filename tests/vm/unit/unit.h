/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unit.h - runs the library's unit tests here, where the module is loaded */
#ifndef SHPT_VM_UNIT_H
#define SHPT_VM_UNIT_H

#include "vmtest.h"

/* With LIBSHPT_BACKEND as @backend, or not set if that is NULL. */
static inline int unit_tests(const char *backend)
{
	double began = now();
	int status;

	MUST(setenv("CK_TIMEOUT_MULTIPLIER", "10", 1));
	if (backend)
		MUST(setenv("LIBSHPT_BACKEND", backend, 1));
	status = system(test_env("SHPT_TEST_UNIT"));
	fprintf(stderr, "%.1f s\n", now() - began);
	return status ? 1 : 0;
}

#endif /* SHPT_VM_UNIT_H */
