/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forecast.h - what sharing would save, by backing */
#ifndef FORECAST_H
#define FORECAST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A backing that processes map without shpt. Numbers as columns.h takes them. */
struct forecast {
	char *backing; /* path */
	const char *kind; /* shmem, fsdax or devdax */
	int64_t pid; /* the lowest of the processes */
	char *command; /* its program */
	int64_t processes;
	int64_t size_bytes; /* up to the end of what is mapped */
	int64_t table_bytes; /* page tables that they have for it now */
	int64_t shared_bytes; /* the one copy that they would share */
	int64_t parked_bytes; /* what each would have beside it, in sum */
	int64_t saved_bytes;
	int64_t most_bytes; /* saved, once all have touched what any has */
};

struct forecasts {
	size_t n;
	struct forecast *rows; /* those that save most come first */
	size_t unreadable; /* processes that may not be looked at */
	size_t sharing; /* processes that share something already */
	size_t huge; /* backings without tables: they have 2 MiB entries only */
};

/*
 * Of the backings that several processes map, each in a mapping of min_bytes or
 * more; with a pid of those that this process maps. Ends the program if there
 * is no such process, or it may not be looked at.
 */
void forecasts_read(int root, pid_t pid, size_t min_bytes,
		    struct forecasts *all);
void forecasts_free(struct forecasts *all);

#endif /* FORECAST_H */
