// SPDX-License-Identifier: GPL-2.0-or-later
/* dies.c - ends the VM under the harness */
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd >= 0 && write(fd, "b", 1) == 1)
		pause();
	return 1;
}
