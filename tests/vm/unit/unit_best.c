/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit tests, with the best backend for each mapping. */
#include "unit.h"

int main(void)
{
	return unit_tests(NULL);
}
