// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain.c - shptctl explain: can this machine, this process, this file share,
 * and if not, what to do
 *
 * Each check looks at one thing that sharing stands on and says what it found.
 * Where that stands in the way, it says what mends it: a command, or where no
 * command can, a sentence.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "explain.h"
#include "shptctl.h"

static const char help[] =
"Usage: shptctl explain [OPTION...] [PID|FILE]\n"
"\n"
"Tell whether processes of this user can share page tables on this machine, or\n"
"the process PID, or those that map FILE: what was checked, what was found, and\n"
"for each thing that stands in the way the command that mends it. Of a process\n"
"its shared mappings are shown, of a directory the regions that keep its file\n"
"system from being unmounted.\n"
"\n"
PRINT_HELP
"      --sysroot DIR    look at the files below DIR in place of /\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"With -n or -o only the table of checks is printed.\n";

#define FINDING(member) offsetof(struct finding, member)
static const struct column finding_columns[] = {
	{ "CHECK", "check", FINDING(check), COLUMN_TEXT, true,
	  "what was checked" },
	{ "STATE", "state", FINDING(word), COLUMN_STATE, true,
	  "ok; no; note, not in the way, but worth knowing; unknown" },
	{ "FOUND", "found", FINDING(detail), COLUMN_SENTENCE, true,
	  "what was found" },
	{ "MEND", "mend", FINDING(mend), COLUMN_SENTENCE, false,
	  "the command or sentence that mends it" },
	{ 0 }
};

#define MAPPING(member) offsetof(struct shared_mapping, member)
static const struct column mapping_columns[] = {
	{ "ADDRESS", "address", MAPPING(address), COLUMN_TEXT, true, "" },
	{ "SIZE", "bytes", MAPPING(bytes), COLUMN_BYTES, true, "" },
	{ "SHARED", "state", MAPPING(state), COLUMN_TEXT, true, "" },
	{ "REGION", "region", MAPPING(region), COLUMN_NUMBER, false, "" },
	{ "CHUNKS", "chunks", MAPPING(chunks), COLUMN_NUMBER, false, "" },
	{ "LINKS", "links", MAPPING(links), COLUMN_NUMBER, false, "" },
	{ "FOUND", "found", MAPPING(detail), COLUMN_SENTENCE, true, "" },
	{ "BACKING", "backing", MAPPING(backing), COLUMN_TEXT, true, "" },
	{ 0 }
};

#define HOLDER(member) offsetof(struct holder, member)
static const struct column holder_columns[] = {
	{ "REGION", "id", HOLDER(id), COLUMN_NUMBER, true, "" },
	{ "NAME", "name", HOLDER(name), COLUMN_TEXT, true, "" },
	{ "GUESTS", "guests", HOLDER(guests), COLUMN_NUMBER, true, "" },
	{ "PROCESSES", "processes", HOLDER(processes), COLUMN_SENTENCE, true,
	  "" },
	{ "BACKING", "backing", HOLDER(backing), COLUMN_TEXT, true, "" },
	{ 0 }
};

static void print_help(void)
{
	fputs(help, stdout);
	print_columns_help(finding_columns);
	puts("\n\"unknown\" is what cannot be told, or not before another check "
	     "is mended.\n\nExit status: 0 it can share; 1 it cannot, or an "
	     "error; 2 wrong usage.\n\nSee shptctl-explain(8).");
}

static char *text(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		die(EXIT_FAILURE, "no memory");
	return s;
}

void found(struct report *r, const char *check, enum state state,
	   const char *format, ...)
{
	static const char *const words[] = { "ok", "note", "no", "unknown" };
	struct finding *f;
	va_list args;

	r->findings = reallocarray(r->findings, r->n + 1, sizeof(*f));
	if (!r->findings)
		die(EXIT_FAILURE, "no memory for another finding");
	f = &r->findings[r->n++];
	f->check = check;
	f->state = state;
	f->word = words[state];
	f->mend = NULL;
	va_start(args, format);
	f->detail = text(format, args);
	va_end(args);
}

void mend(struct report *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	r->findings[r->n - 1].mend = text(format, args);
	va_end(args);
}

static void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->findings[i].detail);
		free(r->findings[i].mend);
	}
	for (size_t i = 0; i < r->n_mappings; i++) {
		free(r->mappings[i].address);
		free(r->mappings[i].detail);
		free(r->mappings[i].backing);
	}
	for (size_t i = 0; i < r->n_holders; i++) {
		free(r->holders[i].name);
		free(r->holders[i].processes);
		free(r->holders[i].backing);
	}
	free(r->findings);
	free(r->mappings);
	free(r->holders);
}

static bool can_share(const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->findings[i].state == NO)
			return false;
	return true;
}

/* ---- printing ------------------------------------------------------------ */

static void print_table(const struct print_options *p,
			const struct column *columns, const void *rows,
			size_t n, size_t size)
{
	struct print_options as = { .bytes = p->bytes, .raw = p->raw };

	choose_columns(&as, columns);
	print_rows(&as, rows, n, size);
}

static void print_mends(const struct report *r, enum state state)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->findings[i].mend && r->findings[i].state == state)
			say("  %s: %s", r->findings[i].check,
			    r->findings[i].mend);
}

static bool has_notes(const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->findings[i].mend && r->findings[i].state == NOTE)
			return true;
	return false;
}

/* All but the checks; what: such as "This machine" */
static void print_rest(const struct report *r, const struct print_options *p,
		       const char *what)
{
	if (r->n_mappings) {
		putchar('\n');
		print_table(p, mapping_columns, r->mappings, r->n_mappings,
			    sizeof(*r->mappings));
	}
	if (r->n_small)
		printf("%sLeft out: %zu shared mapping%s below 2 MiB.\n",
		       r->n_mappings ? "" : "\n", r->n_small,
		       r->n_small == 1 ? "" : "s");
	if (r->n_holders) {
		putchar('\n');
		print_table(p, holder_columns, r->holders, r->n_holders,
			    sizeof(*r->holders));
	}
	putchar('\n');
	if (can_share(r)) {
		say("%s can share page tables.", what);
	} else {
		say("%s cannot share page tables yet. As root, in this order:",
		    what);
		print_mends(r, NO);
	}
	if (has_notes(r)) {
		puts("Not in the way of sharing:");
		print_mends(r, NOTE);
	}
}

static void print_text(const struct report *r, const struct print_options *p,
		       const char *what, bool checks_only)
{
	print_rows(p, r->findings, r->n, sizeof(*r->findings));
	if (!checks_only)
		print_rest(r, p, what);
	say_unreadable(r->unreadable);
}

static json_t *json_table(const struct column *columns, const void *rows,
			  size_t n, size_t size)
{
	struct print_options as = { .json = true };

	choose_columns(&as, columns);
	return json_rows(&as, rows, n, size);
}

static void print_json(const struct report *r, const struct print_options *p,
		       pid_t pid, const char *file)
{
	json_t *root = json_pack(
		"{si sb so}", "schema", 1, "can_share", can_share(r), "checks",
		json_rows(p, r->findings, r->n, sizeof(*r->findings)));

	if (pid)
		json_object_update_new(
			root,
			json_pack("{si so sI}", "pid", pid, "mappings",
				  json_table(mapping_columns, r->mappings,
					     r->n_mappings,
					     sizeof(*r->mappings)),
				  "small_mappings", (json_int_t)r->n_small));
	if (file)
		json_object_update_new(
			root,
			json_pack("{so so sI}", "file", json_sentence(file),
				  "regions",
				  json_table(holder_columns, r->holders,
					     r->n_holders, sizeof(*r->holders)),
				  "unreadable_processes",
				  (json_int_t)r->unreadable));
	print_json_document(root);
}

/* ---- the verb ------------------------------------------------------------ */

/* All digits are a process; a file of such a name is "./812". */
static pid_t parse_pid(const char *what)
{
	char *end;
	long pid;

	if (!isdigit((unsigned char)*what))
		return 0;
	pid = strtol(what, &end, 10);
	return *end || pid <= 0 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

/* What it is asked of: nothing for the machine itself. */
static int run(const char *root, const char *what, struct print_options *p)
{
	bool checks_only = p->noheadings || p->columns[0];
	pid_t pid = what ? parse_pid(what) : 0;
	const char *file = pid ? NULL : what;
	struct report r = { 0 };
	struct machine m;
	char *title;
	int status;

	machine_open(&m, root);
	check_machine(&r, &m);
	if (pid)
		check_process(&r, &m, pid);
	else
		check_device(&r, &m);
	if (file)
		check_file(&r, &m, file);

	title = pid  ? print("Process %d", pid) :
		file ? print("%s%s", r.is_directory ? "Files in " : "", file) :
		       print("This machine");
	choose_columns(p, finding_columns);
	if (p->json)
		print_json(&r, p, pid, file);
	else
		print_text(&r, p, title, checks_only);
	status = can_share(&r) ? EXIT_SUCCESS : EXIT_FAILURE;
	free(title);
	report_free(&r);
	machine_close(&m);
	return status;
}

int explain(int argc, char **argv)
{
	enum { SYSROOT = 256 };
	static const struct option options[] = {
		PRINT_OPTIONS,
		{ "sysroot", required_argument, NULL, SYSROOT },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct print_options print_as = { 0 };
	const char *root = "/";
	int c;

	while ((c = getopt_long(argc, argv, PRINT_LETTERS "hV", options,
				NULL)) != -1) {
		if (print_option(&print_as, c, optarg, finding_columns))
			continue;
		switch (c) {
		case SYSROOT:
			root = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			die(EXIT_USAGE, "see shptctl explain --help");
		}
	}
	if (optind + 1 < argc)
		die(EXIT_USAGE,
		    "unexpected argument '%s'; see shptctl explain --help",
		    argv[optind + 1]);
	return run(root, argv[optind], &print_as);
}
