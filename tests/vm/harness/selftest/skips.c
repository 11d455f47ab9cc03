// SPDX-License-Identifier: GPL-2.0-or-later
/* skips.c - the harness must call this one skipped and show why */
#include <stdio.h>

int main(void)
{
	fputs("this one skips\n", stderr);
	return 77;
}
