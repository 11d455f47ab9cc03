// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * signature.c - whether the kernel asks for signed modules, and ours is
 *
 * With Secure Boot the kernels of distributions are locked down, and then take
 * modules only that are signed with a key that they or the firmware know. DKMS
 * signs with a key of this machine's own, which its owner has to enroll.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "shptctl.h"

#define EFIVARS "sys/firmware/efi/efivars/"
#define SECURE_BOOT EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ENROLLED EFIVARS "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"

/* All of a file of at most 1 MiB, to be freed; NULL if it cannot be read. */
static char *read_bytes(int root, const char *path, size_t *n)
{
	const size_t most = 1 << 20;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	char *bytes = fd < 0 ? NULL : malloc(most);
	ssize_t got;

	*n = 0;
	while (bytes && (got = read(fd, bytes + *n, most - *n)) > 0)
		*n += (size_t)got;
	if (fd >= 0)
		close(fd);
	return bytes;
}

/* Behind four bytes of attributes is its value, 1 for "on". */
static bool is_secure_boot(int root)
{
	size_t n;
	char *bytes = read_bytes(root, SECURE_BOOT, &n);
	bool on = bytes && n == 5 && bytes[4] == 1;

	free(bytes);
	return on;
}

const char *signatures_wanted(int root)
{
	char *enforced =
		fact_line(root, "sys/module/module/parameters/sig_enforce");
	char *lockdown = fact_line(root, "sys/kernel/security/lockdown");
	const char *why = NULL;

	if (lockdown && !strstr(lockdown, "[none]"))
		why = is_secure_boot(root) ?
			      "with Secure Boot this kernel loads signed "
			      "modules only" :
			      "this kernel is locked down and loads signed "
			      "modules only";
	else if (enforced && !strcmp(enforced, "Y"))
		why = "this kernel loads signed modules only";
	else if (!lockdown && is_secure_boot(root))
		why = "with Secure Boot kernels load signed modules only";
	free(enforced);
	free(lockdown);
	return why;
}

/* What ends a signed module. Within a compressed one it cannot be seen. */
enum signature module_signature(int root, const char *path)
{
	static const char magic[] = "~Module signature appended~\n";
	const size_t length = strlen(magic);
	char end[sizeof(magic)] = "", *dot = strrchr(path, '.');
	int fd;

	if (!dot || strcmp(dot, ".ko") != 0)
		return SIGNATURE_UNKNOWN;
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return SIGNATURE_UNKNOWN;
	if (lseek(fd, -(off_t)length, SEEK_END) < 0 ||
	    read(fd, end, length) != (ssize_t)length)
		*end = '\0';
	close(fd);
	return strcmp(end, magic) ? SIGNATURE_NONE : SIGNATURE_THERE;
}

/* As Debian's DKMS has it if nothing else is configured, and Ubuntu's. */
const char *signing_certificate(int root)
{
	static const char *const certificates[] = {
		"/var/lib/dkms/mok.pub",
		"/var/lib/shim-signed/mok/MOK.der",
	};

	for (size_t i = 0; i < sizeof(certificates) / sizeof(*certificates);
	     i++)
		if (faccessat(root, below_root(certificates[i]), F_OK, 0) == 0)
			return certificates[i];
	return NULL;
}

/* The firmware's list has certificates as they are in their files. */
bool is_enrolled(int root, const char *certificate)
{
	size_t n, n_list;
	char *bytes = read_bytes(root, below_root(certificate), &n);
	char *list = read_bytes(root, ENROLLED, &n_list);
	bool is = bytes && list && n && memmem(list, n_list, bytes, n);

	free(bytes);
	free(list);
	return is;
}
