/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mprotect(2) of a guest, of all of it or of a part, is refused with EINVAL
 * and changes nothing. (PROT_EXEC never gets as far: the core answers EACCES.)
 */
#include "vmtest.h"

#define BYTES	(1 * MIB)

static void test(int kind)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_WRITE,
				     PROT_READ | PROT_WRITE };
	int fd = backing(kind, 2 * CHUNK);
	char line[1024];
	unsigned int i;
	char *p;

	p = map_guest(fd, 2);
	for (int touched = 0; touched < 2; touched++) {
		snprintf(line, sizeof(line), "%s", maps_line(p));
		for (i = 0; i < sizeof(prots) / sizeof(*prots); i++) {
			MUST_FAIL(mprotect(p, 2 * CHUNK, prots[i]), EINVAL);
			MUST_FAIL(mprotect(p, CHUNK, prots[i]), EINVAL);
			MUST_FAIL(mprotect(p + PAGE, PAGE, prots[i]), EINVAL);
			MUST_FAIL(mprotect(p + CHUNK - PAGE, 2 * PAGE,
					   prots[i]), EINVAL);
			CHECK(!strcmp(line, maps_line(p)),
			      "mprotect changed '%s' to '%s'", line,
			      maps_line(p));
		}
		MUST_FAIL(mprotect(p, CHUNK, PROT_READ | PROT_EXEC), EACCES);
		stamp(p, BYTES, touched);
		stamp(p + CHUNK, BYTES, touched);
		CHECK_EQ(linked_chunks(p), 2);
	}
	CHECK_STAMP(p, BYTES, 1);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
