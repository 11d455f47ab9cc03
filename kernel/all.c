// SPDX-License-Identifier: GPL-2.0-only
/*
 * all.c - all of the module but main.c, for the compiler as one source
 *
 * Nearly all that it reads is the kernel's headers; this way it reads them once,
 * and DKMS takes a quarter of the time, at each kernel that is installed. main.c
 * makes the tracepoints, whose macros work once in a source.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "call.c"
#include "backing.c"
#include "region.c"
#include "register.c"
#include "hosts.c"
#include "host.c"
#include "node.c"
#include "donor.c"
#include "tables.c"
#include "retire.c"
#include "reclaim.c"
#include "lock.c"
#include "populate.c"
#include "guest.c"
#include "fault.c"
#include "charge.c"
#include "link.c"
#include "tlb.c"
#include "foreign.c"
#include "sysfs.c"
