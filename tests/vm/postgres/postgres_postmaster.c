/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libs: -lpq */
/*
 * The postmaster is killed. The others notice, and when the last of them is
 * gone so is the region; the server can be started again.
 */
#include "crash.h"

#include <sys/shm.h>

/* How many have what the server looks at to find others that use its files: a
 * small segment, whose key and number are in a line of its own. */
static unsigned long attached(void)
{
	char path[256], text[1024], *line;
	struct shmid_ds segment;
	int i, id;

	snprintf(path, sizeof(path), "%s/data/postmaster.pid", home);
	line = text_of(path, text, sizeof(text));
	for (i = 1; i < 7 && line; i++) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	CHECK(line && sscanf(line, "%*d %d", &id) == 1, "no segment in %s",
	      path);
	MUST(shmctl(id, IPC_STAT, &segment));
	return segment.shm_nattch;
}

static void strike(void)
{
	MUST(kill(postmaster, SIGKILL));
	WAIT_FOR(has_ended(), 10, "it outlives SIGKILL");
	WAIT_FOR(attached() == 0, SOON, "a process of it is left: %s",
		 shell(SAYINGS));
	WAIT_FOR(fact("regions") == 0, 10, "a region is left: %s",
		 shell(SAYINGS));
	start("mmap", "");
}

static void test(int kind)
{
	survive(kind, strike);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 58);
}
