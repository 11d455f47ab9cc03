// SPDX-License-Identifier: GPL-2.0-or-later
/* grant.c - who may open /dev/shpt, and what to type for one more */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include "shptctl.h"

#define READ_WRITE (S_IRGRP | S_IWGRP)

const char *device_group(const struct stat *st)
{
	const struct group *group = getgrgid(st->st_gid);

	if (!group || !st->st_gid || (st->st_mode & READ_WRITE) != READ_WRITE)
		return NULL;
	return group->gr_name;
}

/* The rule for udev does it again at each boot, once there is the group: who
 * runs already learns that only when told. */
char *device_grant(int root, const struct stat *st, const char *user)
{
	const char *group = device_group(st);
	bool udev = faccessat(root, "run/udev/control", F_OK, 0) == 0;

	if (group)
		return print("usermod --append --groups %s %s", group, user);
	return print("groupadd --system --force shpt && chgrp shpt /dev/shpt "
		     "&& chmod 660 /dev/shpt && usermod --append --groups shpt "
		     "%s%s",
		     user, udev ? " && udevadm control --reload" : "");
}
