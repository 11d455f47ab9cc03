/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shptctl registers a file, lists it with its name, owner and mode, and
 * unregisters it by name, number or path; what it cannot do it says, with what
 * to do instead.
 */
#include "registry.h"
#include "shell.h"

static char path[128];

#define CHECK_RUN(status, text, ...) do {				\
	int got_ = run(__VA_ARGS__);					\
									\
	CHECK(got_ == (status) && strstr(shell_out, text),			\
	      "%s: status %d and '%s', expected %d and '%s'",		\
	      #__VA_ARGS__, got_, shell_out, status, text);			\
} while (0)

static void test(int kind)
{
	uint64_t id;
	int fd;

	forget_all();
	(void)kind;
	snprintf(path, sizeof(path), "/dev/shm/vmtest %d", getpid());
	fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(ftruncate(fd, CHUNK));

	CHECK_RUN(0, "", "shptctl register --name /vmtest --mode 0660 '%s'",
		  path);
	id = find_region("name", "vmtest");
	CHECK(id, "no region has the name");
	/* The shell's umask has its say. */
	CHECK_RUN(0, "vmtest root  0640", "shptctl list -no NAME,OWNER,MODE");
	CHECK_RUN(1, "is registered already", "shptctl register '%s' 2>&1",
		  path);
	CHECK_RUN(1, "as 'vmtest': choose another name",
		  "f=$(mktemp -p /dev/shm) && echo >$f && "
		  "shptctl register --name vmtest $f 2>&1; s=$?; rm $f; exit $s");
	CHECK_RUN(2, "is no name", "shptctl register --name a/b '%s' 2>&1",
		  path);
	CHECK_RUN(1, "no file on tmpfs",
		  "shptctl register /etc/hostname 2>&1");
	CHECK_RUN(0, "", "shptctl unregister vmtest");
	GONE(id);

	CHECK_RUN(0, "", "shptctl register '%s'", path);
	id = find_region("backing", path);
	CHECK_RUN(0, "", "shptctl unregister %llu", (long long)id);
	GONE(id);
	CHECK_RUN(1, "there is no region",
		  "shptctl unregister %llu 2>&1", (long long)id);
	CHECK_RUN(0, "", "shptctl register --name 12 '%s'", path);
	CHECK_RUN(0, "", "shptctl unregister 12");
	CHECK_RUN(0, "", "shptctl register '%s'", path);
	CHECK_RUN(0, "", "shptctl unregister '%s'", path);
	CHECK_RUN(1, "is not registered", "shptctl unregister '%s' 2>&1", path);
	CHECK_RUN(0, "", "shptctl register '%s'", path);
	CHECK_RUN(0, "", "shptctl unregister --all");
	CHECK_EQ(fact("registered"), 0);
	CHECK_RUN(1, "cannot open vmtest", "shptctl unregister vmtest 2>&1");
	MUST(unlink(path));
}

int main(void)
{
	return vmtest(test, MEMFD, 55);
}
