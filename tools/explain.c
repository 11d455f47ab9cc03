// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain.c - shptctl explain: can this machine share, and if not, what to do
 *
 * Each check looks at one thing that sharing stands on and says what it found.
 * Where that stands in the way, it says what mends it: a command, or where no
 * command can, a sentence.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shptctl.h"

static const char help[] =
"Usage: shptctl explain [OPTION...]\n"
"\n"
"Tell whether processes of this user can share page tables on this machine:\n"
"what was checked, what was found, and for each thing that stands in the way\n"
"the command that mends it.\n"
"\n"
"  -J, --json           print JSON\n"
"  -n, --noheadings     print no headings\n"
"      --sysroot DIR    look at the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"A check that cannot be made before another one is mended has the state\n"
"\"unknown\".\n"
"\n"
"Exit status: 0 this machine can share; 1 it cannot, or an error; 2 wrong\n"
"usage.\n"
"\n"
"See shptctl-explain(8).\n";

struct machine {
	int root;
	char *release; /* of the kernel */
	char *processor;
	bool loaded;
};

enum state { OK, NO, UNKNOWN };
static const char *const states[] = { "ok", "no", "unknown" };

struct finding {
	enum state state;
	char *detail;
	char *mend; /* a command or a sentence, or NULL */
};

static char *text(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		die(EXIT_FAILURE, "no memory");
	return s;
}

static char *must_read(int root, const char *path)
{
	char *line = fact_line(root, "%s", path);

	if (!line)
		die(EXIT_FAILURE, "cannot read /%s: %s", path, strerror(errno));
	return line;
}

/* Each check calls found() once and, if that was NO, mend(). */
static void __attribute__((format(printf, 3, 4)))
found(struct finding *f, enum state state, const char *format, ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	f->detail = text(format, args);
	va_end(args);
}

static void __attribute__((format(printf, 2, 3)))
mend(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	f->mend = text(format, args);
	va_end(args);
}

static bool exists(const struct machine *m, const char *path)
{
	return faccessat(m->root, path, F_OK, 0) == 0;
}

static bool line_is(const struct machine *m, const char *path, const char *what)
{
	char *line = fact_line(m->root, "%s", path);
	bool is = line && !strcmp(line, what);

	free(line);
	return is;
}

/* Whether some line of a file contains what. */
static bool contains(const struct machine *m, const char *path,
		     const char *what)
{
	char *line = fact_line_with(m->root, path, what);
	bool does = line;

	free(line);
	return does;
}

static void check_processor(const struct machine *m, struct finding *f)
{
	if (strcmp(m->processor, "x86_64") != 0) {
		found(f, NO, "%s", m->processor);
		mend(f, "shpt knows x86-64 only: use such a machine");
	} else if (line_is(m, "sys/hypervisor/guest_type", "PV")) {
		found(f, NO, "%s, a Xen PV guest", m->processor);
		mend(f, "PV guests have no page tables of their own: start "
			"this guest as HVM or PVH");
	} else {
		found(f, OK, "%s", m->processor);
	}
}

/* What the kernel must have been built with; the module says the rest. */
static void check_kernel(const struct machine *m, struct finding *f)
{
	static const char *const needed[] = {
		"CONFIG_FS_DAX",
		"CONFIG_KPROBES",
		"CONFIG_MMU_NOTIFIER",
		"CONFIG_TRANSPARENT_HUGEPAGE",
	};
	char config[256], option[64];

	snprintf(config, sizeof(config), "boot/config-%s", m->release);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		/* A loaded module has found all, a missing file says nothing. */
		if (m->loaded || !exists(m, config))
			break;
		snprintf(option, sizeof(option), "%s=y\n", needed[i]);
		if (!contains(m, config, option)) {
			found(f, NO, "%s, built without %s", m->release,
			      needed[i]);
			mend(f, "boot a kernel built with %s", needed[i]);
			return;
		}
	}
	found(f, OK, "%s", m->release);
}

static void check_module(const struct machine *m, struct finding *f)
{
	const char *release = m->release;
	char path[256];

	if (m->loaded) {
		found(f, OK, "loaded");
		return;
	}
	snprintf(path, sizeof(path), "lib/modules/%s/modules.dep", release);
	if (contains(m, path, "/shpt.ko")) {
		found(f, NO, "installed, not loaded%s",
		      line_is(m, "sys/module/module/parameters/sig_enforce",
			      "Y") ?
			      "; this kernel loads signed modules only" :
			      "");
		mend(f, LOAD_MODULE);
		return;
	}
	found(f, NO, "not installed for this kernel");
	snprintf(path, sizeof(path), "lib/modules/%s/build", release);
	mend(f,
	     "%s%s%smake module-install && " LOAD_MODULE
	     "  # in the sources of shpt, configured",
	     exists(m, path) ? "" : "apt-get install linux-headers-",
	     exists(m, path) ? "" : release, exists(m, path) ? "" : " && ");
}

/* Why it cannot be opened, or NULL. Root may open all and asks for others. */
static const char *why_closed(const struct machine *m, const struct stat *st)
{
	const mode_t all = S_IROTH | S_IWOTH;

	if (faccessat(m->root, "dev/shpt", R_OK | W_OK, AT_EACCESS))
		return strerror(errno);
	if (geteuid() || device_group(st) || (st->st_mode & all) == all)
		return NULL;
	return "only root may open it";
}

static void check_device(const struct machine *m, struct finding *f)
{
	const struct passwd *user = geteuid() ? getpwuid(geteuid()) : NULL;
	const struct group *group;
	const char *why;
	struct stat st;
	char *grant;

	if (!m->loaded) {
		found(f, UNKNOWN, "the module is not loaded");
		return;
	}
	if (fstatat(m->root, "dev/shpt", &st, 0)) {
		found(f, NO, "/dev/shpt: %s", strerror(errno));
		mend(f, "udevadm trigger --action=add /sys/class/misc/shpt");
		return;
	}
	why = why_closed(m, &st);
	if (!why) {
		found(f, OK, "/dev/shpt can be opened");
		return;
	}
	group = getgrgid(st.st_gid);
	found(f, NO, "/dev/shpt: %s; mode %04o, group %s", why,
	      st.st_mode & 07777, group ? group->gr_name : "?");
	grant = device_grant(m->root, &st, user ? user->pw_name : "USER");
	mend(f, "%s  # then log in anew", grant);
	free(grant);
}

static void check_helper(const struct machine *m, struct finding *f)
{
	char *line = fact_line(m->root, "sys/module/shpt/parameters/donor");
	const char *path = line ?: DONOR_PATH;
	struct stat st;

	if (fstatat(m->root, *path == '/' ? path + 1 : path, &st, 0)) {
		found(f, NO, "%s: %s", path, strerror(errno));
		if (!strcmp(path, DONOR_PATH))
			mend(f, "make install  # in the sources of shpt");
		else
			mend(f, "modprobe -r shpt; modprobe shpt "
				"donor=" DONOR_PATH);
	} else if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)) {
		found(f, NO, "%s is not executable", path);
		mend(f, "chmod 755 %s", path);
	} else if (st.st_uid || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		found(f, NO,
		      "%s can be written by others than root, who runs it",
		      path);
		mend(f, "chown root:root %s && chmod 755 %s", path, path);
	} else {
		found(f, OK, "%s", path);
	}
	free(line);
}

static void check_regions(const struct machine *m, struct finding *f)
{
	char *now = fact_line(m->root, "sys/class/misc/shpt/regions");
	char *max =
		fact_line(m->root, "sys/module/shpt/parameters/max_regions");

	if (!m->loaded) {
		found(f, UNKNOWN, "the module is not loaded");
	} else if (!now || !max) {
		found(f, NO, "the module does not tell how many there are");
		mend(f, "use the module and the shptctl of one version");
	} else if (strtoul(now, NULL, 10) >= strtoul(max, NULL, 10)) {
		found(f, NO, "%s of %s in use", now, max);
		mend(f, "echo %lu >/sys/module/shpt/parameters/max_regions",
		     strtoul(max, NULL, 10) * 2);
	} else {
		found(f, OK, "%s of %s in use", now, max);
	}
	free(now);
	free(max);
}

/* In the order in which they have to be mended. */
static const struct check {
	const char *name;
	void (*run)(const struct machine *m, struct finding *f);
} checks[] = {
	{ "processor", check_processor },
	{ "kernel", check_kernel },
	{ "helper", check_helper },
	{ "module", check_module },
	{ "device", check_device },
	{ "regions", check_regions },
};
#define CHECKS (sizeof(checks) / sizeof(*checks))

static void print_table(const struct finding findings[], bool can_share,
			bool headings)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		die(EXIT_FAILURE, "no memory for a table");
	scols_table_enable_noheadings(table, !headings);
	scols_table_new_column(table, "CHECK", 0, 0);
	scols_table_new_column(table, "STATE", 0, 0);
	scols_table_new_column(table, "FOUND", 0, 0);
	for (size_t i = 0; i < CHECKS; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			die(EXIT_FAILURE, "no memory for a table");
		scols_line_set_data(line, 0, checks[i].name);
		scols_line_set_data(line, 1, states[findings[i].state]);
		scols_line_set_data(line, 2, findings[i].detail);
	}
	scols_print_table(table);
	scols_unref_table(table);

	if (can_share) {
		puts("\nThis machine can share page tables.");
		return;
	}
	puts("\nThis machine cannot share page tables yet. As root, in this "
	     "order:");
	for (size_t i = 0; i < CHECKS; i++)
		if (findings[i].mend)
			printf("  %s: %s\n", checks[i].name, findings[i].mend);
}

static void print_json(const struct finding findings[], bool can_share)
{
	json_t *array = json_array();
	json_t *root = json_pack("{si sb so}", "schema", 1, "can_share",
				 can_share, "checks", array);

	for (size_t i = 0; i < CHECKS; i++)
		json_array_append_new(array,
				      json_pack("{ss ss ss ss?}", "check",
						checks[i].name, "state",
						states[findings[i].state],
						"found", findings[i].detail,
						"mend", findings[i].mend));
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int explain(int argc, char **argv)
{
	enum { SYSROOT = 256 };
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct finding findings[CHECKS] = { 0 };
	bool json = false, headings = true, can_share = true;
	const char *root = "/";
	struct machine m;
	int c;

	while ((c = getopt_long(argc, argv, "JnhV", options, NULL)) != -1) {
		switch (c) {
		case 'J':
			json = true;
			break;
		case 'n':
			headings = false;
			break;
		case SYSROOT:
			root = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl explain --help");
		}
	}
	if (optind < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl explain "
		    "--help",
		    argv[optind]);

	m.root = sysroot_open(root);
	m.loaded = shpt_is_loaded(m.root);
	m.release = must_read(m.root, "proc/sys/kernel/osrelease");
	m.processor = must_read(m.root, "proc/sys/kernel/arch");
	for (size_t i = 0; i < CHECKS; i++) {
		checks[i].run(&m, &findings[i]);
		can_share &= findings[i].state == OK;
	}
	if (json)
		print_json(findings, can_share);
	else
		print_table(findings, can_share, headings);
	for (size_t i = 0; i < CHECKS; i++) {
		free(findings[i].detail);
		free(findings[i].mend);
	}
	free(m.release);
	free(m.processor);
	close(m.root);
	return can_share ? EXIT_SUCCESS : EXIT_FAILURE;
}
