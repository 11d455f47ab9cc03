// SPDX-License-Identifier: GPL-2.0-or-later
/* machine.c - the facts without which no figure means anything */
#define _GNU_SOURCE
#include <cpuid.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities/"
#define FAULT_AROUND "/sys/kernel/debug/fault_around_bytes"

/* The line "KEY : VALUE" of a file, without spaces at either end. */
static void fact(const char *path, const char *key, char *value, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[512];

	snprintf(value, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		snprintf(value, size, "%s",
			 colon + 1 + strspn(colon + 1, " \t"));
		value[strcspn(value, "\n")] = 0;
		break;
	}
	if (f)
		fclose(f);
}

/* What the CPU says of the hypervisor that it is a part of. */
static const char *accelerator(void)
{
	static const char *const known[][2] = {
		{ "TCGTCGTCGTCG", "tcg" },  { "KVMKVMKVM", "kvm" },
		{ "Microsoft Hv", "hyperv" }, { "VMwareVMware", "vmware" },
		{ "XenVMMXenVMM", "xen" },
	};
	static char id[13];
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1U << 31))
		return "none";
	__cpuid(0x40000000, a, b, c, d);
	memcpy(id, &b, 4);
	memcpy(id + 4, &c, 4);
	memcpy(id + 8, &d, 4);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(id, known[i][0]))
			return known[i][1];
	return id;
}

static int nodes(void)
{
	glob_t found;
	int n = 1;

	if (!glob("/sys/devices/system/node/node[0-9]*", 0, NULL, &found)) {
		n = (int)found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static json_int_t meminfo_bytes(const char *key)
{
	unsigned long long kib = 0;
	char value[64];

	fact("/proc/meminfo", key, value, sizeof(value));
	sscanf(value, "%llu", &kib);
	return (json_int_t)kib * 1024;
}

static bool is_mitigated(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[32];
	bool is_so = f && fgets(line, sizeof(line), f) &&
		     !strncmp(line, "Mitigation", 10);

	if (f)
		fclose(f);
	return is_so;
}

/* What makes each way into the kernel dearer; NULL where nobody can tell. */
static const char *mitigations(void)
{
	static char names[512];
	glob_t found;

	*names = '\0';
	if (glob(VULNERABILITIES "*", 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		size_t length = strlen(names);

		if (is_mitigated(path))
			snprintf(names + length, sizeof(names) - length, "%s%s",
				 length ? ", " : "",
				 path + strlen(VULNERABILITIES));
	}
	globfree(&found);
	return *names ? names : "none";
}

/* NULL for who may not read it. */
static json_t *fault_around(void)
{
	FILE *f = fopen(FAULT_AROUND, "re");
	unsigned long long bytes;
	bool known = f && fscanf(f, "%llu", &bytes) == 1;

	if (f)
		fclose(f);
	return known ? json_integer((json_int_t)bytes) : NULL;
}

json_t *machine_facts(void)
{
	char cpu[256], date[32];
	const char *runs_it = accelerator();
	time_t t = time(NULL);
	struct utsname names;
	struct tm utc;

	uname(&names);
	fact("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
	return json_pack("{ss ss ss* sI sI sI sI so* ss sb ss sb ss ss}",
		"kernel", names.release,
		"cpu", cpu,
		"mitigations", mitigations(),
		"cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN),
		"nodes", (json_int_t)nodes(),
		"memory_bytes", meminfo_bytes("MemTotal"),
		"swap_bytes", meminfo_bytes("SwapTotal"),
		"fault_around_bytes", fault_around(),
		"accelerator", runs_it,
		"emulated", !strcmp(runs_it, "tcg"),
		"shpt", VERSION,
		"module", module_loaded(),
		"compiler", COMPILER,
		"date", date);
}
