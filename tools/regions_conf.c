// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * regions_conf.c - the file of the regions that are restored at boot
 *
 *	FILE  [OPTION=VALUE...]  # comment
 *
 * A line that is wrong is complained of and left out; the others count. See
 * shpt-regions.conf(5).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shpt/uapi.h>

#include "shptctl.h"

#define BLANKS " \t\r\n"

struct line {
	struct conf_region region;
	bool has_user;
	bool has_group;
};

static bool parse_name(struct line *l, const char *value)
{
	const char *name = value + (*value == '/');

	if (!*name || strlen(name) >= SHPT_NAME_BYTES) {
		complain("a name has 1 to %d bytes, not %zu",
			 SHPT_NAME_BYTES - 1, strlen(name));
		return false;
	}
	for (const char *c = name; *c; c++) {
		if (*c == '/' || iscntrl((unsigned char)*c)) {
			complain("name=%s: a slash is allowed only at the "
				 "beginning, a control character nowhere",
				 value);
			return false;
		}
	}
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		complain("name=%s: choose a name that is not . or ..", value);
		return false;
	}
	l->region.name = print("%s", name);
	return true;
}

static bool parse_mode(struct line *l, const char *value)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (!isdigit((unsigned char)*value) || *end || mode & ~0666UL) {
		complain("mode=%s: write an octal mode of reading and writing, "
			 "such as 0660",
			 value);
		return false;
	}
	l->region.mode = mode;
	return true;
}

/* Those that may be meant by an id without a name, too. */
static bool parse_id(const char *value, unsigned long *id)
{
	char *end;

	errno = 0;
	*id = strtoul(value, &end, 10);
	return isdigit((unsigned char)*value) && !*end && !errno &&
	       *id < UINT32_MAX;
}

static bool parse_user(struct line *l, const char *value)
{
	const struct passwd *user = getpwnam(value);
	unsigned long id;

	if (!user && parse_id(value, &id)) {
		l->region.uid = id;
		user = getpwuid(id);
	} else if (!user) {
		complain("user=%s: there is no such user; see getent passwd",
			 value);
		return false;
	}
	l->has_user = true;
	if (user)
		l->region.uid = user->pw_uid;
	if (user && !l->has_group)
		l->region.gid = user->pw_gid;
	return true;
}

static bool parse_group(struct line *l, const char *value)
{
	const struct group *group = getgrnam(value);
	unsigned long id;

	if (group) {
		l->region.gid = group->gr_gid;
	} else if (parse_id(value, &id)) {
		l->region.gid = id;
	} else {
		complain("group=%s: there is no such group; see getent group",
			 value);
		return false;
	}
	l->has_group = true;
	return true;
}

static bool parse_nodes(struct line *l, const char *value)
{
	l->region.has_node = parse_node(value, &l->region.node);
	if (!l->region.has_node)
		complain("node=%s: write " NODE_WORDS, value);
	return l->region.has_node;
}

static bool parse_reclaim(struct line *l, const char *value)
{
	static const char *const modes[] = {
		[SHPT_RECLAIM_NEVER] = "never",
		[SHPT_RECLAIM_ADVISE] = "advise",
		[SHPT_RECLAIM_ALWAYS] = "always",
	};

	for (int i = 0; i < (int)(sizeof(modes) / sizeof(*modes)); i++) {
		if (!strcmp(value, modes[i])) {
			l->region.reclaim = i;
			return true;
		}
	}
	complain("reclaim=%s: write never, advise or always", value);
	return false;
}

static const struct setting {
	const char *name;
	bool (*parse)(struct line *l, const char *value);
} settings[] = {
	{ "name", parse_name },	 { "mode", parse_mode },
	{ "user", parse_user },	 { "group", parse_group },
	{ "node", parse_nodes }, { "reclaim", parse_reclaim },
};
#define SETTINGS (sizeof(settings) / sizeof(*settings))

/* seen has a bit for each setting of the line so far. */
static bool parse_setting(struct line *l, char *word, unsigned int *seen)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < SETTINGS; i++) {
		if (!value || strcmp(word, settings[i].name) != 0)
			continue;
		if (*seen & 1U << i) {
			complain("%s= is there twice: take one of them out",
				 word);
			return false;
		}
		*seen |= 1U << i;
		return settings[i].parse(l, value);
	}
	complain("'%s' is no option: name=, mode=, user=, group=, node= or "
		 "reclaim=; a path with blanks needs double quotes",
		 word);
	return false;
}

/*
 * The next word of a line, with its quotes taken off in place; NULL at the end.
 * False if a quote is not closed.
 */
static bool next_word(char **rest, char **word)
{
	char *from = *rest + strspn(*rest, BLANKS), *to = from;
	bool quoted = false;

	*word = *from && *from != '#' ? from : NULL;
	if (!*word)
		return true;
	for (; *from && (quoted || !strchr(BLANKS, *from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*rest = from + !!*from;
	*to = '\0';
	if (quoted)
		complain("a quote is not closed: add another \" where it ends");
	return !quoted;
}

static bool parse_line(struct line *l, char *text)
{
	unsigned int seen = 0;
	char *word;

	if (!next_word(&text, &word))
		return false;
	if (!word)
		return true;
	if (*word != '/') {
		complain("'%s' is no path from the root on: write one that "
			 "begins with /",
			 word);
		return false;
	}
	l->region.path = print("%s", word);
	for (;;) {
		if (!next_word(&text, &word))
			return false;
		if (!word)
			break;
		if (!parse_setting(l, word, &seen))
			return false;
	}
	if (l->has_user && !l->has_group && !getpwuid(l->region.uid)) {
		complain("user=%u has no entry, so no group is known: add "
			 "group=",
			 l->region.uid);
		return false;
	}
	if (!l->region.name)
		l->region.name = print("%s", "");
	return true;
}

static bool is_new(const struct regions_conf *conf,
		   const struct conf_region *new)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct conf_region *r = &conf->regions[i];

		if (!strcmp(r->path, new->path)) {
			complain("%s is in line %lu already: take one of them "
				 "out",
				 new->path, r->line);
			return false;
		}
		if (*new->name && !strcmp(r->name, new->name)) {
			complain("line %lu has the name '%s' already: choose "
				 "another",
				 r->line, new->name);
			return false;
		}
	}
	return true;
}

static void free_region(struct conf_region *region)
{
	free(region->path);
	free(region->name);
}

static void read_line_of(struct regions_conf *conf, unsigned long number,
			 char *text, size_t length)
{
	struct line l = { .region = { .line = number,
				      .mode = 0600,
				      .reclaim = RECLAIM_UNSET } };
	char *place = print("%s:%lu", conf->path, number);
	bool right = strlen(text) == length;

	error_place = place;
	if (!right)
		complain("a zero byte, which no text has: take it out");
	right = right && parse_line(&l, text) &&
		(!l.region.path || is_new(conf, &l.region));
	error_place = NULL;
	free(place);
	conf->wrong += !right;
	if (!right || !l.region.path) {
		free_region(&l.region);
		return;
	}
	conf->regions = reallocarray(conf->regions, conf->n + 1,
				     sizeof(*conf->regions));
	if (!conf->regions)
		die(EXIT_FAILURE, "no memory for %zu regions", conf->n + 1);
	conf->regions[conf->n++] = l.region;
}

bool regions_conf_read(struct regions_conf *conf, int root)
{
	int fd = openat(root, below_root(conf->path), O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long number = 0;
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int err;

	if (!f)
		return false;
	while ((length = getline(&text, &size, f)) >= 0)
		read_line_of(conf, ++number, text, length);
	err = ferror(f) ? errno : 0;
	fclose(f);
	free(text);
	errno = err;
	return !err;
}

void regions_conf_free(struct regions_conf *conf)
{
	for (size_t i = 0; i < conf->n; i++)
		free_region(&conf->regions[i]);
	free(conf->regions);
}
