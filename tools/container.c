// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * container.c - whether a / is that of a container, and how it gets the device
 *
 * Each container manager leaves something by which it can be told. A machine
 * that was made of a container's image has that, too; but the threads of the
 * kernel are seen on machines only.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "processes.h"
#include "shptctl.h"

static bool exists(int root, const char *path)
{
	return faccessat(root, path, F_OK, 0) == 0;
}

char *container_kind(int root)
{
	char *kind = fact_line(root, "proc/2/comm");
	bool machine = kind && !strcmp(kind, "kthreadd");

	free(kind);
	if (machine)
		return NULL;
	/* Of who knows them, the latter two have the word in a file. */
	if (exists(root, "run/.containerenv"))
		return print("podman");
	if (exists(root, ".dockerenv"))
		return print("docker");
	if (exists(root, "var/run/secrets/kubernetes.io"))
		return print("kubernetes");
	kind = fact_line(root, "run/systemd/container")		     ?:
		       fact_line(root, "run/host/container-manager") ?:
		       process_variable(root, 1, "container");
	if (kind && !*kind) {
		free(kind);
		kind = NULL;
	}
	return kind;
}

char *container_grant(const char *kind)
{
	static const struct {
		const char *kind;
		const char *grant;
	} grants[] = {
		{ "docker", "docker run --device /dev/shpt --group-add "
			    "$(getent group shpt | cut -d: -f3) ..." },
		{ "podman", "podman run --device /dev/shpt --group-add "
			    "keep-groups ..." },
		{ "systemd-nspawn", "systemd-nspawn --bind=/dev/shpt "
				    "--property='DeviceAllow=/dev/shpt rw' "
				    "..." },
		{ "lxc",
		  "write into its configuration: lxc.mount.entry = /dev/shpt "
		  "dev/shpt none bind,create=file 0 0; and "
		  "lxc.cgroup2.devices.allow = c MAJOR:MINOR rw, with the "
		  "numbers of: stat -c %Hr:%Lr /dev/shpt" },
		{ "kubernetes", "give the pod the node's /dev/shpt by a "
				"device plugin" },
	};

	for (size_t i = 0; i < sizeof(grants) / sizeof(*grants); i++)
		if (!strcmp(kind, grants[i].kind))
			return print("start the container anew: %s",
				     grants[i].grant);
	return print("start the container anew with the machine's device, as "
		     "\"docker run --device /dev/shpt\" does it");
}
