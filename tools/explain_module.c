// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * explain_module.c - is the module loaded, and if not, or not after the next
 * boot, what stands in its way
 *
 * It comes in packages, which have DKMS build it for each kernel, or from "make
 * module-install" for one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

#define CHECK "module"

/* Where depmod(8) knows of it, such as "updates/dkms/shpt.ko", or NULL. */
static char *installed_module(const struct machine *m)
{
	char *path = print("lib/modules/%s/modules.dep", m->release);
	char *line = fact_line_with(m->root, path, "/shpt.ko");

	free(path);
	if (!line)
		return NULL;
	line[strcspn(line, ":\n")] = '\0';
	path = print("lib/modules/%s/%s", m->release, line);
	free(line);
	return path;
}

/* The link may be absolute, and then is meant below the root. */
static bool has_headers(const struct machine *m)
{
	char *link = print("lib/modules/%s/build", m->release);
	char target[PATH_MAX] = "";
	bool has;

	if (readlinkat(m->root, link, target, sizeof(target) - 1) > 0 &&
	    *target == '/')
		has = faccessat(m->root, below_root(target), F_OK, 0) == 0;
	else
		has = faccessat(m->root, link, F_OK, 0) == 0;
	free(link);
	return has;
}

/* "cloud-amd64" of "6.1.0-56-cloud-amd64": the package that has the headers of
 * each kernel to come is called after it. */
static const char *flavour(const char *release)
{
	static const char *const flavours[] = { "-cloud-amd64", "-rt-amd64",
						"-amd64" };

	for (size_t i = 0; i < sizeof(flavours) / sizeof(*flavours); i++) {
		const char *at = strstr(release, flavours[i]);

		if (at && !at[strlen(flavours[i])])
			return at + 1;
	}
	return NULL;
}

/* With headers that are installed DKMS builds by itself. */
static void mend_headers(struct report *r, const struct machine *m)
{
	const char *end = flavour(m->release);
	char *all = end ? print("linux-headers-%s", end) : NULL;
	bool once = !all || package_is_installed(m->root, all);

	mend(r, "apt-get install linux-headers-%s%s%s && %s", m->release,
	     once ? "" : " ", once ? "" : all, load_module(m->root));
	free(all);
}

/* ---- installed, and not loaded ------------------------------------------- */

static void mend_unsigned(struct report *r, const struct machine *m,
			  const char *path)
{
	struct dkms d;

	dkms_read(&d, m);
	if (d.version)
		mend(r,
		     "apt-get install openssl mokutil && dkms remove shpt/%s -k "
		     "%s && dkms install shpt/%s -k %s && shptctl explain  # "
		     "DKMS signs it, and the next step is to enroll its key",
		     d.version, m->release, d.version, m->release);
	else
		mend(r,
		     "/lib/modules/%s/build/scripts/sign-file sha256 KEY "
		     "CERTIFICATE /%s  # with a key that \"mokutil --import "
		     "CERTIFICATE\" has enrolled",
		     m->release, path);
	dkms_free(&d);
}

static void mend_key(struct report *r, const struct machine *m,
		     const char *certificate)
{
	bool mokutil = faccessat(m->root, "usr/bin/mokutil", F_OK, 0) == 0;

	if (faccessat(m->root, "sys/firmware/efi", F_OK, 0))
		mend(r, "this machine has no firmware that could be told a "
			"key: start it without lockdown= and "
			"module.sig_enforce in the kernel's command line");
	else
		mend(r,
		     "%smokutil --import %s  # asks for a new password; then "
		     "restart the machine, choose \"Enroll MOK\" in the screen "
		     "that comes before the system, give the password, and: %s",
		     mokutil ? "" : "apt-get install mokutil && ", certificate,
		     load_module(m->root));
}

static void check_installed(struct report *r, const struct machine *m,
			    const char *path)
{
	const char *why = signatures_wanted(m->root);
	const char *certificate = signing_certificate(m->root);
	enum signature signature = module_signature(m->root, path);

	if (!why) {
		found(r, CHECK, NO, "installed, not loaded");
		mend(r, "%s", load_module(m->root));
	} else if (signature == SIGNATURE_NONE) {
		found(r, CHECK, NO, "installed, but not signed; %s", why);
		mend_unsigned(r, m, path);
	} else if (certificate && !is_enrolled(m->root, certificate)) {
		found(r, CHECK, NO,
		      "installed, but its key is not enrolled; %s", why);
		mend_key(r, m, certificate);
	} else {
		found(r, CHECK, NO, "installed, not loaded; %s", why);
		mend(r,
		     "%s  # if its key is refused, see \"modinfo -F signer "
		     "shpt\" and mokutil(1)",
		     load_module(m->root));
	}
}

/* ---- not installed ------------------------------------------------------- */

static void check_dkms(struct report *r, const struct machine *m,
		       const struct dkms *d)
{
	const char *load = load_module(m->root);
	char *others = d->others ? print("; it is for %s", d->others) :
				   print("%s", "");

	if (d->built) {
		found(r, CHECK, NO,
		      "built by DKMS for this kernel, but not installed");
		mend(r, "dkms install shpt/%s -k %s && %s", d->version,
		     m->release, load);
	} else if (!has_headers(m)) {
		found(r, CHECK, NO,
		      "not built for this kernel, whose headers are "
		      "missing%s",
		      others);
		mend_headers(r, m);
	} else if (d->error) {
		found(r, CHECK, NO, "DKMS failed to build it: %s%s",
		      *d->error ? d->error : "it does not say why", others);
		mend(r,
		     "less /var/lib/dkms/shpt/%s/build/make.log; once that is "
		     "mended, as by a newer shpt-dkms: dkms install shpt/%s -k "
		     "%s && %s%s%s",
		     d->version, d->version, m->release, load,
		     d->others ? "; until then start the kernel " : "",
		     d->others ?: "");
	} else {
		found(r, CHECK, NO, "not built for this kernel%s", others);
		mend(r, "dkms autoinstall -k %s && %s", m->release, load);
	}
	free(others);
}

/* Another kernel that it is installed for, or NULL. */
static char *other_kernel(const struct machine *m)
{
	int fd = openat(m->root, "lib/modules",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char *other = NULL, *path, *line;
	struct dirent *entry;

	while (dir && !other && (entry = readdir(dir))) {
		path = print("lib/modules/%s/modules.dep", entry->d_name);
		line = *entry->d_name == '.' ?
			       NULL :
			       fact_line_with(m->root, path, "/shpt.ko");
		if (line)
			other = print("%s", entry->d_name);
		free(line);
		free(path);
	}
	if (dir)
		closedir(dir);
	return other;
}

static void check_sources(struct report *r, const struct machine *m)
{
	bool headers = has_headers(m);
	char *other = other_kernel(m);

	found(r, CHECK, NO, "not installed for this kernel%s%s",
	      other ? ", but for " : "", other ?: "");
	free(other);
	if (has_packages(m->root))
		mend(r,
		     "apt-get install shpt-dkms linux-headers-%s && %s  # or "
		     "the package's file, ./shpt-dkms_*.deb",
		     m->release, load_module(m->root));
	else
		mend(r,
		     "%s%s%smake module-install && %s  # in the sources of "
		     "shpt, configured",
		     headers ? "" : "apt-get install linux-headers-",
		     headers ? "" : m->release, headers ? "" : " && ",
		     load_module(m->root));
}

/* ---- loaded -------------------------------------------------------------- */

struct successor {
	const struct machine *m;
	char *release; /* or NULL */
};

static bool is_same_flavour(const char *release, const char *other)
{
	const char *flavours[] = { flavour(release), flavour(other) };

	return !strcmp(flavours[0] ?: "", flavours[1] ?: "");
}

static void see_kernel(void *arg, const char *name)
{
	struct successor *s = arg;
	const char *newest = s->release ?: s->m->release;
	char *image = print("boot/vmlinuz-%s", name);

	if (strverscmp(name, newest) > 0 &&
	    is_same_flavour(name, s->m->release) &&
	    faccessat(s->m->root, image, F_OK, 0) == 0) {
		free(s->release);
		s->release = print("%s", name);
	}
	free(image);
}

/* A newer one of the same flavour, or NULL. */
static char *next_kernel(const struct machine *m)
{
	struct successor s = { .m = m };

	if (!m->container)
		for_each_name(m->root, "lib/modules", see_kernel, &s);
	return s.release;
}

static void mend_next(struct report *r, const struct machine *m,
		      const struct machine *next, const struct dkms *d)
{
	if (!next->is_served)
		mend(r, "start the kernel %s next time, too", m->release);
	else if (!d->version)
		mend(r, "make module-install KVER=%s  # in the sources of shpt",
		     next->release);
	else if (!has_headers(next))
		mend(r, "apt-get install linux-headers-%s", next->release);
	else if (d->error)
		mend(r,
		     "less /var/lib/dkms/shpt/%s/build/make.log; once that is "
		     "mended, as by a newer shpt-dkms: dkms install shpt/%s -k "
		     "%s; until then start the kernel %s",
		     d->version, d->version, next->release, m->release);
	else
		mend(r, "dkms install shpt/%s -k %s", d->version,
		     next->release);
}

static void note_next(struct report *r, const struct machine *m, char *release)
{
	struct machine next = *m;
	struct dkms d;

	next.release = release;
	next.is_served = is_served(release);
	dkms_read(&d, &next);
	found(r, CHECK, NOTE, "loaded, but not %s the newer kernel %s%s%s",
	      next.is_served ? "installed for" : "for", release,
	      d.error && *d.error ? ": " : "", d.error ?: "");
	mend_next(r, m, &next, &d);
	dkms_free(&d);
}

/* A newer kernel is what the machine starts next. */
static void check_next(struct report *r, const struct machine *m)
{
	struct machine next = *m;
	char *path = NULL;

	next.release = next_kernel(m);
	if (next.release)
		path = installed_module(&next);
	if (next.release && !path)
		note_next(r, m, next.release);
	else
		found(r, CHECK, OK, "loaded");
	free(next.release);
	free(path);
}

void check_module(struct report *r, const struct machine *m)
{
	char *path = installed_module(m);
	struct dkms d;

	dkms_read(&d, m);
	if (m->loaded) {
		check_next(r, m);
	} else if (m->container) {
		found(r, CHECK, NO,
		      "not loaded by the kernel that this container (%s) is "
		      "on",
		      m->container);
		mend(r, "run \"shptctl explain\" on the machine around the "
			"container");
	} else if (!m->is_served) {
		found(r, CHECK, UNKNOWN, "not for such a kernel%s%s",
		      d.others ? ", but built for " : "", d.others ?: "");
	} else if (path) {
		check_installed(r, m, path);
	} else if (d.version) {
		check_dkms(r, m, &d);
	} else {
		check_sources(r, m);
	}
	dkms_free(&d);
	free(path);
}
