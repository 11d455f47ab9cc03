// SPDX-License-Identifier: GPL-2.0-or-later
/* help.c - what --help of a scenario prints */
#include <stdio.h>
#include <string.h>

#include "bench.h"

static void print_option(const char *letter, const char *name,
			 const char *argument, const char *help,
			 const char *value)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s %s", name, argument);
	printf("  %-4s%-18s %s%s%s%s\n", letter, left, help,
	       value ? " (default " : "", value ? value : "", value ? ")" : "");
}

static const char *value_text(const struct parameter *p, char *buf, size_t size)
{
	uint64_t n = p->value;
	int unit = 0;

	if (p->text)
		return p->text;
	while (!strcmp(p->argument, "SIZE") && n && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	snprintf(buf, size, "%llu%.*s", (unsigned long long)n, unit ? 1 : 0,
		 &" KMGT"[unit]);
	return buf;
}

static void print_backings(const char *usual)
{
	puts("  -b, --backing LIST     what is mapped: of memfd, tmpfs, "
	     "ext4-dax-2m,");
	puts("                         ext4-dax-4k, xfs-dax-2m, xfs-dax-4k, "
	     "device-dax;");
	puts("                         or all. What the machine does not have "
	     "is left out,");
	printf("                         and why is told\n"
	       "                         (default %s)\n",
	       usual);
	puts("  -d, --dir PATH         where files are made: a folder on tmpfs "
	     "(default");
	puts("                         /dev/shm), or on ext4 or xfs mounted with");
	puts("                         -o dax=always; or a device-dax. Can be "
	     "given more");
	puts("                         than once");
}

static void print_modes(const struct scenario *s)
{
	printf("  -m, --mode LIST        of");
	for (size_t i = 0; s->modes[i]; i++)
		printf("%s %s", i ? "," : "", s->modes[i]->name);
	puts(" (default all)");
}

void help_print(const struct scenario *s)
{
	char buf[32];

	printf("Usage: shpt-bench %s [OPTION...]\n\n%s\n", s->name, s->text);
	print_modes(s);
	if (s->backings)
		print_backings(s->backings);
	if (s->sizes)
		printf("  -s, --size LIST        of the file, with K, M, G or T: "
		       "multiples of 2M\n"
		       "                         (default %s)\n", s->sizes);
	if (s->stride)
		printf("      --stride SIZE      the file has, and is read at, "
		       "one page of each SIZE\n"
		       "                         (default %s)\n", s->stride);
	print_option("-n,", s->x, "LIST", s->x_help, s->xs);
	for (const struct parameter *p = s->parameters; p && p->name; p++)
		print_option("", p->name, p->argument, p->help,
			     value_text(p, buf, sizeof(buf)));
	printf("  -r, --rounds N         in each, all modes have their turn "
	       "(default %u)\n", s->rounds);
	puts("  -J, --json FILE        write the results as JSON, too; - is "
	     "stdout\n"
	     "      --csv FILE         write them as CSV, too\n"
	     "  -h, --help             print this text\n"
	     "  -V, --version          print the version\n\n"
	     "What is measured, by the names that JSON and CSV have:");
	for (const struct metric *m = s->metrics; m->name; m++)
		printf("  %s\n      %s\n", m->name, m->explanation);
	puts("\nExit status: 0 measured; 1 an error, something read was wrong, or "
	     "nothing could be\nmeasured; 2 wrong usage.");
}
