/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that exits, executes another program or is killed in the midst of its
 * work, alone or with threads, takes nothing with it: the others go on without
 * a wrong byte.
 */
#include "vmtest.h"

#define STAYERS	2
#define ROUNDS	25
#define AREA	(1 * MIB)

static struct {
	int fd;
	volatile bool *stop;
	volatile uint64_t *turns;	/* of each stayer */
} t;

/* Everyone has an area, and works in the shared first area as well. */
static void work(char *p, char *mine, uint64_t seed)
{
	CHECK_STAMP(p, AREA, 1);
	stamp(mine, AREA, seed);
	CHECK_STAMP(mine, AREA, seed);
}

static void stayer(void *arg)
{
	long i = (long)arg;
	char *p = map_guest(t.fd, 2);

	while (!*t.stop) {
		work(p, p + CHUNK + i * AREA, t.turns[i]);
		t.turns[i]++;
	}
}

static void *leaver_thread(void *arg)
{
	char *p = arg;

	for (;;)
		stamp(p + (STAYERS + 1) * AREA, AREA, 9);
	return NULL;
}

static void leaver(void *arg)
{
	char *p = map_guest(t.fd, 2);
	long how = (long)arg;

	if (how == 1)
		thread(leaver_thread, p);
	for (int i = 0; how < 2 || i < 3; i++)
		work(p, p + CHUNK + STAYERS * AREA, i);
	if (how == 3)
		execl("/bin/true", "true", (char *)NULL);
	_exit(how == 3);
}

static void test(int kind)
{
	pid_t stayers[STAYERS], pid;
	uint64_t before[STAYERS];
	int i, j, reg, status;
	char *p;

	t.fd = backing(kind, 2 * CHUNK);
	t.stop = shared(PAGE);
	t.turns = shared(PAGE);
	p = map_guest(t.fd, 1);
	stamp(p, AREA, 1);
	for (i = 0; i < STAYERS; i++)
		stayers[i] = spawn(stayer, (void *)(long)i);

	for (i = 0; i < ROUNDS; i++) {
		long how = i % 4;

		pid = spawn(leaver, (void *)how);
		if (how >= 2) {
			join(pid);
			continue;
		}
		usleep(20000 + i % 7 * 3000);
		MUST(kill(pid, SIGKILL));
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		      WTERMSIG(status) == SIGKILL, "status %#x", status);
	}

	for (j = 0; j < STAYERS; j++)
		before[j] = t.turns[j];
	for (j = 0; j < STAYERS; j++)
		WAIT_FOR(t.turns[j] >= before[j] + 2, 5,
			 "guest %d stands still after others died", j);
	reg = open_region(t.fd);
	WAIT_FOR(region_info(reg).guests == STAYERS + 1, 5,
		 "%llu guests after the deaths, expected %d",
		 (long long)region_info(reg).guests, STAYERS + 1);
	*t.stop = true;
	for (j = 0; j < STAYERS; j++)
		join(stayers[j]);
	CHECK_STAMP(p, AREA, 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
