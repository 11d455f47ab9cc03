/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.h - what the targets have in common
 *
 * A target is a program that libFuzzer calls LLVMFuzzerTestOneInput() of, again
 * and again. It runs in a folder of its own, which stands for "/".
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The folder; opened when it is first asked for. */
int fuzz_root(void);

/* A file below it, or none for NULL. */
void put(const char *path, const void *data, size_t size);

/*
 * Several files, the last name being NULL: in the input what is between two
 * PART bytes is the text of each. There is no file where there is no text.
 */
#define PART 0x1e
void put_parts(const char *const names[], const uint8_t *data, size_t size);

/* A copy with a zero byte behind it, to be freed. */
char *text_of(const uint8_t *data, size_t size);

/* Whether a function returned: it may have ended the program. */
bool returns(void (*function)(void *arg), void *arg);

/* Ends the target with a report if it is not so. */
#define expect(condition) \
	((condition) ? (void)0 : not_expected(__FILE__, __LINE__, #condition))
_Noreturn void not_expected(const char *file, int line, const char *what);

#endif /* FUZZ_H */
