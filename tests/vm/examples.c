/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The example programs of libshpt, with the module: they share page tables,
 * know what is persistent, and on which node what is. "make check" runs them
 * without it.
 */
#include "numa.h"
#include "preload.h"

/* The output of a program, with all that it takes to look for. */
static const char *output_of(const char *name, const char *args)
{
	static char out[8192];
	int dir = (int)(strstr(preload_path(), ".libs/") - preload_path());
	char cmd[4500];
	size_t n;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%.*sexamples/%s", dir, preload_path(),
		 name);
	if (access(cmd, X_OK))
		SKIP("%s is missing: apt-get install libpmem-dev, then "
		     "configure again", cmd);
	snprintf(cmd + strlen(cmd), sizeof(cmd) - strlen(cmd), " %s 2>&1",
		 args);
	f = popen(cmd, "re");
	CHECK(f, "popen: %s", strerror(errno));
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	CHECK(pclose(f) == 0, "%s failed:\n%s", cmd, out);
	return out;
}

__attribute__((format(printf, 3, 4)))
static void check_says(const char *out, int times, const char *fmt, ...)
{
	char text[512];
	int found = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (const char *p = out; (p = strstr(p, text)); p++)
		found++;
	CHECK(found == times, "found %d times instead of %d: \"%s\" in\n%s",
	      found, times, text, out);
}

static void hello(const char *folder)
{
	char path[256];
	const char *out;

	snprintf(path, sizeof(path), "%s/hello", folder);
	out = output_of("hello", path);
	check_says(out, 1, "hello, all who map this file\n");
	check_says(out, 1,
		   "backend shpt\n3145728 bytes have shared page tables\n");
	check_says(out, 0, "no better backend");
	MUST(unlink(path));
}

static void workers(const char *args)
{
	const char *out = output_of("workers", args);

	check_says(out, 3, "; shpt, 16 of 16 MiB by shared page tables\n");
	check_says(out, 1, "\n16380 requests served\n");
}

static void journal(const char *path, const char *is)
{
	char args[256];
	const char *out;

	snprintf(args, sizeof(args), "%s one", path);
	output_of("dax", args);
	snprintf(args, sizeof(args), "%s 'two and more'", path);
	out = output_of("dax", args);
	check_says(out, 1, "%s: backend shpt, %s\none\ntwo and more\n", path,
		   is);
}

static void numa(void)
{
	const char *out = output_of("numa", "");
	int nodes = nr_nodes(), node;

	check_says(out, 2 + 2 * nodes, ": backend shpt, data on node ");
	for (node = 0; node < nodes; node++) {
		check_says(out, 1,
			   "fixed on %d: backend shpt, data on node %d, tables on node %d\n",
			   node, node, node);
		check_says(out, 1,
			   "local to %d: backend shpt, data on node %d, ",
			   node, node);
	}
}

#define PERSISTENT	"persistent, flushed by libpmem"
#define NOT_PERSISTENT	"not persistent, written by libshpt_sync()"

static void test(int kind)
{
	char path[256];

	switch (kind) {
	case MEMFD:
		hello("/dev/shm");
		workers("3");
		journal("/dev/shm/journal", NOT_PERSISTENT);
		numa();
		break;
	case DAX:
		hello(test_env("SHPT_TEST_DAX"));
		snprintf(path, sizeof(path), "3 %s/pool",
			 test_env("SHPT_TEST_DAX"));
		workers(path);
		snprintf(path, sizeof(path), "%s/journal",
			 test_env("SHPT_TEST_DAX"));
		journal(path, PERSISTENT);
		snprintf(path, sizeof(path), "%s/journal",
			 test_env("SHPT_TEST_DAX_ASYNC"));
		journal(path, NOT_PERSISTENT);
		break;
	case DEVDAX:
		close(backing(kind, 2 * MIB));
		journal(test_env("SHPT_TEST_DEVDAX"), PERSISTENT);
		break;
	}
}

int main(void)
{
	return vmtest(test, MEMFD | DAX | DEVDAX, 60);
}
