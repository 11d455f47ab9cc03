/* SPDX-License-Identifier: GPL-2.0-or-later */
/* causes.h - why chunks were unlinked */
#ifndef CAUSES_H
#define CAUSES_H

#include <stddef.h>
#include <stdint.h>

struct cause {
	char *name;
	int64_t unlinks;
};

/*
 * Of all regions, for "sys/class/misc/shpt", or of one, for a directory below
 * it. All that the module knows, by name; returns how many.
 */
size_t causes_read(int root, const char *dir, struct cause **causes);
void causes_free(struct cause *causes, size_t n);

#endif /* CAUSES_H */
