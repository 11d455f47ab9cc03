// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * private.c - libshpt_break(), and the handler of SIGSEGV that does the same
 *
 * A private guest maps the file for reading only. Breaking a chunk replaces it
 * by a private mapping of the file that can be written to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "internal.h"

static struct guest *watched; /* under the guests' lock */
static struct sigaction programs; /* the program's own handler */

bool is_private(const struct request *req)
{
	return req->attr->flags & LIBSHPT_PRIVATE;
}

static int refuse_shared(const struct mapping *m, struct reason *why)
{
	return refuse(why, EINVAL,
		      "the mapping of %zu bytes at %#zx is shared with other "
		      "processes: only what was mapped with LIBSHPT_PRIVATE "
		      "can be broken",
		      m->length, (size_t)m->addr);
}

static int break_range(struct range range, struct reason *why)
{
	struct mapping *m = NULL;
	bool found = false;

	while ((m = table_next(m, range))) {
		if (m->guest && !m->guest->is_private)
			return refuse_shared(m, why);
		found = true;
	}
	if (!found)
		return refuse(why, ENOENT,
			      "no mapping of libshpt is at %#zx: pass an "
			      "address that libshpt_map_attr() returned",
			      (size_t)range.start);
	return replace_chunks(range, why);
}

LIBSHPT_EXPORT int libshpt_break(void *addr, size_t length)
{
	struct reason why;
	int err;

	if (check_range((uintptr_t)addr, length, &why))
		return fail_with(&why);
	table_lock();
	err = break_range(own_pages((uintptr_t)addr, length), &why);
	table_unlock();
	return err ? fail_with(&why) : 0;
}

/* For who populates for writing: he is about to write. Call with the table's
 * lock held. */
int break_writable(struct range range, struct reason *why)
{
	struct mapping *m = NULL;

	while ((m = table_next(m, range))) {
		struct range part = m->taken;

		if (!m->guest || !m->guest->is_private)
			continue;
		if (part.start < range.start)
			part.start = range.start;
		if (part.end > range.end)
			part.end = range.end;
		if (replace_chunks(part, why))
			return -1;
	}
	return 0;
}

/* Did the access that raised the signal want to write? */
static bool is_write(const void *context)
{
#ifdef __x86_64__
	const ucontext_t *user = context;

	return user->uc_mcontext.gregs[REG_ERR] & 2;
#else
	/* The kernel part is for x86-64: there are no guests here. */
	(void)context;
	return false;
#endif
}

/*
 * Returns whether the access can be tried again. Another thread may have broken
 * the chunk since it was made, so it is the page that decides.
 */
static bool break_at(uintptr_t addr)
{
	uintptr_t page = addr & ~(page_bytes() - 1);
	struct guest *guest;
	bool ours = false;

	guest_lock();
	for (guest = watched; guest; guest = guest->next) {
		if (addr < guest->range.start || guest->range.end <= addr)
			continue;
		ours = chunk_at(guest, addr)->prot & PROT_WRITE &&
		       replace_chunk(guest, addr) == 0;
		break;
	}
	guest_unlock();
	/* EINVAL: it is not writable. Anything else shows when it is tried. */
	return ours &&
	       (madvise((void *)page, page_bytes(), MADV_POPULATE_WRITE) == 0 ||
		errno != EINVAL);
}

/* As if there were no other handler than the program's own. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	static const struct sigaction by_default = { .sa_handler = SIG_DFL };
	const struct sigaction handler = programs;
	bool sent = info->si_code <= 0;
	sigset_t itself;

	if (handler.sa_handler == SIG_IGN && sent)
		return;
	/* A fault is not ignored. Back from here it comes again. */
	if (handler.sa_handler == SIG_DFL || handler.sa_handler == SIG_IGN) {
		sigaction(sig, &by_default, NULL);
		if (sent)
			raise(sig);
		return;
	}
	if (handler.sa_flags & SA_RESETHAND)
		programs.sa_handler = SIG_DFL;
	pthread_sigmask(SIG_BLOCK, &handler.sa_mask, NULL);
	if (handler.sa_flags & SA_NODEFER) {
		sigemptyset(&itself);
		sigaddset(&itself, sig);
		pthread_sigmask(SIG_UNBLOCK, &itself, NULL);
	}
	if (handler.sa_flags & SA_SIGINFO)
		handler.sa_sigaction(sig, info, context);
	else
		handler.sa_handler(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	bool done = info->si_code == SEGV_ACCERR && is_write(context) &&
		    break_at((uintptr_t)info->si_addr);

	errno = saved;
	if (!done)
		pass_on(sig, info, context);
}

/* Once; what the program has is noted before it can be needed. Call with the
 * guest's lock held, which no fork(2) comes into the middle of. */
static void install(void)
{
	static bool installed;
	struct sigaction ours = { .sa_sigaction = on_fault };

	if (installed)
		return;
	installed = true;
	sigaction(SIGSEGV, NULL, &programs);
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK |
			(programs.sa_flags & SA_RESTART);
	sigaction(SIGSEGV, &ours, NULL);
}

/* From now on a write to @guest breaks the chunk. */
void watch_writes(struct guest *guest)
{
	guest_lock();
	install();
	guest->next = watched;
	watched = guest;
	guest_unlock();
}

/* Call with the guest's lock held. */
void unwatch_writes(const struct guest *guest)
{
	struct guest **link = &watched;

	while (*link && *link != guest)
		link = &(*link)->next;
	if (*link)
		*link = guest->next;
}
