/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shell.h - commands, and what they print */
#ifndef SHPT_VM_SHELL_H
#define SHPT_VM_SHELL_H

#include "vmtest.h"

/* The output of a command, which must succeed; NULL if it does not. */
static inline const char * __attribute__((format(printf, 1, 2)))
shell(const char *fmt, ...)
{
	static char out[4096];
	char cmd[4096];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	f = popen(cmd, "re");
	CHECK(f, "popen: %s", strerror(errno));
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	return pclose(f) ? NULL : out;
}

#define MUST_RUN(...) ({						\
	const char *out_ = shell(__VA_ARGS__);				\
									\
	if (!out_)							\
		FAIL("%s failed", #__VA_ARGS__);			\
	out_;								\
})

#endif /* SHPT_VM_SHELL_H */
