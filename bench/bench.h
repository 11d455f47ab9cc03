/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.h - what the files of shpt-bench know of each other
 *
 * A scenario is one file: what it measures in words, and run(), which measures
 * one mode once. The core has it run for each backing, size and x asked for, in
 * rounds in which all modes take turns, and prints what it records.
 */
#ifndef BENCH_H
#define BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PAGE	  4096ULL
#define PMD_BYTES (2ULL << 20)
#define PUD_BYTES (1ULL << 30)

#define MAX_PROCESSES  4000
#define MAX_ROUNDS     999
#define MAX_MODES      8
#define MAX_PARAMETERS 8

#define EXIT_USAGE 2

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* --- what is measured --- */

enum unit { SECONDS, BYTES, COUNT, PER_SECOND };
extern const char *const unit_names[];

struct metric {
	const char *name;
	const char *title;
	enum unit unit;
	bool more_is_better;
	const char *explanation; /* a sentence or two */
};

enum backing {
	MEMFD,
	TMPFS,
	EXT4_DAX_2M,
	EXT4_DAX_4K,
	XFS_DAX_2M,
	XFS_DAX_4K,
	DEVICE_DAX,
	BACKINGS
};
extern const char *const backing_names[BACKINGS];

/* What a file's pages are, which decides what entries map them. */
enum pages { NO_PAGES, SMALL, HUGE, HUGETLB, PAGES };

struct mode {
	const char *name;
	enum pages pages; /* NO_PAGES: nothing is mapped */
	bool shpt;
	unsigned int node_policy; /* enum libshpt_node_policy */
};

extern const struct mode mode_plain, mode_thp, mode_hugetlb, mode_shpt,
	mode_shpt_thp;
extern const struct mode *const usual_modes[];

/* An option of one scenario only. */
struct parameter {
	const char *name;
	const char *argument; /* "SIZE", "COMMAND", or a word for a number */
	uint64_t value;
	uint64_t min, max;
	const char *help;
	const char *text; /* of a COMMAND */
};

struct pass;

struct scenario {
	const char *name;
	const char *title;
	const char *text;		     /* of --help */
	const struct metric *metrics;	     /* ends with one without name */
	const struct parameter *parameters;  /* the same, or NULL */
	const struct mode *const *modes;     /* ends with NULL */
	/* The options' defaults. */
	const char *backings, *sizes, *stride, *xs;
	const char *x, *x_help;
	unsigned int max_x;
	unsigned int rounds;
	bool sync; /* map DAX files with MAP_SYNC */
	/* NULL, or why a backing cannot be measured; may be NULL itself. */
	const char *(*unfit)(enum backing backing);
	void (*run)(const struct pass *pass);
};

extern const struct scenario scenario_attach, scenario_bystander,
	scenario_edges, scenario_exitstorm, scenario_forkstorm,
	scenario_invalidate, scenario_memory, scenario_numa, scenario_pmem,
	scenario_random, scenario_workers;
extern const struct scenario *const scenarios[]; /* ends with NULL */

/* --- messages.c --- */

/* Prints "shpt-bench: ..." and ends the program with status 1. */
_Noreturn void die(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same for wrong usage, with status 2. */
_Noreturn void usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A bar on a terminal's last line: done of all passes, and what is going on. */
void progress_begin(unsigned int passes);
void progress(unsigned int done);
void progress_now(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void progress_end(void);

/* --- statistics.c --- */

double now(void);
double median(double *values, size_t n); /* sorts them; 0 if there are none */
/* What so many of a hundred do not exceed. */
double percentile(const double *sorted, size_t n, double p);

/* What was measured of one thing, round by round, and what that comes to. */
struct rounds {
	const double *values;
	size_t n;
	double median, min, max;
};

/*
 * How much better something is than what it is compared with, above 1 for
 * better: the median of the ratios of rounds that ran next to each other; or,
 * where their numbers differ or not all are above 0, the ratio of the medians.
 */
struct ratio {
	double median; /* NAN where one of the medians is not above 0 */
	double min;
	double max;
	bool no_spread; /* one round, or lost in noise */
	bool in_noise; /* the medians are above 0, and a round is not */
};

struct ratio ratio_of_rounds(const struct rounds *base,
			     const struct rounds *other, bool more_is_better);

/* --- file.c, extents.c --- */

static inline bool is_dax(enum backing backing)
{
	return backing >= EXT4_DAX_2M;
}

/* A file full of data: the first word of page n is word(n). */
struct file {
	enum backing backing;
	enum pages pages;
	uint64_t bytes;
	uint64_t stride; /* of the pages that it has */
	bool sync;	 /* on DAX, is mapped with MAP_SYNC */
	int fd;
};

uint64_t word(uint64_t n);

/* Where files of a backing are made: paths of --dir, by what they are. */
extern const char *file_dirs[BACKINGS];

/* Returns NULL, or why no machine can have such a file. */
const char *file_unfit(enum backing backing, enum pages pages);
/* Returns NULL, or why this machine cannot have such a file. */
const char *file_make(struct file *file);
void file_close(struct file *file);
/* Another one like it, after pages of this one were taken away. */
void file_renew(struct file *file);
/* Of a file on DAX; NULL, or why its extents are not what was asked for. */
const char *extents_arrange(const struct file *file);
const char *extents_check(const struct file *file);

/* MAP_SHARED and what else mmap(2) is to be given for it. */
int map_flags(const struct file *file);
/* Map as an ordinary program does it that wants such pages. */
void *map_ordinary(const struct file *file, enum pages pages);

/* --- region.c --- */

bool module_loaded(void);

/* Keeps the file's region, and has its tables filled for all to come. */
int region_open(const struct file *file);
void region_populate(int region, const struct file *file);

/* --- reclaim.c --- */

/* What is allocated from now on can be taken; false where there is no way. */
bool reclaim_begin(uint64_t bytes);
/* What is allocated from now on cannot. */
void reclaim_filled(void);
/* Takes so many pages, fewer or more; returns how many went to swap. */
uint64_t reclaim_pages(uint64_t pages, double *seconds);
void reclaim_end(void);

/* --- settings.c --- */

/* Of the kernel, until this program ends: "" or why not. */
const char *settings_hugetlb(uint64_t bytes);
const char *settings_shmem_advise(void);

/* --- crew.c --- */

#define VALUES 7

struct worker {
	const struct pass *pass;
	unsigned int index;
	unsigned int arg;
	char *p; /* the mapping, after step_map() */
	struct answer {
		double value[VALUES];
		uint64_t errors; /* wrong words read */
		char problem[256]; /* or "" */
	} answer;
};

/* Runs in the worker's process. */
typedef void step(struct worker *worker);

struct crew;

/* Forked from this process, which maps nothing; up to the last step. */
struct crew *crew_start(const struct pass *pass, unsigned int workers);
void crew_all(struct crew *crew, step *what, unsigned int arg);
void crew_one(struct crew *crew, unsigned int index, step *what,
	      unsigned int arg);
void crew_range(struct crew *crew, unsigned int from, unsigned int to,
		step *what, unsigned int arg);
double crew_exit(struct crew *crew); /* seconds until all have ended */

const struct answer *crew_answer(const struct crew *crew, unsigned int index);
/* The median over workers of answer.value[value]. */
double crew_median(const struct crew *crew, unsigned int from, unsigned int to,
		   unsigned int value);
/* The greatest of them. */
double crew_most(const struct crew *crew, unsigned int from, unsigned int to,
		 unsigned int value);

/* For steps: says what went wrong, which ends the program. */
void fail(struct worker *worker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

step step_map;	 /* as the mode does it */
step step_touch; /* reads all pages that the file has, verifies */
step step_settle; /* touches what a worker needs of its own */
step step_map_others; /* maps so many single pages, as any program has them */

/* Reads the first word of each page that the file has. */
void touch(struct worker *worker);
void touch_range(struct worker *worker, uint64_t from, uint64_t to);
uint64_t faults_so_far(void);
/* Forks one after the other, each of which does something and exits: tells
 * whether it read what it had to. */
typedef bool child(const struct worker *worker, uint64_t i);
void fork_children(struct worker *worker, uint64_t n, child *what);
/* Of the CPU that it runs on, for a pass that begins like a first one. */
void flush_tlb(struct worker *worker);

/* --- pass.c --- */

struct pass {
	const struct scenario *scenario;
	const struct mode *mode;
	struct file *file; /* NULL where the mode has no pages */
	unsigned int x;
	/* Values of its own options, in the scenario's order. */
	const uint64_t *parameters;
	const char *const *texts;
};

struct run; /* options.c */
void run_passes(const struct run *run);
void record(const struct pass *pass, const char *name, double value);
void predict(const struct pass *pass, const char *name, double value);

/* --- tables.c --- */

/* PageTables of /proc/meminfo, once it stands still. */
double page_tables(void);

/* --- map.c --- */

/* A scenario of its own kind: calls, and no processes. */
int map_main(int argc, char **argv);

/* --- options.c --- */

/* Of the command line; wrong usage ends the program. */
uint64_t parse_number(const char *what, const char *text, uint64_t min,
		      uint64_t max);
uint64_t parse_file_size(const char *text);

struct list {
	size_t n;
	uint64_t values[32];
};

struct run {
	const struct scenario *scenario;
	struct list xs, sizes;
	bool backings[BACKINGS];
	bool modes[MAX_MODES];
	bool all_modes; /* none were asked for */
	unsigned int rounds;
	uint64_t stride;
	uint64_t parameters[MAX_PARAMETERS];
	const char *texts[MAX_PARAMETERS];
	const char *json, *csv;
};

/* help.c */
void help_print(const struct scenario *scenario);

/* Returns -1 or, where nothing is left to do, the exit status. */
int options_parse(struct run *run, int argc, char **argv);

/* --- machine.c --- */

json_t *machine_facts(void);

/* --- results.c, print.c, write.c --- */

/* The rounds of one metric in one mode, over one backing, size and x. */
struct series {
	const struct metric *metric;
	const struct mode *mode;
	enum backing backing;
	uint64_t bytes;
	unsigned int x;
	unsigned int n;
	double *rounds;
	double median, min, max;
	double predicted;
	bool has_prediction;
};

struct skipped {
	const char *mode; /* "" for all */
	enum backing backing;
	char reason[512];
};

struct results {
	struct series *series;
	size_t n;
	struct skipped *skipped;
	size_t n_skipped;
	uint64_t wrong; /* words read; the program fails */
};

extern struct results results;

void results_skip(const char *mode, enum backing backing, const char *reason);
void results_sum_up(void);

/* Of the path "-": stdout. */
FILE *open_output(const char *path);
void close_output(FILE *out, const char *path);

void print_tables(const struct run *run, json_t *machine);
void write_json(const struct run *run, const char *path, json_t *machine);
void write_csv(const struct run *run, const char *path, json_t *machine);

/* --- report/ --- */

int report_main(int argc, char **argv);
int compare_main(int argc, char **argv);

#endif /* BENCH_H */
