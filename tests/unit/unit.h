/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unit.h - what the unit tests have in common */
#ifndef SHPT_UNIT_H
#define SHPT_UNIT_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>

#include "internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE page_bytes()
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* No backend but plain gives MAP_32BIT: so these tests also hold where the
 * module is loaded. */
#define PLAIN (MAP_SHARED | MAP_32BIT)

TCase *adopt_tests(void);
TCase *edges_tests(void);
TCase *backends_tests(void);
TCase *check_tests(void);
TCase *errors_tests(void);
TCase *fixed_tests(void);
TCase *fork_tests(void);
TCase *lines_tests(void);
TCase *numa_tests(void);
TCase *open_tests(void);
TCase *plain_tests(void);
TCase *populate_tests(void);
TCase *private_tests(void);
TCase *range_tests(void);
TCase *refusals_tests(void);
TCase *regions_tests(void);
TCase *replace_tests(void);
TCase *structs_tests(void);
TCase *symbols_tests(void);
TCase *table_tests(void);

/* main.c */
void choose_freely(void);
bool is_mapped(uintptr_t addr);
uintptr_t free_chunks(size_t chunks);
void fails(int ret, int err, const char *says);
int new_memfd(off_t size, unsigned int flags);
struct mapping *add_guest(uintptr_t chunk, uintptr_t addr, size_t length,
			  int fd, const struct libshpt_attr *attr);
struct mapping *add_mapping(uintptr_t addr, size_t length, size_t unit,
			    const struct backend *backend);

#endif /* SHPT_UNIT_H */
