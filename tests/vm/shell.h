/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shell.h - commands of the shell, and what they print */
#ifndef SHPT_VM_SHELL_H
#define SHPT_VM_SHELL_H

#include "vmtest.h"

static char shell_out[4096]; /* the beginning of what the last one printed */

static inline __attribute__((format(printf, 1, 0)))
int vrun(const char *fmt, va_list ap)
{
	char cmd[4096];
	size_t n;
	FILE *f;

	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	f = popen(cmd, "re");
	CHECK(f, "popen: %s", strerror(errno));
	n = fread(shell_out, 1, sizeof(shell_out) - 1, f);
	shell_out[n] = 0;
	return WEXITSTATUS(pclose(f));
}

/* The exit status of a command. */
static inline __attribute__((format(printf, 1, 2)))
int run(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = vrun(fmt, ap);
	va_end(ap);
	return status;
}

/* The output of a command, which must succeed; NULL if it does not. */
static inline __attribute__((format(printf, 1, 2)))
const char *shell(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = vrun(fmt, ap);
	va_end(ap);
	return status ? NULL : shell_out;
}

#define MUST_RUN(...) ({						\
	const char *out_ = shell(__VA_ARGS__);				\
									\
	if (!out_)							\
		FAIL("%s failed", #__VA_ARGS__);			\
	out_;								\
})

#endif /* SHPT_VM_SHELL_H */
