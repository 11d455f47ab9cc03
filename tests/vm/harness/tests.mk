# SPDX-License-Identifier: GPL-2.0-or-later
# tests.mk - builds the test programs that run in the VM, one from each .c file
#
#	make -f tests.mk FROM=folder TO=folder SRC=checkout TREE=built-tree NAMES=...
#
# A test names further libraries in a line such as /* libs: -luring */.

CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Wshadow \
	 -Wstrict-prototypes -Wmissing-prototypes -Werror -pthread -D_GNU_SOURCE
CPPFLAGS = -I$(SRC)/kernel/uapi -I$(SRC)/libshpt -I$(SRC)/tests/vm \
	   -I$(SRC)/tests/vm/modules -I$(TREE)/kernel/include
# What would be lost with _exit(2) is to be counted.
ifdef SHPT_COVERAGE
CPPFLAGS += -D_exit=exit
endif
LDFLAGS = -L$(TREE)/libshpt/.libs -Wl,-rpath,$(TREE)/libshpt/.libs \
	  -Wl,--as-needed

all: $(NAMES:%=$(TO)/%)

$(TO)/%: $(FROM)/%.c $(wildcard $(FROM)/*.h $(SRC)/tests/vm/*.h \
			$(SRC)/tests/vm/modules/*.h $(SRC)/kernel/uapi/*.h \
			$(SRC)/libshpt/libshpt.h $(SRC)/tests/unit/*.h)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lshpt \
		$(shell sed -n 's|^/\* libs: \(.*\) \*/$$|\1|p' $<)

.PHONY: all
