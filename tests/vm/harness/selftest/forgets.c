// SPDX-License-Identifier: GPL-2.0-or-later
/* forgets.c - passes, but a kernel that looks for leaks of memory finds one */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "shpt_test.h"

int main(void)
{
	int fd = open(SHPT_TEST_DEVICE, O_RDWR);

	if (fd >= 0 && ioctl(fd, SHPT_TEST_FORGET) == 0)
		return 0;
	perror(SHPT_TEST_DEVICE);
	return 1;
}
