/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hosts.h - the hosts of a region: see the file below /sys that is read */
#ifndef HOSTS_H
#define HOSTS_H

#include <stddef.h>
#include <stdint.h>

/* Numbers as columns.h takes them. */
struct host {
	char *access;
	int64_t node;
	int64_t table_bytes;
};

/*
 * Those in the folder of a region; returns how many. Ends the program if the
 * module tells of them in another way.
 */
size_t hosts_read(int root, const char *dir, struct host **hosts);
void hosts_free(struct host *hosts, size_t n);

#endif /* HOSTS_H */
