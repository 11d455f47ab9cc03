// SPDX-License-Identifier: GPL-2.0-or-later
/* leaks.c - passes, but the harness must miss the page tables */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "shpt_test.h"

int main(void)
{
	int fd = open(SHPT_TEST_DEVICE, O_RDWR);

	if (fd >= 0 && ioctl(fd, SHPT_TEST_LEAK) == 0)
		return 0;
	perror(SHPT_TEST_DEVICE);
	return 1;
}
