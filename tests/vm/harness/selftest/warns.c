// SPDX-License-Identifier: GPL-2.0-or-later
/* warns.c - passes, but the harness must notice the kernel's warning */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shpt_test.h"

int main(void)
{
	int fd = open("/proc/sys/kernel/panic_on_warn", O_WRONLY);

	/* The log is complete where the VM lives on. */
	if (fd < 0 || write(fd, "0", 1) != 1)
		return 1;
	fd = open(SHPT_TEST_DEVICE, O_RDWR);
	if (fd >= 0 && ioctl(fd, SHPT_TEST_WARN) == 0)
		return 0;
	perror(SHPT_TEST_DEVICE);
	return 1;
}
