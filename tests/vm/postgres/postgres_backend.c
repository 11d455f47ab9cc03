/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/* A backend is killed. The server ends all the others and begins anew. */
#include "crash.h"

static void strike(void)
{
	pid_t backend = process("postgres: postgres postgres [local]");

	CHECK(backend, "there is no backend: %s", shell(SAYINGS));
	MUST(kill(backend, SIGKILL));
}

static void test(int kind)
{
	survive(kind, strike);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 58);
}
