// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory.c - the server's shared memory: where it is, what serves it, and
 * populating it
 */
#include "pg_shpt.h"

#include <dlfcn.h>
#include <errno.h>

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/fd.h"

/* A query can be cancelled after each. */
#define STEP_BYTES ((uint64)64 << 20)

/* A function of libshpt-preload.so, or NULL if the server runs without it. */
static void *preloaded(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

static const char *preload_errormsg(void)
{
	__typeof__(libshpt_errormsg) *errormsg =
		preloaded("libshpt_preload_errormsg");

	return errormsg ? errormsg() : "";
}

static const char *backend_name(uint32 backend)
{
	switch (backend) {
	case LIBSHPT_BACKEND_PLAIN:
		return "plain";
	case LIBSHPT_BACKEND_SHPT:
		return "shpt";
	case LIBSHPT_BACKEND_HUGETLB:
		return "hugetlb";
	case LIBSHPT_BACKEND_THP:
		return "thp";
	}
	return "unknown";
}

/* Returns false if the library does not know the memory. */
static bool ask_library(struct memory *memory)
{
	__typeof__(libshpt_info) *ask = preloaded("libshpt_preload_info");
	struct libshpt_info info;

	if (!ask) {
		strlcpy(memory->why,
			"the server runs without libshpt-preload.so: start it "
			"with LD_PRELOAD=libshpt-preload.so, see "
			"libshpt-preload(1)",
			sizeof(memory->why));
		return false;
	}
	if (ask(BufferBlocks, &info, sizeof(info))) {
		strlcpy(memory->why, preload_errormsg(), sizeof(memory->why));
		return false;
	}
	memory->start = (uintptr_t)info.addr;
	memory->length = info.length;
	memory->linked_bytes = info.linked_bytes;
	memory->region_id = info.region_id;
	memory->chunk_bytes = info.chunk_bytes;
	memory->backend = backend_name(info.backend);
	strlcpy(memory->why, info.why, sizeof(memory->why));
	return true;
}

/*
 * What an ordinary mapping is the kernel tells: it has huge pages if the server
 * asked for them itself, or if shmem is given them.
 */
static void ask_kernel(struct memory *memory, bool known)
{
	unsigned long start, end, kib;
	FILE *smaps = AllocateFile("/proc/self/smaps", "r");
	bool here = false;
	char line[1024];

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			if (here)
				break;
			here = start <= (uintptr_t)BufferBlocks &&
			       (uintptr_t)BufferBlocks < end;
			if (here && !known) {
				memory->start = start;
				memory->length = end - start;
			}
		} else if (!here) {
			continue;
		} else if (sscanf(line, "KernelPageSize: %lu", &kib) == 1) {
			if (kib > 4)
				memory->backend = "hugetlb";
		} else if (sscanf(line, "ShmemPmdMapped: %lu", &kib) == 1) {
			if (kib > 0)
				memory->backend = "thp";
		}
	}
	if (smaps)
		FreeFile(smaps);
}

void find_memory(struct memory *memory)
{
	bool known;

	memset(memory, 0, sizeof(*memory));
	memory->backend = "plain";
	known = ask_library(memory);
	if (strcmp(memory->backend, "plain") == 0)
		ask_kernel(memory, known);
	memory->linked_known = known || strcmp(memory->backend, "hugetlb") != 0;
}

static void refuse_populate(int err, const char *why)
{
	int code = err == ENOMEM ? ERRCODE_OUT_OF_MEMORY :
				   ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;

	ereport(ERROR, (errcode(code),
			errmsg("shared memory cannot be populated: %s", why)));
}

/*
 * For writing: on FS-DAX the first write to each page would take a fault yet.
 * What the library passed through it populates as little as it serves it.
 */
void populate_memory(const struct memory *memory)
{
	__typeof__(libshpt_populate) *populate =
		preloaded("libshpt_preload_populate");
	struct libshpt_populate how = { .flags = LIBSHPT_POPULATE_WRITE };
	uint64 done = 0;

	if (!populate)
		refuse_populate(ENOENT, memory->why);
	while (done < memory->length) {
		uint64 step = Min(memory->length - done, STEP_BYTES);
		void *at = (void *)(uintptr_t)(memory->start + done);

		CHECK_FOR_INTERRUPTS();
		if (populate(at, step, &how, sizeof(how))) {
			int err = errno;

			refuse_populate(err, err == ENOENT ?
						     memory->why :
						     preload_errormsg());
		}
		done += step;
	}
}
