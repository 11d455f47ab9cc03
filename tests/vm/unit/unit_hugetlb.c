/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit tests, with all anonymous memory in huge pages that are there. */
#include "unit.h"

int main(void)
{
	int status;

	write_text("/proc/sys/vm/nr_hugepages", "64");
	status = unit_tests("hugetlb");
	write_text("/proc/sys/vm/nr_hugepages", "0");
	return status;
}
