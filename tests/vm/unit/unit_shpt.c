/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit tests, with what can be shared by the module shared by it. */
#include "unit.h"

int main(void)
{
	return unit_tests("shpt");
}
