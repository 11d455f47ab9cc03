// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_machine.c - what sharing stands on: the processor, the kernel, the
 * module's helper, and its device
 *
 * In a container the kernel, the module and the helper are the machine's around
 * it, whose files cannot be seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

static char *must_read(int root, const char *path)
{
	char *line = fact_line(root, "%s", path);

	if (!line)
		die(EXIT_FAILURE, "cannot read /%s: %s", path, strerror(errno));
	return line;
}

bool is_served(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 && major == 6 &&
	       (minor == 1 || minor == 12);
}

void machine_open(struct machine *m, const char *root)
{
	m->here = !strcmp(root, "/");
	m->root = sysroot_open(root);
	m->loaded = shpt_is_loaded(m->root);
	m->release = must_read(m->root, "proc/sys/kernel/osrelease");
	m->is_served = is_served(m->release);
	m->processor = must_read(m->root, "proc/sys/kernel/arch");
	m->container = container_kind(m->root);
}

void machine_close(struct machine *m)
{
	free(m->release);
	free(m->processor);
	free(m->container);
	close(m->root);
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

static void check_processor(struct report *r, const struct machine *m)
{
	if (strcmp(m->processor, "x86_64") != 0) {
		found(r, "processor", NO, "%s", m->processor);
		mend(r, "shpt knows x86-64 only: use such a machine");
	} else if (line_is(m, "sys/hypervisor/guest_type", "PV")) {
		found(r, "processor", NO, "%s, a Xen PV guest", m->processor);
		mend(r, "PV guests have no page tables of their own: start "
			"this guest as HVM or PVH");
	} else {
		found(r, "processor", OK, "%s", m->processor);
	}
}

/* ---- the kernel ---------------------------------------------------------- */

/* What the kernel must have been built with and lacks, or NULL. */
static const char *missing_option(const struct machine *m, const char *config)
{
	static const char *const needed[] = {
		"CONFIG_DYNAMIC_FTRACE_WITH_REGS",
		"CONFIG_FS_DAX",
		"CONFIG_MMU_NOTIFIER",
		"CONFIG_TRANSPARENT_HUGEPAGE",
	};
	char option[64];

	if (!exists(m, config))
		return NULL;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		snprintf(option, sizeof(option), "%s=y\n", needed[i]);
		if (!contains(m, config, option))
			return needed[i];
	}
	return NULL;
}

/* What stands in the way of a module that is not loaded; false if nothing. */
static bool refuse_kernel(struct report *r, const struct machine *m)
{
	char *config = print("boot/config-%s", m->release);
	const char *missing = missing_option(m, config);
	bool realtime = line_is(m, "sys/kernel/realtime", "1") ||
			contains(m, config, "CONFIG_PREEMPT_RT=y\n");

	free(config);
	if (!m->is_served) {
		found(r, "kernel", NO,
		      "%s; the module is for Linux 6.1 and 6.12", m->release);
		mend(r, "start a kernel of one of these series, such as that "
			"of: apt-get install linux-image-amd64 "
			"linux-headers-amd64");
	} else if (realtime) {
		found(r, "kernel", NO, "%s, with PREEMPT_RT", m->release);
		mend(r, "start a kernel without PREEMPT_RT: apt-get install "
			"linux-image-amd64 linux-headers-amd64");
	} else if (missing) {
		found(r, "kernel", NO, "%s, built without %s", m->release,
		      missing);
		mend(r, "boot a kernel built with %s", missing);
	} else if (line_is(m, "proc/sys/kernel/ftrace_enabled", "0")) {
		found(r, "kernel", NO, "%s, with ftrace switched off",
		      m->release);
		mend(r, "sysctl kernel.ftrace_enabled=1");
	} else {
		return false;
	}
	return true;
}

/* A module that is loaded has found all it needs. */
static void check_kernel(struct report *r, const struct machine *m)
{
	if (m->loaded || !refuse_kernel(r, m))
		found(r, "kernel", OK, "%s", m->release);
}

/* ---- the device ---------------------------------------------------------- */

/*
 * Why it cannot be opened, or 0. It is tried, for the device's mode does not
 * tell all: that of a container may not be meant to be used.
 */
static int try_device(const struct machine *m)
{
	int fd = openat(m->root, "dev/shpt", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void check_closed(struct report *r, const struct machine *m,
			 const struct stat *st, const char *why)
{
	const struct passwd *user = geteuid() ? getpwuid(geteuid()) : NULL;
	const struct group *group = getgrgid(st->st_gid);
	char *grant = device_grant(m->root, st, user ? user->pw_name : "USER");

	found(r, "device", NO, "/dev/shpt: %s; mode %04o, group %s", why,
	      st->st_mode & 07777, group ? group->gr_name : "?");
	mend(r, "%s  # then log in anew", grant);
	free(grant);
}

static void mend_missing(struct report *r, const struct machine *m)
{
	char *grant = m->container ? container_grant(m->container) : NULL;

	mend(r, "%s",
	     grant ?: "udevadm trigger --action=add /sys/class/misc/shpt");
	free(grant);
}

/* Root may open all and asks for others. */
void check_device(struct report *r, const struct machine *m)
{
	const mode_t all = S_IROTH | S_IWOTH;
	struct stat st;
	int err;

	if (!m->loaded) {
		found(r, "device", UNKNOWN, "the module is not loaded");
		return;
	}
	if (fstatat(m->root, "dev/shpt", &st, 0)) {
		found(r, "device", NO, "/dev/shpt: %s%s%s", strerror(errno),
		      m->container ? ", in a container of " : "",
		      m->container ?: "");
		mend_missing(r, m);
		return;
	}
	err = try_device(m);
	if (err && m->container) {
		found(r, "device", NO, "/dev/shpt: %s, in a container of %s",
		      strerror(err), m->container);
		mend_missing(r, m);
	} else if (err) {
		check_closed(r, m, &st, strerror(err));
	} else if (!geteuid() && !device_group(&st) &&
		   (st.st_mode & all) != all) {
		check_closed(r, m, &st, "only root may open it");
	} else {
		found(r, "device", OK, "/dev/shpt can be opened");
	}
}

/* ---- the helper ---------------------------------------------------------- */

static void check_donor(struct report *r, const struct machine *m,
			const char *path)
{
	char *word = quote(path);
	struct stat st;

	if (fstatat(m->root, below_root(path), &st, 0)) {
		found(r, "helper", NO, "%s: %s", path, strerror(errno));
		if (strcmp(path, DONOR_PATH) != 0)
			mend(r, "modprobe -r shpt; modprobe shpt "
				"donor=" DONOR_PATH);
		else if (has_packages(m->root))
			mend(r, "apt-get install --reinstall shpt-tools");
		else
			mend(r, "make install  # in the sources of shpt");
	} else if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)) {
		found(r, "helper", NO, "%s is not executable", path);
		mend(r, "chmod 755 %s", word);
	} else if (st.st_uid || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		found(r, "helper", NO,
		      "%s can be written by others than root, who runs it",
		      path);
		mend(r, "chown root:root %s && chmod 755 %s", word, word);
	} else {
		found(r, "helper", OK, "%s", path);
	}
	free(word);
}

static void check_helper(struct report *r, const struct machine *m)
{
	char *line = fact_line(m->root, "sys/module/shpt/parameters/donor");

	if (m->container)
		found(r, "helper", UNKNOWN,
		      "on the machine around this container");
	else
		check_donor(r, m, line ?: DONOR_PATH);
	free(line);
}

/* In the order in which they have to be mended. */
void check_machine(struct report *r, const struct machine *m)
{
	check_processor(r, m);
	check_kernel(r, m);
	check_helper(r, m);
	check_module(r, m);
	check_regions(r, m);
}
