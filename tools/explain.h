/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.h - what the files of shptctl explain know of each other */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "processes.h"

enum state {
	OK,
	NOTE, /* shares, and could better */
	NO,
	UNKNOWN, /* not to be told, or not before another check is mended */
};

struct finding {
	const char *check;
	enum state state;
	const char *word; /* for the state */
	char *detail;
	char *mend; /* a command or a sentence, or NULL */
};

/* A shared mapping of a process. */
struct shared_mapping {
	char *address;
	int64_t bytes;
	const char *state; /* shared, could or no */
	int64_t region; /* or COLUMN_UNKNOWN, as the next two */
	int64_t chunks;
	int64_t links;
	char *detail;
	char *backing;
};

/* A region with its file on a mount, which it keeps busy. */
struct holder {
	int64_t id;
	char *name; /* NULL: it is not registered; "": without a name */
	int64_t guests;
	char *processes; /* "812 postgres, 813 postgres" */
	char *backing;
};

struct report {
	struct finding *findings;
	size_t n;
	struct shared_mapping *mappings;
	size_t n_mappings;
	struct holder *holders;
	size_t n_holders;
	bool is_directory; /* that is asked about */
	size_t n_small; /* mappings that are left out */
	size_t unreadable; /* processes */
};

struct machine {
	int root;
	bool here; /* it is this one, and not a copy of its files */
	char *release; /* of the kernel */
	bool is_served;
	char *processor;
	bool loaded;
	char *container; /* what kind of one this is, or NULL */
};

/* --- explain.c --- */

/* Adds a finding; and what mends the one that was added last. */
void found(struct report *r, const char *check, enum state state,
	   const char *format, ...) __attribute__((format(printf, 4, 5)));
void mend(struct report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- explain_machine.c --- */

void machine_open(struct machine *m, const char *root);
void machine_close(struct machine *m);

/* Whether the module is written for such a kernel. */
bool is_served(const char *release);

/* All that sharing stands on but the device, which not everyone may open. */
void check_machine(struct report *r, const struct machine *m);
void check_device(struct report *r, const struct machine *m);

/* --- explain_module.c --- */

void check_module(struct report *r, const struct machine *m);

/* --- explain_limits.c --- */

void check_regions(struct report *r, const struct machine *m);

/* --- explain_process.c --- */

/* The process that it is about. */
struct subject {
	const struct machine *m;
	struct process p;
	char *command;
	uid_t uid; /* with which it opens files */
	gid_t gid;
	char *user;
};

void check_process(struct report *r, const struct machine *m, pid_t pid);

/* Where a link in its directory of /proc leads, to be freed; or NULL. */
char *subject_link(const struct subject *s, const char *name);

/* Whether it maps a region. */
bool is_sharing(const struct subject *s);

/* --- explain_mmu.c --- */

void check_mmu(struct report *r, const struct subject *s);

/* --- explain_library.c --- */

void check_library(struct report *r, const struct subject *s);
void check_settings(struct report *r, const struct subject *s);

/* --- explain_mappings.c --- */

/* What it shares, and which other shared mappings it has and why. */
void check_mappings(struct report *r, const struct machine *m,
		    const struct process *p);

/* --- explain_file.c --- */

void check_file(struct report *r, const struct machine *m, const char *path);

/* --- explain_mount.c --- */

/* Which regions have their files on the mount that a directory is on. */
void check_mount(struct report *r, const struct machine *m, const char *path);

/* --- dkms.c --- */

/* Calls back with each name in a directory, but hidden ones. */
void for_each_name(int root, const char *path,
		   void (*look)(void *arg, const char *name), void *arg);

struct dkms {
	char *version; /* of shpt that it has, or NULL */
	char *others; /* kernels that it has been built for, or NULL */
	char *error; /* why it could not be built for this one, or NULL */
	bool built; /* for this one, but not installed */
};

void dkms_read(struct dkms *d, const struct machine *m);
void dkms_free(struct dkms *d);

/* --- signature.c --- */

/* Why the kernel takes signed modules only, or NULL. */
const char *signatures_wanted(int root);

enum signature { SIGNATURE_NONE, SIGNATURE_THERE, SIGNATURE_UNKNOWN };
enum signature module_signature(int root, const char *path);

/* The certificate of the key with which DKMS signs, or NULL. */
const char *signing_certificate(int root);
bool is_enrolled(int root, const char *certificate);

/* --- container.c --- */

/* Of the container whose / this is, such as "docker"; NULL if it seems none. */
char *container_kind(int root);

/* How to start it so that it has the device. */
char *container_grant(const char *kind);

#endif /* EXPLAIN_H */
