/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libshpt-preload.so where the module is: the program's large mappings, SysV
 * segments included, are shared, and all that programs do to them and to parts
 * of them works.
 */
#define LARGE (4 * MIB)
#include "../unit/preloaded.h"
#include "preload.h"

#define SHARED "shpt, region "

static void try(const char *name, const char *setting, int shared,
		int given_up)
{
	const char *const settings[] = { preload(), "LIBSHPT_MIN_SIZE=4M",
					 "LIBSHPT_VERBOSE=1", setting, NULL };
	int status = run("/proc/self/exe",
			 (const char *[]){ "preload", name, NULL }, settings);

	if (status == 0 && count(SHARED) == shared &&
	    count("cannot be had") == given_up)
		return;
	fprintf(stderr,
		"%s %s: status %#x; %d mappings are shared, expected %d; %d are given up, expected %d; it said:\n%s",
		name, setting ? setting : "", status, count(SHARED), shared,
		count("cannot be had"), given_up, said);
	exit(1);
}

int main(int argc, char **argv)
{
	char dax[256];

	if (argc > 1)
		return run_case(argv[1]);
	snprintf(dax, sizeof(dax), "LIBSHPT_BACKING=%s",
		 getenv("SHPT_TEST_DAX"));

	try("others", NULL, 0, 0);
	try("server", NULL, 3, 0);
	try("server", "LIBSHPT_MIN_SIZE=5M", 0, 0);
	try("backed", dax, 4, 0);
	try("parts", NULL, 4, 0);
	try("parts", dax, 4, 0);
	try("fixed_over", NULL, 2, 1);
	try("remap", NULL, 5, 5);
	try("pieces", NULL, 1, 0);
	try("not_inherited", NULL, 1, 1);
	try("advice", NULL, 1, 0);
	try("segment", NULL, 3, 0);
	try("segment_fixed", NULL, 3, 1);
	try("segment_replaced", NULL, 2, 2);
	try("segment_unprivileged", NULL, 0, 0);
	if (system("echo 512 >/proc/sys/vm/nr_hugepages"))
		return 1;
	try("huge", NULL, 0, 0);
	try("segment_huge", "LIBSHPT_BACKEND=plain", 0, 0);
	/* With huge pages to be had, other programs would take them. */
	return system("echo 0 >/proc/sys/vm/nr_hugepages") != 0;
}
