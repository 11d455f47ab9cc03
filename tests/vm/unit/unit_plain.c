/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit tests, with ordinary mappings though the module is there. */
#include "unit.h"

int main(void)
{
	return unit_tests("plain");
}
