// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * populate.c - shptctl populate: fill a region's page tables ahead of use
 *
 * By mapping its file as any process would and having libshpt_populate() touch
 * all of it. The bar is for who looks on, so it is on stderr and on terminals
 * only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shptctl.h"

#define MAX_THREADS 64 /* of libshpt_populate() */

static const char help[] =
"Usage: shptctl populate [OPTION...] REGION|FILE\n"
"\n"
"Read in or allocate all pages of a region's file and fill its page tables, so\n"
"that the processes that map it take no page faults for them. Some process has\n"
"to map it, or it has to be registered, or nothing would stay.\n"
"\n"
"      --threads N      this many threads work, 1 to 64 (default 1)\n"
"      --write          as if each page were written to: on FS-DAX first writes\n"
"                       take no page faults then, either\n"
"  -b, --bytes          print sizes in bytes\n"
STEER_HELP
"\n"
"Exit status: 0 populated; 1 an error, or interrupted: what is done stays done;\n"
"2 wrong usage.\n"
"\n"
"See shptctl-populate(8).\n";

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct orders {
	struct libshpt_populate how;
	bool bytes; /* print sizes in bytes */
};

struct progress {
	bool bar;
	double start;
	double drawn; /* when it was last */
	uint64_t done;
};

/* As wide as the terminal, less a column: a full line would make a new one. */
static void draw(const struct progress *p, uint64_t done, uint64_t length)
{
	double seconds = now() - p->start;
	char text[80], have[16], all[16], rate[16];
	struct winsize size = { 0 };
	int width, full;

	format_bytes(have, sizeof(have), (long long)done);
	format_bytes(all, sizeof(all), (long long)length);
	format_bytes(rate, sizeof(rate),
		     seconds > 0 ? (long long)((double)done / seconds) : 0);
	snprintf(text, sizeof(text), "%3d%%  %s of %s  %s/s",
		 (int)(100 * (double)done / (double)length), have, all, rate);
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size.ws_col = 80;
	width = size.ws_col - 1 - (int)strlen("[]  ") - (int)strlen(text);
	if (width < 0)
		width = 0;
	full = (int)((double)width * (double)done / (double)length);
	fputs("\r[", stderr);
	for (int i = 0; i < width; i++)
		fputc(i < full ? '#' : ' ', stderr);
	fprintf(stderr, "]  %s\033[K", text);
}

static int report(void *arg, uint64_t done, uint64_t length)
{
	struct progress *p = arg;

	p->done = done;
	if (p->bar && (done == length || now() - p->drawn > 0.1)) {
		draw(p, done, length);
		p->drawn = now();
	}
	return interrupted;
}

/* Where there is no other way to its file than the path. */
static void check_path(const struct steering *s, const char *title)
{
	const char *path = s->region.backing;

	if (s->fd >= 0 || *s->region.name)
		return;
	if (!*path)
		die(EXIT_FAILURE,
		    "%s has no name, and only root may see which "
		    "file it is: name the file",
		    title);
	if (!s->sysroot && access(path, F_OK))
		die(EXIT_FAILURE,
		    "the file of %s is not to be reached by a path: name it as "
		    "/proc/PID/fd/FD of a process that has it open",
		    title);
}

/*
 * A descriptor that can be mapped. That of SHPT_IOC_OPEN_ID cannot, so where
 * there is no name it is the file, which has to be the region's still.
 */
static int open_to_map(const struct steering *s, const char *title)
{
	const char *path = s->region.backing;
	int fd = s->fd;

	if (fd < 0 && *s->region.name) {
		fd = region_open_name(s->region.name);
		if (fd < 0)
			die(EXIT_FAILURE,
			    "cannot open %s for reading and "
			    "writing: %s",
			    title, strerror(errno));
	}
	if (fd >= 0)
		return fd;
	fd = region_open_file(path, O_RDWR);
	if (region_id(fd) != s->region.id)
		die(EXIT_FAILURE,
		    "%s is another file by now than that of "
		    "region %" PRIu64,
		    path, s->region.id);
	return fd;
}

static void populate_fd(int fd, const char *title, uint64_t length,
			const struct orders *orders)
{
	const struct libshpt_attr attr = { .flags = LIBSHPT_REQUIRE_SHARED };
	struct progress p = { .bar = isatty(STDERR_FILENO), .start = now() };
	const struct sigaction action = { .sa_handler = interrupt };
	struct libshpt_populate how = orders->how;
	char done[AMOUNT_BYTES], all[AMOUNT_BYTES];
	int err = 0;
	void *addr;

	addr = libshpt_map_attr(NULL, length, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0, &attr, sizeof(attr));
	if (addr == MAP_FAILED)
		die(EXIT_FAILURE, "cannot map %s: %s", title,
		    libshpt_errormsg());
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	how.progress = report;
	how.arg = &p;
	if (libshpt_populate(addr, length, &how, sizeof(how)))
		err = errno;
	if (p.bar)
		fputc('\n', stderr);
	format_amount(done, sizeof(done), (long long)p.done, orders->bytes);
	format_amount(all, sizeof(all), (long long)length, orders->bytes);
	if (err == ECANCELED)
		die(EXIT_FAILURE,
		    "interrupted: %s: %s of %s are populated and stay so",
		    title, done, all);
	if (err)
		die(EXIT_FAILURE, "%s: %s of %s are populated: %s", title, done,
		    all, libshpt_errormsg());
	printf("%s: %s populated\n", title, all);
	libshpt_unmap(addr, length);
}

static void populate_it(const struct steering *s, const struct orders *orders)
{
	char *title = region_title(&s->region);
	char all[AMOUNT_BYTES];
	int fd;

	if (!s->region.backing_bytes)
		die(EXIT_FAILURE,
		    "the file of %s is empty: give it its size "
		    "first",
		    title);
	check_path(s, title);
	if (s->dry_run) {
		format_amount(all, sizeof(all),
			      (long long)s->region.backing_bytes,
			      orders->bytes);
		printf("would populate %s: %s\n", title, all);
	} else {
		fd = open_to_map(s, title);
		populate_fd(fd, title, s->region.backing_bytes, orders);
		close(fd);
	}
	free(title);
}

static uint32_t parse_threads(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > MAX_THREADS)
		die(EXIT_USAGE, "'%s' is no number of threads from 1 to %d",
		    text, MAX_THREADS);
	return n;
}

int populate_region(int argc, char **argv)
{
	enum { THREADS = 256, WRITE };
	static const struct option options[] = {
		{ "threads", required_argument, NULL, THREADS },
		{ "write", no_argument, NULL, WRITE },
		{ "bytes", no_argument, NULL, 'b' },
		STEER_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct orders orders = { 0 };
	struct steering s = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "bhV", options, NULL)) != -1) {
		switch (c) {
		case THREADS:
			orders.how.threads = parse_threads(optarg);
			break;
		case WRITE:
			orders.how.flags = LIBSHPT_POPULATE_WRITE;
			break;
		case 'b':
			orders.bytes = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("shptctl " VERSION);
			return EXIT_SUCCESS;
		default:
			if (!steer_option(&s, c, optarg))
				die(EXIT_USAGE, "see shptctl populate --help");
		}
	}
	if (optind + 1 != argc)
		die(EXIT_USAGE, "one REGION or FILE is needed; see shptctl "
				"populate --help");
	steer_begin(&s);
	steer_find(&s, argv[optind]);
	populate_it(&s, &orders);
	steer_end(&s);
	return EXIT_SUCCESS;
}
