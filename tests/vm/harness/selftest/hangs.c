// SPDX-License-Identifier: GPL-2.0-or-later
/* hangs.c - the harness must end this one and call it failed */
#include <unistd.h>

int main(void)
{
	pause();
	return 0;
}
