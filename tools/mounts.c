// SPDX-License-Identifier: GPL-2.0-or-later
/* mounts.c - find a file system in a mountinfo, see proc(5) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mounts.h"
#include "shptctl.h"

/* What would break the line, such as a blank, is there as "\040". */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++, to++) {
		unsigned int byte;
		int n = 0;

		*to = *from;
		if (sscanf(from, "\\%3o%n", &byte, &n) == 1 && n == 4) {
			*to = (char)byte;
			from += n - 1;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw" */
static bool parse_mount(const char *line, struct mount *m)
{
	const char *type = strstr(line, " - ");

	memset(m, 0, sizeof(*m));
	if (!type ||
	    sscanf(line, "%lu %*s %u:%u %*s %ms %ms", &m->id, &m->major,
		   &m->minor, &m->point, &m->options) != 5 ||
	    sscanf(type, " - %ms %ms %ms", &m->type, &m->source,
		   &m->fs_options) != 3)
		return false;
	unescape(m->point);
	unescape(m->source);
	return true;
}

void mount_free(struct mount *m)
{
	free(m->point);
	free(m->options);
	free(m->type);
	free(m->source);
	free(m->fs_options);
	memset(m, 0, sizeof(*m));
}

static FILE *open_mounts(int root, const char *mounts)
{
	int fd = openat(root, mounts, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static bool next_mount(FILE *f, char **line, size_t *size, struct mount *m)
{
	while (getline(line, size, f) > 0) {
		if (parse_mount(*line, m))
			return true;
		mount_free(m);
	}
	return false;
}

static bool is_below(const char *path, const char *point)
{
	size_t length = strlen(point);

	if (length && point[length - 1] == '/')
		length--;
	return !strncmp(path, point, length) &&
	       (path[length] == '/' || !path[length]);
}

/* Of mounts on one another the last is what is seen. */
bool mount_of_path(int root, const char *mounts, const char *path,
		   struct mount *m)
{
	FILE *f = open_mounts(root, mounts);
	struct mount next;
	size_t size = 0, longest = 0;
	char *line = NULL;

	memset(m, 0, sizeof(*m));
	if (!f)
		return false;
	while (next_mount(f, &line, &size, &next)) {
		if (is_below(path, next.point) &&
		    strlen(next.point) >= longest) {
			longest = strlen(next.point);
			mount_free(m);
			*m = next;
		} else {
			mount_free(&next);
		}
	}
	free(line);
	fclose(f);
	return m->point;
}

bool mount_of_device(int root, const char *mounts, unsigned int major,
		     unsigned int minor, struct mount *m)
{
	FILE *f = open_mounts(root, mounts);
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	memset(m, 0, sizeof(*m));
	if (!f)
		return false;
	while (!found && next_mount(f, &line, &size, m)) {
		found = m->major == major && m->minor == minor;
		if (!found)
			mount_free(m);
	}
	free(line);
	fclose(f);
	return found;
}

bool has_option(const char *options, const char *option)
{
	size_t length = strlen(option);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, option, length) &&
		    (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}
