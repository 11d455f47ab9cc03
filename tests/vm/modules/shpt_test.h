/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shpt_test.h - what the test-only module shpt_test does on request
 *
 * Open SHPT_TEST_DEVICE; what was registered through a descriptor goes when
 * that descriptor's last copy is closed. 0 if nothing else is said, or -1 and
 * errno.
 */
#ifndef SHPT_TEST_H
#define SHPT_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SHPT_TEST_DEVICE	"/dev/shpt_test"
#define SHPT_TEST_MAGIC		0xba

/* Watch the caller's address space as KVM does; EBUSY if already done. */
#define SHPT_TEST_NOTIFIER	_IO(SHPT_TEST_MAGIC, 1)

/* Watch a range of it as RDMA and HMM do; EBUSY if already done. */
struct shpt_test_range {
	__u64 start;
	__u64 bytes;
};
#define SHPT_TEST_INTERVAL	_IOW(SHPT_TEST_MAGIC, 2, struct shpt_test_range)

/*
 * Begin to look at the caller's page tables, as who watches a range does before:
 * through the descriptor's range, or else as if there were one whose insertion
 * nobody noticed. EINVAL: nothing was ever watched here, by whomever.
 */
#define SHPT_TEST_LOOK		_IO(SHPT_TEST_MAGIC, 13)

/* Watch no longer. */
#define SHPT_TEST_RELEASE	_IO(SHPT_TEST_MAGIC, 3)

/* Where the page tables that translate one of the caller's addresses lie. */
struct shpt_test_tables {
	__u64 addr;		/* in */
	__u64 pmd_frame;	/* out: of the PMD table; 0 if there is none */
	__s32 pmd_node;		/* out: its NUMA node, or -1 */
	__s32 pte_node;		/* out: the same of the PTE table */
};
#define SHPT_TEST_TABLES	_IOWR(SHPT_TEST_MAGIC, 9, struct shpt_test_tables)

/* For the self-test of the harness: make the kernel complain. */
#define SHPT_TEST_WARN		_IO(SHPT_TEST_MAGIC, 4)

/* For the same: count 1 MiB of page tables that nobody will give back. */
#define SHPT_TEST_LEAK		_IO(SHPT_TEST_MAGIC, 5)

/* For the same: forget a piece of memory. */
#define SHPT_TEST_FORGET	_IO(SHPT_TEST_MAGIC, 6)

/*
 * Touch the address that is the argument for writing, as callers of
 * get_user_pages() do that must not wait: 1 if the page was there or could be
 * had, 0 if not now.
 */
#define SHPT_TEST_TOUCH_NOWAIT	_IO(SHPT_TEST_MAGIC, 7)

/* The same, as callers do that cannot let go of the mmap_lock meanwhile. */
#define SHPT_TEST_TOUCH_LOCKED	_IO(SHPT_TEST_MAGIC, 8)

/*
 * Go to the PMD table that translates the address that is the argument, sleep
 * for two seconds, and read from it: 1 if it is the same table still, 0 if it
 * was freed. EFAULT: there is none.
 */
#define SHPT_TEST_WALK_SLOWLY	_IO(SHPT_TEST_MAGIC, 10)

/*
 * Look at the PTE table that translates the address that is the argument for
 * 300 ms, as one who holds the mmap_lock and the RCU read lock: 1 if it is a
 * page table still, 0 if it was freed. EAGAIN: there is none.
 */
#define SHPT_TEST_WATCH_PTES	_IO(SHPT_TEST_MAGIC, 11)

/*
 * Read a word of the caller's memory twice, 50 ms apart and with interrupts off
 * all the time, and a flag of his before the second time: 1 if the word could
 * be read though the flag was set, else 0. EAGAIN: not even the first time.
 */
struct shpt_test_words {
	__u64 word;
	__u64 flag;
};
#define SHPT_TEST_READ_TWICE	_IOW(SHPT_TEST_MAGIC, 12, struct shpt_test_words)

#endif /* SHPT_TEST_H */
