// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_process.c - can this process share: may it open the device, does
 * another MMU watch it, does it ask for shared page tables
 *
 * From /proc, so that it is told of any process. What it would be refused is not
 * tried, for only the process itself could.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

/* Where a link in its directory of /proc leads, or NULL. */
char *subject_link(const struct subject *s, const char *name)
{
	char *path = print("proc/%d/%s", s->p.pid, name);
	char target[PATH_MAX];
	ssize_t n = readlinkat(s->m->root, path, target, sizeof(target));

	free(path);
	return n < 0 ? NULL : print("%.*s", (int)n, target);
}

bool is_sharing(const struct subject *s)
{
	for (size_t i = 0; i < s->p.n; i++)
		if (is_guest(&s->p.mappings[i]))
			return true;
	return false;
}

/* ---- the device ---------------------------------------------------------- */

/* Among those that it got when it was started. */
static bool has_group(const struct subject *s, gid_t gid)
{
	char *groups = process_status(s->m->root, s->p.pid, "Groups:");
	char *at = groups, *end;
	bool has = s->gid == gid;

	while (at && !has) {
		unsigned long next = strtoul(at, &end, 10);

		if (end == at)
			break;
		has = next == gid;
		at = end;
	}
	free(groups);
	return has;
}

/* Root, and who has its capability, as long as it is this machine's root. */
static bool opens_all(const struct subject *s)
{
	char *caps = process_status(s->m->root, s->p.pid, "CapEff:");
	char *its = subject_link(s, "ns/user");
	char ours[64] = "";
	ssize_t n = readlinkat(s->m->root, "proc/self/ns/user", ours,
			       sizeof(ours) - 1);
	bool all = caps && strtoull(caps, NULL, 16) & 1ULL << CAP_DAC_OVERRIDE;

	if (its && n > 0 && strcmp(its, ours) != 0)
		all = false;
	free(its);
	free(caps);
	return all;
}

static bool may_open(const struct subject *s, const struct stat *st)
{
	const mode_t rw = S_IROTH | S_IWOTH;
	mode_t mode = st->st_mode;

	if (opens_all(s))
		return true;
	if (st->st_uid == s->uid)
		mode >>= 6;
	else if (has_group(s, st->st_gid))
		mode >>= 3;
	return (mode & rw) == rw;
}

/* Whether its user has the group by now. */
static bool is_member(const struct subject *s, gid_t gid)
{
	const struct passwd *user = getpwuid(s->uid);
	gid_t groups[NGROUPS_MAX];
	int n = NGROUPS_MAX;

	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static void check_permission(struct report *r, const struct subject *s,
			     const struct stat *st)
{
	const char *group = device_group(st);
	char *grant;

	if (may_open(s, st)) {
		found(r, "device", OK, "/dev/shpt: user %s may open it",
		      s->user);
	} else if (group && is_member(s, st->st_gid)) {
		found(r, "device", NO,
		      "/dev/shpt: it was started before user %s got the "
		      "group %s",
		      s->user, group);
		mend(r, "restart it, from a login or a service that is new, "
			"too");
	} else {
		found(r, "device", NO,
		      "/dev/shpt: user %s may not open it; mode %04o, group "
		      "%s",
		      s->user, st->st_mode & 07777, group ?: "?");
		grant = device_grant(s->m->root, st, s->user);
		mend(r, "%s  # then restart it, from a new login", grant);
		free(grant);
	}
}

/* Of a copy of /proc, a link is that of a process with the machine's own "/". */
static int open_root(const struct subject *s)
{
	char *link = subject_link(s, "root");
	char *path = print("proc/%d/root", s->p.pid);
	bool same = link && !s->m->here;
	int fd = openat(s->m->root, same ? "." : path,
			O_PATH | O_DIRECTORY | O_CLOEXEC);

	free(link);
	free(path);
	return fd;
}

/* The unit that has started it, such as "postgresql@15-main.service", or NULL. */
static char *unit_of(const struct subject *s)
{
	char *path = print("proc/%d/cgroup", s->p.pid);
	char *line = fact_line_with(s->m->root, path, ".service");
	char *end = line ? strstr(line, ".service") : NULL, *unit = NULL;
	char *start = end;

	while (start && start > line && start[-1] != '/')
		start--;
	if (end)
		unit = print("%.*s.service", (int)(end - start), start);
	free(line);
	free(path);
	return unit;
}

static void check_absent(struct report *r, const struct subject *s, int root)
{
	char *kind = container_kind(root), *link = subject_link(s, "root");
	char *unit = unit_of(s), *grant;

	if (kind) {
		found(r, "device", NO,
		      "/dev/shpt is not there for it: it is in a container "
		      "of %s",
		      kind);
		grant = container_grant(kind);
		mend(r, "%s", grant);
		free(grant);
	} else if (link && strcmp(link, "/") != 0) {
		found(r, "device", NO,
		      "/dev/shpt is not there for it: its / is %s", link);
		grant = quote(link);
		mend(r,
		     "touch %s/dev/shpt && mount --bind /dev/shpt %s/dev/shpt",
		     grant, grant);
		free(grant);
	} else {
		found(r, "device", NO,
		      "/dev/shpt is not there for it: it has a /dev of its "
		      "own");
		mend(r,
		     "systemctl edit %s, and in [Service] write "
		     "PrivateDevices=no; then restart it",
		     unit ?: "UNIT");
	}
	free(unit);
	free(link);
	free(kind);
}

static void check_its_device(struct report *r, const struct subject *s)
{
	int root = open_root(s);
	struct stat st;

	if (!s->m->loaded)
		found(r, "device", UNKNOWN, "the module is not loaded");
	else if (root < 0)
		found(r, "device", UNKNOWN, "its / cannot be seen: %s",
		      strerror(errno));
	else if (fstatat(root, "dev/shpt", &st, 0) == 0)
		check_permission(r, s, &st);
	else if (fstatat(s->m->root, "dev/shpt", &st, 0))
		check_device(r, s->m);
	else
		check_absent(r, s, root);
	if (root >= 0)
		close(root);
}

/* ---- the process --------------------------------------------------------- */

static void read_subject(struct subject *s, const struct machine *m, pid_t pid)
{
	char *path = print("proc/%d", pid), *uids, *gids;
	const struct passwd *user;

	s->m = m;
	if (faccessat(m->root, path, F_OK, 0))
		die(EXIT_FAILURE,
		    "there is no process %d; of a file with such a name: ./%d",
		    pid, pid);
	if (!process_read(m->root, pid, &s->p))
		die(EXIT_FAILURE,
		    "process %d is not to be looked at by this user: run this "
		    "as root",
		    pid);
	free(path);
	s->command = process_command(m->root, pid);
	uids = process_status(m->root, pid, "Uid:");
	gids = process_status(m->root, pid, "Gid:");
	s->uid = s->gid = (uid_t)-1;
	if (uids)
		sscanf(uids, "%*u %*u %*u %u", &s->uid);
	if (gids)
		sscanf(gids, "%*u %*u %*u %u", &s->gid);
	user = getpwuid(s->uid);
	s->user = user ? print("%s", user->pw_name) : print("%u", s->uid);
	free(uids);
	free(gids);
}

void check_process(struct report *r, const struct machine *m, pid_t pid)
{
	struct subject s;

	read_subject(&s, m, pid);
	if (s.p.n) {
		found(r, "process", OK, "%s, of user %s", s.command, s.user);
		check_its_device(r, &s);
		check_mmu(r, &s);
		check_library(r, &s);
		check_settings(r, &s);
		check_mappings(r, m, &s.p);
	} else {
		found(r, "process", NO,
		      "%s has no memory: it is a thread of the kernel, or has "
		      "ended",
		      s.command);
		mend(r, "name a process that maps files or shared memory");
	}
	process_free(&s.p);
	free(s.command);
	free(s.user);
}
