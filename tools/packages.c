// SPDX-License-Identifier: GPL-2.0-or-later
/* packages.c - whether shpt has come in packages, which have ways of their own */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shptctl.h"

#define STATUS "var/lib/dpkg/status"

/* A paragraph begins with the name, and has its state some lines later. */
bool package_is_installed(int root, const char *name)
{
	char *want = print("Package: %s\n", name), *line = NULL;
	int fd = openat(root, STATUS, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	bool its = false, installed = false;
	size_t size = 0;

	while (f && !installed && getline(&line, &size, f) > 0) {
		if (!strncmp(line, "Package: ", 9))
			its = !strcmp(line, want);
		installed = its && !strncmp(line, "Status: ", 8) &&
			    strstr(line, " ok installed\n");
	}
	if (f)
		fclose(f);
	free(line);
	free(want);
	return installed;
}

/* What is not Debian has packages, too, and puts programs there. */
static bool is_distributed(void)
{
	char path[64] = "";

	return readlink("/proc/self/exe", path, sizeof(path) - 1) > 0 &&
	       !strcmp(path, "/usr/bin/shptctl");
}

bool has_packages(int root)
{
	return package_is_installed(root, "shpt-dkms") ||
	       package_is_installed(root, "shpt-tools") || is_distributed();
}

/* The packages have it loaded at each boot. */
const char *load_module(int root)
{
	if (has_packages(root))
		return "modprobe shpt";
	return "modprobe shpt && echo shpt >/etc/modules-load.d/shpt.conf";
}
