// SPDX-License-Identifier: GPL-2.0-or-later
/* explain.c - target: the files that tell whether a machine can share */
#include <getopt.h>

#include "fuzz.h"
#include "shptctl.h"

#define SECURE_BOOT \
	"sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ENROLLED \
	"sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"

static const char *const names[] = { "proc/sys/kernel/osrelease",
				     "proc/sys/kernel/arch",
				     "sys/hypervisor/guest_type",
				     "boot/config-6.1",
				     "lib/modules/6.1/modules.dep",
				     "sys/module/module/parameters/sig_enforce",
				     "sys/module/shpt/parameters/donor",
				     "sys/class/misc/shpt/regions",
				     "sys/module/shpt/parameters/max_regions",
				     "proc/9/maps",
				     "proc/9/mountinfo",
				     "proc/9/status",
				     "proc/9/environ",
				     "proc/9/auxv",
				     "proc/9/cgroup",
				     "proc/self/mountinfo",
				     "var/lib/dkms/shpt/1.0/build/make.log",
				     "sys/kernel/security/lockdown",
				     "lib/modules/6.1/updates/dkms/shpt.ko",
				     "var/lib/dpkg/status",
				     "var/lib/dkms/mok.pub",
				     SECURE_BOOT,
				     ENROLLED,
				     "proc/9/cmdline",
				     NULL };

/* What is asked about, or NULL for the machine. */
static void run(void *arg)
{
	char *argv[] = { "shptctl", "-J", "--sysroot", ".", arg, NULL };

	optind = 0;
	explain(arg ? 5 : 4, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put("mnt/folder/there", "", 0);
	put("mnt/file", "", 0);
	put("boot/vmlinuz-6.10", "", 0);
	put("lib/modules/6.10/modules.alias", "", 0);
	put_parts(names, data, size);
	returns(run, NULL);
	returns(run, "9");
	returns(run, "/mnt/folder");
	returns(run, "/mnt/file");
	return 0;
}
