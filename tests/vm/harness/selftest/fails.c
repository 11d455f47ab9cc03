// SPDX-License-Identifier: GPL-2.0-or-later
/* fails.c - the harness must call this one failed and show its words */
#include <stdio.h>

int main(void)
{
	fputs("this one fails\n", stderr);
	return 1;
}
