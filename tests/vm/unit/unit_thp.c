/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit tests, with huge pages for memfds and anonymous memory. */
#include "unit.h"

#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

int main(void)
{
	int status;

	write_text(SHMEM_HUGE, "advise");
	status = unit_tests("thp");
	write_text(SHMEM_HUGE, "never");
	return status;
}
