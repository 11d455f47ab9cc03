/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.h - what the files of shpt-bench know of each other */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	  4096ULL
#define PMD_BYTES (2ULL << 20)

#define MAX_WORKERS 4096
#define MAX_ROUNDS  99

#define EXIT_USAGE 2

/* Prints "shpt-bench: ..." and ends the program with status 1. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same for wrong usage, with status 2. */
_Noreturn void usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* From the command line; wrong usage ends the program. */
uint64_t parse_size(const char *text);
unsigned int parse_number(const char *what, const char *text, unsigned int min,
			  unsigned int max);

double now(void);
double median(double *values, size_t n); /* sorts them; 0 if there are none */

/* One line on stderr that is rewritten, once the program has run 2 s. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

/* --- backing.c --- */

enum backing_kind { MEMFD, EXT4_DAX_4K, EXT4_DAX_2M, BACKINGS };
extern const char *const backing_names[BACKINGS];

/* A file full of data: the first word of page n is backing_word(n). */
struct backing {
	enum backing_kind kind;
	uint64_t bytes;
	int fd;
};

uint64_t backing_word(uint64_t n);
void backing_make(struct backing *backing, const char *dir);

/* --- worker.c --- */

enum mode { PLAIN, SHPT, MODES };
extern const char *const mode_names[MODES];

/* What all workers of one pass are told before they are forked. */
struct pass {
	const struct backing *backing;
	enum mode mode;
	unsigned int workers;
	uint64_t seed; /* of the words they write; another one in every pass */
};

enum step { MAP, SCAN, FORK, WRITE, VERIFY, EXIT };
extern const char *const step_names[];

/* What a worker says when it has ended a step. */
struct answer {
	double seconds;
	uint64_t faults;
	uint64_t errors;
	char problem[256]; /* or "" */
};

_Noreturn void worker(const struct pass *pass, unsigned int index, int fd);

/* The words that workers write: offset and value of word n of n_words. */
uint64_t words_in_all(const struct pass *pass);
uint64_t word_offset(const struct pass *pass, uint64_t n);
uint64_t word_value(const struct pass *pass, uint64_t n);

/* --- workers.c --- */

struct workers_options {
	unsigned int workers;
	uint64_t bytes;
	unsigned int rounds; /* 0: up to AUTO_ROUNDS within AUTO_SECONDS */
	const char *dir;
	bool backings[BACKINGS];
	bool modes[MODES];
	bool json;
	const char *json_path; /* NULL: to stdout */
};

#define AUTO_ROUNDS  3
#define AUTO_SECONDS 30

/* What the rounds of one mode over one backing came to. */
struct result {
	enum backing_kind backing;
	enum mode mode;
	unsigned int workers;
	unsigned int rounds;
	unsigned int later_scans_timed;
	uint64_t bytes;
	double page_table_bytes;
	double first_scan_seconds;
	double first_faults;
	double later_scan_seconds_median;
	uint64_t later_faults_max;
	double fork_to_first_byte_seconds_median;
	double exit_seconds;
	uint64_t verify_errors;
};

/* Fills results[], one for each mode asked for; returns how many. */
size_t workers_run(const struct workers_options *options,
		   const struct backing *backing, struct result results[MODES]);

/* --- map.c --- */

/* What mapping and unmapping once took, in nanoseconds. */
struct times {
	double median;
	double p95;
	double first;
};

/* The rounds of one backing, beside so many other mappings of the process. */
struct map_result {
	const char *backing;
	const char *backend;
	uint64_t bytes;
	unsigned int rounds;
	unsigned int others;
	struct times mmap;
	struct times libshpt;
};

int map_main(int argc, char **argv);

/* --- report.c --- */

/* JSON is written to the file of that name, or to stdout where there is none. */
void report_table(const struct result *results, size_t n);
void report_json(const char *path, const struct result *results, size_t n);
void report_map_table(const struct map_result *results, size_t n);
void report_map_json(const char *path, const struct map_result *results,
		     size_t n);

#endif /* BENCH_H */
