// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * server.c - shptctl postgres status: what a cluster's server shares
 *
 * The postmaster's environment and mappings tell: its children have both from
 * it. What the cluster's file says counts from the next start on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "processes.h"
#include "shptctl.h"

struct server {
	bool preloaded; /* the library is there */
	bool outdated; /* its environment is another than the file's */
	const char *backend; /* NULL if not preloaded */
	struct libshpt_region region; /* with id 0: none */
};

_Noreturn static void die_unreadable(const struct cluster *c, const char *file)
{
	die(EXIT_FAILURE,
	    "/proc/%d/%s: %s; run this as root, or as the cluster's owner",
	    c->postmaster, file, strerror(errno));
}

static FILE *open_maps(const struct cluster *c)
{
	char *path = print("proc/%d/maps", c->postmaster);
	int fd = openat(c->root, path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f)
		die_unreadable(c, "maps");
	free(path);
	return f;
}

/* A variable of the postmaster's, or NULL; the caller frees it. */
static char *variable(const struct cluster *c, const char *name)
{
	char *value = process_variable(c->root, c->postmaster, name);

	if (!value && errno)
		die_unreadable(c, "environ");
	return value;
}

static bool is_outdated(const struct cluster *c, const struct environment *e)
{
	bool same = true;

	for (size_t i = 0; i < PRELOAD_VARIABLES && same; i++) {
		const char *name = preload_variables[i];
		char *has = variable(c, name);
		char *gets = environment_value(e, c, e->text, (int)i);

		same = !strcmp(has ?: "", gets ?: "");
		free(has);
		free(gets);
	}
	return !same;
}

/* A region's line has the region's number for an inode. The largest counts. */
static void read_maps(const struct cluster *c, struct server *s, uint64_t *id)
{
	uintptr_t start, end, most = 0;
	FILE *f = open_maps(c);
	char *line = NULL;
	uint64_t inode;
	size_t size = 0;

	while (getline(&line, &size, f) > 0) {
		if (strstr(line, "/libshpt-preload.so"))
			s->preloaded = true;
		if (strstr(line, " shpt:") &&
		    sscanf(line, "%zx-%zx %*s %*s %*s %" SCNu64, &start, &end,
			   &inode) == 3 &&
		    end - start > most) {
			most = end - start;
			*id = inode;
			s->backend = "shpt";
		}
	}
	free(line);
	fclose(f);
}

static void find_region(const struct cluster *c, uint64_t id, struct server *s)
{
	struct libshpt_region *regions;
	size_t n = regions_read(c->root, &regions);

	for (size_t i = 0; i < n; i++)
		if (regions[i].id == id)
			s->region = regions[i];
	free(regions);
}

static void look_at_server(const struct cluster *c, const struct environment *e,
			   struct server *s)
{
	uint64_t id = 0;

	memset(s, 0, sizeof(*s));
	if (!c->postmaster)
		return;
	s->outdated = is_outdated(c, e);
	read_maps(c, s, &id);
	if (id)
		find_region(c, id, s);
	/* What thp and plain have made looks like any mapping. */
	if (s->preloaded && !s->backend)
		s->backend = "none";
}

static json_t *json_obstacles(const struct cluster *c, const struct preload *p)
{
	char *obstacles[OBSTACLES];
	size_t n = cluster_obstacles(c, p, obstacles);
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(array, json_string(obstacles[i]));
		free(obstacles[i]);
	}
	return array;
}

static void print_json(const struct cluster *c, const struct environment *e,
		       const struct server *s)
{
	struct preload p = environment_settings(e, c, e->text);
	const struct libshpt_region *r = &s->region;
	json_t *root = json_pack(
		"{si ss sb sb so sb sb ss?}", "schema", 1, "cluster", c->id,
		"configured", e->block != NULL, "running", c->postmaster != 0,
		"pid",
		c->postmaster ? json_integer(c->postmaster) : json_null(),
		"in_effect", s->preloaded, "restart_needed", s->outdated,
		"backend", s->backend);
	json_t *region = json_null();

	if (r->id)
		region = json_pack(
			"{sI sI sI sI sI sI}", "id", (json_int_t)r->id,
			"backing_bytes", (json_int_t)r->backing_bytes, "guests",
			(json_int_t)r->guests, "links", (json_int_t)r->links,
			"table_bytes", (json_int_t)r->table_bytes,
			"saved_bytes", (json_int_t)r->saved_bytes);
	json_object_set_new(root, "region", region);
	json_object_set_new(root, "obstacles", json_obstacles(c, &p));
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static void print_size(const char *name, int64_t number, bool bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	if (!bytes)
		format_bytes(text, sizeof(text), number);
	printf("%-12s%s\n", name, text);
}

static void print_region(const struct libshpt_region *r, bool bytes)
{
	printf("%-12s%" PRIu64 "\n", "region", r->id);
	print_size("size", (int64_t)r->backing_bytes, bytes);
	printf("%-12s%" PRIu64 "\n", "guests", r->guests);
	printf("%-12s%" PRIu64 "\n", "links", r->links);
	print_size("tables", (int64_t)r->table_bytes, bytes);
	print_size("saved", r->saved_bytes, bytes);
}

static void print_text(const struct cluster *c, const struct environment *e,
		       const struct server *s, bool bytes)
{
	struct preload p = environment_settings(e, c, e->text);
	char *restart = cluster_restart(c);

	printf("%-12s%s\n", "configured", e->block ? "yes" : "no");
	if (c->postmaster)
		printf("%-12syes, process %d\n", "running", c->postmaster);
	else
		printf("%-12sno\n", "running");
	printf("%-12s%s\n", "in effect", s->preloaded ? "yes" : "no");
	if (s->backend)
		printf("%-12s%s\n", "backend", s->backend);
	if (s->region.id)
		print_region(&s->region, bytes);
	if (!print_obstacles(c, &p) && s->backend &&
	    !strcmp(s->backend, "none"))
		puts("The server's log says what it has instead, or why.");
	if (s->outdated)
		say("What is configured takes effect with: %s", restart);
	free(restart);
}

void print_server(const struct cluster *c, const struct environment *e,
		  bool json, bool bytes)
{
	struct server s;

	look_at_server(c, e, &s);
	if (json)
		print_json(c, e, &s);
	else
		print_text(c, e, &s, bytes);
}
