/* SPDX-License-Identifier: GPL-2.0-or-later */
/* preload.h - where libshpt-preload.so is: beside libshpt.so */
#ifndef SHPT_VM_PRELOAD_H
#define SHPT_VM_PRELOAD_H

#include <dlfcn.h>
#include <libshpt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *preload_path(void)
{
	static char path[4096];
	Dl_info library;
	char *name;

	if (!dladdr((void *)libshpt_map, &library) ||
	    strlen(library.dli_fname) > sizeof(path) / 2) {
		fprintf(stderr, "libshpt.so is nowhere\n");
		exit(1);
	}
	strcpy(path, library.dli_fname);
	name = strrchr(path, '/') + 1;
	strcpy(name, "libshpt-preload.so");
	return path;
}

/* For the environment of a program. */
static inline const char *preload(void)
{
	static char setting[4200];

	snprintf(setting, sizeof(setting), "LD_PRELOAD=%s", preload_path());
	return setting;
}

#endif /* SHPT_VM_PRELOAD_H */
