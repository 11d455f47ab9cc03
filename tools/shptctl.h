/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shptctl.h - what the files of shptctl know of each other */
#ifndef SHPTCTL_H
#define SHPTCTL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <internal.h> /* of libshpt, which is linked with its objects */

#define EXIT_USAGE 2

/* --- main.c --- */

/* Prints "shptctl VERB: ..." and ends the program. */
_Noreturn void die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, and goes on. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What these messages are about, such as "FILE:LINE", or NULL. */
extern const char *error_place;

int estimate(int argc, char **argv);
int exec_program(int argc, char **argv);
int list(int argc, char **argv);
int explain(int argc, char **argv);
int metrics(int argc, char **argv);
int register_region(int argc, char **argv);
int postgres(int argc, char **argv);
int show(int argc, char **argv);
int restore(int argc, char **argv);
int unregister_regions(int argc, char **argv);
int populate_region(int argc, char **argv);
int reclaim(int argc, char **argv);
int lock_region(int argc, char **argv);
int unlock_region(int argc, char **argv);
int set_region(int argc, char **argv);
int top(int argc, char **argv);

/* --- text.c: texts to be printed; end the program if there is no memory --- */

/* A new string. */
char *print(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *vprint(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

/* A copy with \xNN for each byte where none is to be taken as it is. */
char *escape(const char *text, size_t (*take)(const char *text));

/* The same for each byte that is of no visible character. */
char *plain(const char *text);

/* A line on stdout, in this form. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 1.5M, as util-linux writes sizes; a saving can be negative. */
void format_bytes(char *buf, size_t size, long long bytes);

/* In a sentence: the same, or the number with the word "bytes". */
#define AMOUNT_BYTES 32
void format_amount(char *buf, size_t size, long long number, bool bytes);

/* --- facts.c: what the machine tells --- */

/* A directory that stands for "/"; ends the program if it is none. */
int sysroot_open(const char *path);

/*
 * The first line of a file, without its newline, or NULL and errno. The path
 * is relative to dir and is a printf(3) format; the caller frees the line.
 */
char *fact_line(int dir, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first line of a file that contains what, or NULL; to be freed. */
char *fact_line_with(int dir, const char *path, const char *what);

bool shpt_is_loaded(int sysroot);

/* All regions by id, in *regions, to be freed; returns how many. */
size_t regions_read(int sysroot, struct libshpt_region **regions);

/* --- packages.c: whether shpt has come in packages --- */

bool package_is_installed(int root, const char *name);
bool has_packages(int root);

/* The command that loads the module, now and at each boot. */
const char *load_module(int root);

/* --- quote.c --- */

/* A word for sh(1), with quotes where it takes them, to be freed. */
char *quote(const char *word);

/* --- grant.c: who may open /dev/shpt --- */

/* The group whose members may, or NULL. */
const char *device_group(const struct stat *st);

/* The commands that let a user open it; the caller frees them. */
char *device_grant(int root, const struct stat *st, const char *user);

/* --- device.c: regions, to be steered; end the program if it fails --- */

/* The region of a file, made if there is none yet; flags as of open(2). */
int region_open_file(const char *path, int flags);

/* Whether it can have one to write to, as far as the file itself tells. */
void region_check_file(const char *path);
int region_open_id(uint64_t id);

/* -1 if it has ended meanwhile. */
int region_try_id(uint64_t id);

/* -1 and errno if it is not to be had by its name. */
int region_open_name(const char *name);

/* --- steer.c: what the verbs that change regions have in common --- */

struct steering {
	bool dry_run;
	const char *sysroot; /* NULL: the machine itself */
	int root;
	struct libshpt_region *regions;
	size_t n;
	struct libshpt_region region; /* the one that was found */
	int fd; /* to it, if it had to be opened to be found, or -1 */
};

/* For getopt_long(3). */
enum { STEER_DRY_RUN = 768, STEER_SYSROOT };
#define STEER_OPTIONS                                                         \
	{ "dry-run", no_argument, NULL, STEER_DRY_RUN },                      \
	{ "sysroot", required_argument, NULL, STEER_SYSROOT }

#define STEER_HELP                                                            \
"      --dry-run        change nothing, print what would be done\n"           \
"      --sysroot DIR    with --dry-run: read DIR/sys in place of /sys\n"      \
"  -h, --help           print this text\n"                                    \
"  -V, --version        print the version\n"

/* False if it is none of these. */
bool steer_option(struct steering *s, int option, const char *arg);

/* After the options. Reads the regions; ends the program if it cannot. */
void steer_begin(struct steering *s);
void steer_end(struct steering *s);

/* By name, number or path, in this order; ends the program if it is none. */
void steer_find(struct steering *s, const char *what);

/* To change the region that was found; ends the program if it cannot. */
int steer_open(const struct steering *s);

/* For messages; the caller frees it. */
char *region_title(const struct libshpt_region *region);

/* NULL if none has this name, with a slash before it or not, or this number. */
const struct libshpt_region *region_named(const struct libshpt_region *regions,
					  size_t n, const char *name);
const struct libshpt_region *
region_numbered(const struct libshpt_region *regions, size_t n, uint64_t id);

/* NULL if none has a file with this path, or only root may see that it has. */
const struct libshpt_region *region_backed(const struct libshpt_region *regions,
					   size_t n, const char *path);

bool is_region_number(const char *what, uint64_t *id);

/* By name, number or path of its file, in this order; NULL if it is none. */
const struct libshpt_region *region_find(const struct libshpt_region *regions,
					 size_t n, const char *what);

/* Whether --all means it. */
bool is_ours(const struct libshpt_region *region);

/*
 * For one of several regions: the first thing that is wrong with it ends a
 * process of its own and keeps no other from its turn. Whether nothing was.
 */
bool in_own_process(void (*act)(const void *work, const void *arg),
		    const void *work, const void *arg);

/* --- node.c: the NUMA nodes of a region's page tables --- */

/* A node or SHPT_NODE_*; false if the text is none: say NODE_WORDS then. */
bool parse_node(const char *text, int *node);
#define NODE_WORDS "one, local, or a number of numactl --hardware"

/* NULL, or why it cannot be done; the caller frees it. */
char *set_node(int region, int node);

/* The same without doing it, as far as /sys tells. */
char *plan_node(int root, int node);

/* --- register.c --- */

/* Ends the program if it is refused. */
void register_open_region(int region, const char *path, const char *name,
			  mode_t mode);

/* Ends the program if one of these regions has the name. */
void check_name_is_free(const struct libshpt_region *regions, size_t n,
			const char *name);

/* --- regions_conf.c: the regions to restore at boot --- */

#define REGIONS_CONF SYSCONFDIR "/shpt/regions.conf"

enum { RECLAIM_UNSET = -1 };

struct conf_region {
	unsigned long line;
	char *path;
	char *name; /* "": none */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	bool has_node;
	int node; /* or SHPT_NODE_* */
	int reclaim; /* SHPT_RECLAIM_* or RECLAIM_UNSET */
};

struct regions_conf {
	const char *path;
	struct conf_region *regions;
	size_t n;
	size_t wrong; /* lines, which have been complained of and left out */
};

/* The caller has set the path. False and errno if it cannot be read. */
bool regions_conf_read(struct regions_conf *conf, int root);
void regions_conf_free(struct regions_conf *conf);

/* --- preload.c: libshpt-preload.so and what it is told --- */

enum {
	PRELOAD_LIBRARY,
	PRELOAD_BACKEND,
	PRELOAD_MIN_SIZE,
	PRELOAD_BACKING,
	PRELOAD_VERBOSE,
	PRELOAD_VARIABLES
};

struct preload {
	const char *values[PRELOAD_VARIABLES]; /* NULL: not set; "": default */
};

extern const char *const preload_variables[PRELOAD_VARIABLES];

/* For getopt_long(3). */
#define PRELOAD_OPTION 512
#define PRELOAD_OPTIONS                                                       \
	{ "backend", required_argument, NULL,                                 \
	  PRELOAD_OPTION + PRELOAD_BACKEND },                                 \
	{ "min-size", required_argument, NULL,                                \
	  PRELOAD_OPTION + PRELOAD_MIN_SIZE },                                \
	{ "backing", required_argument, NULL,                                 \
	  PRELOAD_OPTION + PRELOAD_BACKING },                                 \
	{ "verbose", optional_argument, NULL, PRELOAD_OPTION + PRELOAD_VERBOSE }

#define PRELOAD_HELP                                                          \
"      --backend WORD   use this one in place of shpt: hugetlb, thp or plain\n" \
"      --min-size SIZE  leave smaller mappings alone: bytes, or with K, M or G\n" \
"                       (default 64M)\n"                                      \
"      --backing DIR    put anonymous shared memory on files in this folder\n" \
"      --verbose[=WORD] say on stderr what becomes of each mapping (1), of the\n" \
"                       first, or of none (0)\n"

/* False if it is none of these; ends the program if the value is wrong. */
bool preload_option(struct preload *p, int option, const char *arg);

/*
 * After the options: that of --backing as the program will find it, whatever
 * folder it is in by then; below a root that is not "/" it has to be there. Ends
 * the program if it is none.
 */
void preload_find_folder(struct preload *p, const char *root);

/* Where the library is; ends the program if it is nowhere. */
char *preload_library(void);

/* Sets LD_PRELOAD: to the library, behind others if there are any. */
void preload_add_library(struct preload *p, const char *others);

/* --- conf.c: files of settings --- */

/* All of a file, NULL and errno if it cannot be read; flags as of open(2). */
char *file_text(int dir, const char *path, int flags, struct stat *st);

/*
 * The value of a setting in a file, or in a text that stands for it; NULL if
 * there is none.
 */
char *conf_value(int root, const char *path, const char *text,
		 const char *name);

void conf_write(FILE *f, const char *name, const char *value);

/* --- cluster.c: a PostgreSQL cluster as Debian's packages set it up --- */

struct cluster {
	int root;
	const char *id; /* 15/main */
	const char *version; /* 15 */
	const char *name; /* main */
	const char *dir; /* of its settings, relative to root like data */
	const char *data; /* this and the next are for cluster_look() to set */
	uid_t owner;
	pid_t postmaster; /* 0: it does not run */
};

/* Ends the program if that is no name of a cluster. */
void cluster_open(struct cluster *c, int root, const char *id);

/* NULL, or what keeps from seeing its data and its server. */
char *cluster_look(struct cluster *c);

/* NULL if it is left at PostgreSQL's default. */
char *cluster_setting(const struct cluster *c, const char *name);

/* The command that (re)starts it. */
char *cluster_restart(const struct cluster *c);

/* --- postmaster.c: the first process of a cluster's server --- */

/* NULL, or why it cannot be found out. If there is none, nothing is set. */
char *postmaster_find(const struct cluster *c, pid_t *postmaster);

/* Whether systemd has started it, as postgresql-common sets that up; and whether
 * it has the capability that System V shared memory takes. */
bool postmaster_is_unit(const struct cluster *c);
bool postmaster_may_share_sysv(const struct cluster *c);

/* --- obstacles.c: what keeps its server, with these settings, from sharing --- */

/* Each with what to do; returns how many. */
#define OBSTACLES 6
size_t cluster_obstacles(const struct cluster *c, const struct preload *p,
			 char *obstacles[]);
size_t print_obstacles(const struct cluster *c, const struct preload *p);

/* --- environment.c: that of the cluster's server --- */

struct environment {
	char *path;
	struct stat st;
	char *text;
	char *own; /* the text without our block */
	char *block; /* or NULL */
};

void environment_read(struct environment *e, const struct cluster *c);

/* A variable as a text of the file sets it, or NULL. */
char *environment_value(const struct environment *e, const struct cluster *c,
			const char *text, int variable);

/* What the file, with this text, has the library do. */
struct preload environment_settings(const struct environment *e,
				    const struct cluster *c, const char *text);

/* The file with another block, or with none for NULL; the caller frees it. */
char *environment_with(const struct environment *e, const char *block);
char *environment_block(const struct preload *p);

void environment_replace(const struct environment *e, const struct cluster *c,
			 const char *text);

/* --- server.c: shptctl postgres status --- */

void print_server(const struct cluster *c, const struct environment *e,
		  bool json, bool bytes);

/* Below a directory that stands for "/", where paths are absolute. */
static inline const char *below_root(const char *path)
{
	return path + strspn(path, "/");
}

#endif /* SHPTCTL_H */
