// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * settings.c - what has to be set in the kernel to have huge pages
 *
 * Each setting is as it was again when this program ends, also by a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define HUGETLB_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

static struct setting {
	const char *path;
	char before[32];
	bool changed;
} hugetlb = { .path = HUGETLB_PAGES "nr_hugepages" },
  shmem = { .path = SHMEM_ENABLED };

static pid_t setter;

/* Also in a handler of a signal. */
static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool done = fd >= 0 && write(fd, text, len) == len;

	close(fd);
	return done;
}

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	close(fd);
	if (n < 0)
		return false;
	text[n] = 0;
	return true;
}

static void restore_one(const struct setting *setting)
{
	if (setting->changed && getpid() == setter)
		write_text(setting->path, setting->before);
}

static void restore(void)
{
	restore_one(&hugetlb);
	restore_one(&shmem);
}

static void restore_and_die(int sig)
{
	restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static bool change(struct setting *setting, const char *before,
		   const char *text)
{
	if (!setter) {
		setter = getpid();
		atexit(restore);
		signal(SIGINT, restore_and_die);
		signal(SIGTERM, restore_and_die);
	}
	if (!setting->changed)
		snprintf(setting->before, sizeof(setting->before), "%s",
			 before);
	setting->changed = true;
	return write_text(setting->path, text);
}

static unsigned long number(const char *path)
{
	char text[32];

	return read_text(path, text, sizeof(text)) ? strtoul(text, NULL, 10) :
						     0;
}

/* As many pages of 2 MiB as that are free, now. */
const char *settings_hugetlb(uint64_t bytes)
{
	unsigned long want = bytes / PMD_BYTES;
	unsigned long there = number(hugetlb.path);
	unsigned long is_free = number(HUGETLB_PAGES "free_hugepages");
	static char why[128];
	char before[32], text[32];

	if (is_free >= want)
		return "";
	snprintf(before, sizeof(before), "%lu", there);
	snprintf(text, sizeof(text), "%lu", there - is_free + want);
	change(&hugetlb, before, text);
	is_free = number(HUGETLB_PAGES "free_hugepages");
	if (is_free >= want)
		return "";
	snprintf(why, sizeof(why),
		 "%lu huge pages are needed and %lu free. Run: echo %s > %s",
		 want, is_free, text, hugetlb.path);
	return why;
}

/* Huge pages in memfds for who asks for them, small ones for all others. */
const char *settings_shmem_advise(void)
{
	static char why[160];
	char text[128], *word_, *end;

	if (!read_text(SHMEM_ENABLED, text, sizeof(text)))
		return "this kernel has no transparent huge pages";
	word_ = strchr(text, '[');
	end = strchr(text, ']');
	if (!word_ || !end)
		return "the kernel's " SHMEM_ENABLED " is not as expected";
	*end = 0;
	if (!strcmp(word_ + 1, "advise") ||
	    change(&shmem, word_ + 1, "advise"))
		return "";
	snprintf(why, sizeof(why), "%s is '%s'. Run: echo advise > %s",
		 SHMEM_ENABLED, word_ + 1, SHMEM_ENABLED);
	return why;
}
