// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shpt-donor - give this process's address space to the shpt module
 *
 * Not for people: the module itself runs this program, as root, each time it
 * needs an empty address space for a new host, and knows it by its pid. The
 * program asks the module to keep the address space and exits; the module
 * empties it and maps the backing there. Called by anyone else it gets EPERM.
 *
 * The kernel starts it with no open files and an almost empty environment, so
 * complaints go to stderr only where there is one, else to the kernel log. It
 * needs nothing but libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shpt/uapi.h>

static int complain(const char *what)
{
	int err = errno;
	int out = STDERR_FILENO;

	if (fcntl(out, F_GETFD) < 0)
		out = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	dprintf(out, "shpt-donor: %s: %s%s\n", what, strerror(err),
		err == EPERM ? " (only the shpt module may run this program)"
			     : "");
	return 1;
}

int main(void)
{
	int dev = open(SHPT_DEVICE, O_RDWR | O_CLOEXEC);

	if (dev < 0)
		return complain("cannot open " SHPT_DEVICE);
	if (ioctl(dev, SHPT_IOC_DONATE) < 0)
		return complain("cannot donate the address space");
	return 0;
}
