// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * show.c - shptctl show: one region, its hosts and its guests
 *
 * Which processes map it is in /proc/PID/maps. Which chunks they have linked the
 * module tells the process itself only; but their own tables are empty, so
 * where a guest has a page mapped the chunk is linked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "causes.h"
#include "columns.h"
#include "hosts.h"
#include "processes.h"
#include "shptctl.h"

static const char help[] =
"Usage: shptctl show [OPTION...] REGION|FILE\n"
"\n"
"Show a region: what it is, its hosts, which own the shared page tables, and its\n"
"guests, the processes that map it. REGION is the name of a registered region or\n"
"the number of any; all else is the path of a file.\n"
"\n"
PRINT_HELP
"      --sysroot DIR    read DIR/sys and DIR/proc in place of /sys and /proc\n"
"  -h, --help           print this text\n"
"  -V, --version        print the version\n"
"\n"
"With -n or -o only the table of guests is printed.\n";

#define HOST(name, member) name, offsetof(struct host, member)
static const struct column host_columns[] = {
	{ "HOST", HOST("access", access), COLUMN_TEXT, true, "" },
	{ "NODE", HOST("node", node), COLUMN_NUMBER, true, "" },
	{ "TABLES", HOST("table_bytes", table_bytes), COLUMN_BYTES, true, "" },
	{ 0 }
};

struct guest_row {
	int64_t pid;
	char *command;
	const char *access;
	int64_t chunks;
	int64_t links; /* COLUMN_UNKNOWN if that is not to be seen */
	int64_t table_bytes;
};

#define GUEST(name) #name, offsetof(struct guest_row, name)
static const struct column guest_columns[] = {
	{ "PID", GUEST(pid), COLUMN_NUMBER, true, "the process" },
	{ "COMMAND", GUEST(command), COLUMN_TEXT, true, "its program" },
	{ "ACCESS", GUEST(access), COLUMN_TEXT, true,
	  "write, or read where it may not write" },
	{ "CHUNKS", GUEST(chunks), COLUMN_NUMBER, true,
	  "chunks (1 GiB) that it maps" },
	{ "LINKS", GUEST(links), COLUMN_NUMBER, true,
	  "those that are linked now" },
	{ "TABLES", GUEST(table_bytes), COLUMN_BYTES, false,
	  "all page tables of the process's own" },
	{ 0 }
};

struct view {
	int root;
	struct libshpt_region region;
	char *dir; /* below /sys */
	struct host *hosts;
	size_t n_hosts;
	struct guest_row *guests;
	size_t n_guests;
	size_t unreadable;
	struct cause *causes;
	size_t n_causes;
};

static void print_help(void)
{
	fputs(help, stdout);
	print_columns_help(guest_columns);
	puts("\nExit status: 0 shown; 1 an error, as when there is no such "
	     "region; 2 wrong usage.\n\nSee shptctl-show(8).");
}

/* ---- what there is --------------------------------------------------------- */

static bool is_guest_mapping(const struct view *v,
			     const struct process_mapping *m)
{
	return m->inode == v->region.id && is_guest(m);
}

static void look_at_process(struct view *v, const struct process *p)
{
	struct guest_row guest = { .pid = p->pid, .access = "read" };
	int pagemap = -1;

	for (size_t i = 0; i < p->n; i++) {
		const struct process_mapping *m = &p->mappings[i];

		if (!is_guest_mapping(v, m))
			continue;
		if (!guest.chunks)
			pagemap = pagemap_open(v->root, p->pid);
		guest.chunks += (int64_t)((m->end - m->start) / CHUNK_BYTES);
		if (m->writable)
			guest.access = "write";
		if (pagemap >= 0)
			guest.links += pagemap_links(pagemap, m);
	}
	if (!guest.chunks)
		return;
	if (pagemap < 0)
		guest.links = COLUMN_UNKNOWN;
	else
		close(pagemap);
	guest.command = process_command(v->root, p->pid);
	guest.table_bytes = process_tables(v->root, p->pid);
	v->guests = reallocarray(v->guests, v->n_guests + 1, sizeof(guest));
	if (!v->guests)
		die(EXIT_FAILURE, "no memory for another guest");
	v->guests[v->n_guests++] = guest;
}

static void read_guests(struct view *v)
{
	pid_t *pids;
	size_t n = pids_read(v->root, &pids);

	for (size_t i = 0; i < n; i++) {
		struct process p;

		if (process_read(v->root, pids[i], &p))
			look_at_process(v, &p);
		else
			v->unreadable++;
		process_free(&p);
	}
	free(pids);
}

/* A file is found by its path only: to open its region would be to make one. */
static void find_region(struct view *v, const char *what)
{
	const struct libshpt_region *found;
	struct libshpt_region *regions;
	size_t n;

	if (!shpt_is_loaded(v->root))
		die(EXIT_FAILURE,
		    "the module is not loaded; run: modprobe shpt");
	n = regions_read(v->root, &regions);
	found = region_find(regions, n, what);
	if (!found)
		die(EXIT_FAILURE, "there is no region '%s'; see shptctl list",
		    what);
	v->region = *found;
	free(regions);
	v->dir = print("sys/class/misc/shpt/region/%" PRIu64, v->region.id);
}

/* ---- as text --------------------------------------------------------------- */

static void print_fact(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void print_fact(const char *name, const char *format, ...)
{
	va_list args;
	char *value;

	va_start(args, format);
	value = vprint(format, args);
	va_end(args);
	say("%-12s%s", name, value);
	free(value);
}

static void print_bytes(const struct print_options *p, const char *name,
			int64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, bytes);
	if (!p->bytes)
		format_bytes(text, sizeof(text), bytes);
	print_fact(name, "%s", text);
}

/* "3: 2 exit, 1 unmap" */
static void print_unlinks(const struct view *v)
{
	const char *before = ": ";

	printf("%-12s%" PRIu64, "unlinks", v->region.unlinks);
	for (size_t i = 0; i < v->n_causes; i++) {
		if (!v->causes[i].unlinks)
			continue;
		printf("%s%" PRId64 " %s", before, v->causes[i].unlinks,
		       v->causes[i].name);
		before = ", ";
	}
	putchar('\n');
}

static char *node_policy(const struct libshpt_region *r)
{
	switch (r->node_policy) {
	case LIBSHPT_NODE_ONE:
		return print("one");
	case LIBSHPT_NODE_LOCAL:
		return print("local");
	case LIBSHPT_NODE_FIXED:
		return print("%u", r->node);
	default:
		return NULL;
	}
}

static const char *reclaim_mode(const struct libshpt_region *r)
{
	switch (r->reclaim_mode) {
	case LIBSHPT_RECLAIM_NEVER:
		return "never";
	case LIBSHPT_RECLAIM_ADVISE:
		return "advise";
	case LIBSHPT_RECLAIM_ALWAYS:
		return "always";
	default:
		return NULL;
	}
}

static void print_region(const struct view *v, const struct print_options *p)
{
	const struct libshpt_region *r = &v->region;
	char *node = node_policy(r);

	print_fact("region", "%" PRIu64, r->id);
	if (r->registered)
		print_fact("registered", "%s, uid %u, gid %u, mode %04o",
			   *r->name ? r->name : "without a name", r->uid,
			   r->gid, r->mode);
	else
		print_fact("registered", "no");
	print_fact("backing", "%s", *r->backing ? r->backing : "-");
	print_bytes(p, "size", (int64_t)r->backing_bytes);
	print_fact("node", "%s", node ?: "-");
	print_fact("reclaim", "%s", reclaim_mode(r) ?: "-");
	print_fact("locked", "%s", r->locked ? "yes" : "no");
	print_bytes(p, "tables", (int64_t)r->table_bytes);
	print_bytes(p, "parked", (int64_t)r->parked_bytes);
	print_bytes(p, "saved", r->saved_bytes);
	print_bytes(p, "reclaimed", (int64_t)r->reclaimed);
	print_fact("misplaced", "%" PRIu64, r->misplaced);
	print_fact("faults", "%" PRIu64, r->faults_served);
	print_fact("flushes", "%" PRIu64, r->flushes);
	print_unlinks(v);
	free(node);
}

static void print_text(const struct view *v, const struct print_options *p,
		       bool guests_only)
{
	struct print_options as_host = { .bytes = p->bytes, .raw = p->raw };

	if (!guests_only) {
		print_region(v, p);
		choose_columns(&as_host, host_columns);
		putchar('\n');
	}
	if (!guests_only && v->n_hosts) {
		print_rows(&as_host, v->hosts, v->n_hosts, sizeof(*v->hosts));
		putchar('\n');
	}
	if (v->n_guests)
		print_rows(p, v->guests, v->n_guests, sizeof(*v->guests));
	else
		fputs("shptctl show: no guests\n", stderr);
	say_unreadable(v->unreadable);
}

/* ---- as JSON --------------------------------------------------------------- */

static json_t *json_region(const struct libshpt_region *r)
{
	char *node = node_policy(r);
	char mode[8];
	json_t *object = json_pack(
		"{sI sI sI sI sI sI sI sI sI sI sI sI sb so ss? so}", "id",
		(json_int_t)r->id, "backing_bytes",
		(json_int_t)r->backing_bytes, "guests", (json_int_t)r->guests,
		"links", (json_int_t)r->links, "table_bytes",
		(json_int_t)r->table_bytes, "parked_bytes",
		(json_int_t)r->parked_bytes, "saved_bytes",
		(json_int_t)r->saved_bytes, "faults_served",
		(json_int_t)r->faults_served, "flushes",
		(json_int_t)r->flushes, "unlinks", (json_int_t)r->unlinks,
		"misplaced", (json_int_t)r->misplaced, "reclaimed",
		(json_int_t)r->reclaimed, "locked", r->locked != 0, "node",
		json_text_or_null(node), "reclaim_mode", reclaim_mode(r),
		"backing", json_text_or_null(*r->backing ? r->backing : NULL));

	snprintf(mode, sizeof(mode), "%04o", r->mode);
	json_object_update_new(
		object,
		r->registered ?
			json_pack("{so sI sI ss}", "name",
				  json_text_or_null(r->name), "uid",
				  (json_int_t)r->uid, "gid", (json_int_t)r->gid,
				  "mode", mode) :
			json_pack("{sn sn sn sn}", "name", "uid", "gid",
				  "mode"));
	free(node);
	return object;
}

static void print_json(const struct view *v, const struct print_options *p)
{
	struct print_options as_host = { .json = true };
	json_t *causes = json_object();

	choose_columns(&as_host, host_columns);
	for (size_t i = 0; i < v->n_causes; i++)
		json_object_set_new(causes, v->causes[i].name,
				    json_integer(v->causes[i].unlinks));
	print_json_document(json_pack(
		"{si so so so so sI}", "schema", 1, "region",
		json_region(&v->region), "unlinks_by", causes, "hosts",
		json_rows(&as_host, v->hosts, v->n_hosts, sizeof(*v->hosts)),
		"guests",
		json_rows(p, v->guests, v->n_guests, sizeof(*v->guests)),
		"unreadable_processes", (json_int_t)v->unreadable));
}

static void free_view(struct view *v)
{
	for (size_t i = 0; i < v->n_guests; i++)
		free(v->guests[i].command);
	free(v->guests);
	hosts_free(v->hosts, v->n_hosts);
	causes_free(v->causes, v->n_causes);
	free(v->dir);
	close(v->root);
}

int show(int argc, char **argv)
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
	struct view v = { 0 };
	bool guests_only;
	int c;

	while ((c = getopt_long(argc, argv, PRINT_LETTERS "hV", options,
				NULL)) != -1) {
		if (print_option(&print_as, c, optarg, guest_columns))
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
			die(EXIT_USAGE, "see shptctl show --help");
		}
	}
	if (optind != argc - 1)
		die(EXIT_USAGE, "one region is needed: its name, number or "
				"file; see shptctl show --help");
	guests_only = print_as.noheadings || print_as.columns[0];
	choose_columns(&print_as, guest_columns);

	v.root = sysroot_open(root);
	find_region(&v, argv[optind]);
	v.n_causes = causes_read(v.root, v.dir, &v.causes);
	v.n_hosts = hosts_read(v.root, v.dir, &v.hosts);
	read_guests(&v);
	if (print_as.json)
		print_json(&v, &print_as);
	else
		print_text(&v, &print_as, guests_only);
	free_view(&v);
	return EXIT_SUCCESS;
}
