// SPDX-License-Identifier: LGPL-2.1-or-later
/* say.c - what the person who preloads the library gets to read, on stderr */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

/* One write(2), without stdio, which the program may be using. If nobody listens
 * any more, the signal that tells so is not the program's business. */
static void write_line(const char *line, size_t n)
{
	static const struct timespec now;
	int saved = errno;
	struct calm calm;
	sigset_t sigpipe;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	calm_begin(&calm);
	if (write(STDERR_FILENO, line, n) < 0 && errno == EPIPE)
		sigtimedwait(&sigpipe, NULL, &now);
	calm_end(&calm);
	errno = saved;
}

void say(const char *format, ...)
{
	char line[640];
	va_list args;
	size_t n;

	n = snprintf(line, sizeof(line), "libshpt-preload[%d]: ", getpid());
	va_start(args, format);
	vsnprintf(line + n, sizeof(line) - 1 - n, format, args);
	va_end(args);
	n = strlen(line);
	line[n++] = '\n';
	write_line(line, n);
}

/* Once for each reason, which the errno stands for. */
static bool is_news(int err)
{
	static atomic_flag said[160];

	return (size_t)err >= sizeof(said) / sizeof(said[0]) ||
	       !atomic_flag_test_and_set(&said[err]);
}

void say_refused(const char *call, size_t length, int err, const char *why)
{
	if (is_news(err) || settings()->verbose)
		say("%s of %zu bytes is not shared: %s", call, length, why);
}

void say_given_up(const char *call, const void *addr)
{
	static atomic_flag said;

	if (!atomic_flag_test_and_set(&said) || settings()->verbose)
		say("%s cannot be had with shared page tables: the mapping at "
		    "%p is an ordinary one from now on",
		    call, addr);
}

void say_no_size(const char *text)
{
	static atomic_flag said;

	if (!atomic_flag_test_and_set(&said))
		say("LIBSHPT_MIN_SIZE=%s is no size: write a number, or one "
		    "with K, M or G, such as 64M, which is used now",
		    text);
}

/* Every mapping, or the first of the process and the children it forks. */
static bool is_told(void)
{
	static atomic_flag said;

	return settings()->verbose ||
	       (settings()->tell_first && !atomic_flag_test_and_set(&said));
}

/* What libshpt has made of it. */
void say_served(const char *call, size_t length, const void *addr)
{
	struct libshpt_info info;
	char region[32] = "";

	if (libshpt_info(addr, &info, sizeof(info)))
		return;
	if (info.region_id)
		snprintf(region, sizeof(region), ", region %llu",
			 (unsigned long long)info.region_id);
	if (info.why_errno && !settings()->any_backend)
		say_refused(call, length, info.why_errno, info.why);
	else if (is_told())
		say("%s of %zu bytes at %p: %s%s", call, length, addr,
		    libshpt_backend_name(info.backend), region);
}
