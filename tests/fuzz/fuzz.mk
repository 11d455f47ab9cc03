# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.mk - builds the targets, one from each .c file here but fuzz.c, and a
# shptctl with the same sanitizers
#
#	make -f fuzz.mk SRC=checkout TREE=built-tree TO=folder [TARGETS=...]

CC = clang
FUZZ = $(SRC)/tests/fuzz
TARGETS = $(filter-out fuzz,$(notdir $(basename $(wildcard $(FUZZ)/*.c))))
SANITIZERS = address,undefined,float-cast-overflow
CFLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer -pthread -Wall -Wextra \
	 -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	 -fsanitize=fuzzer-no-link,$(SANITIZERS) -fno-sanitize-recover=all
libraries = jansson libdaxctl ncursesw numa smartcols
CPPFLAGS = -I$(SRC)/libshpt -I$(SRC)/tools -I$(TREE)/kernel/include \
	   -DVERSION='"0.0.0"' -DPACKAGE_VERSION='"0.0.0"' \
	   -DLIBDIR='"/usr/lib"' -DSYSCONFDIR='"/etc"' \
	   -DDONOR_PATH='"/usr/libexec/shpt/shpt-donor"' \
	   $(shell pkg-config --cflags $(libraries))
LIBS = $(shell pkg-config --libs $(libraries)) -lm

# With all its libraries, and so without libshpt/alone.c.
library = $(filter-out alone,\
	    $(notdir $(basename $(wildcard $(SRC)/libshpt/*.c))))
tools = $(filter-out fake-device share-memory shpt-donor,\
	  $(notdir $(basename $(wildcard $(SRC)/tools/*.c))))
bench = $(patsubst $(SRC)/bench/%.c,%,\
	  $(wildcard $(SRC)/bench/*.c $(SRC)/bench/report/*.c))

headers = $(wildcard $(SRC)/libshpt/*.h $(SRC)/libshpt/preload/*.h \
	    $(SRC)/tools/*.h $(SRC)/bench/*.h $(SRC)/bench/report/*.h \
	    $(SRC)/kernel/uapi/*.h $(FUZZ)/*.h)

all: $(TARGETS:%=$(TO)/%) $(TO)/shptctl

# Without linking, for who looks at the sources.
objects: $(TARGETS:%=$(TO)/%.o) $(TO)/fuzz.o

$(TO)/%.o: $(FUZZ)/%.c $(headers) $(wildcard $(SRC)/*/*.c $(SRC)/*/*/*.c)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define archive
$(TO)/$(1)/%.o: $(SRC)/$(1)/%.c $(headers)
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $$@ $$<

$(TO)/$(1).a: $(2:%=$(TO)/$(1)/%.o)
	rm -f $$@
	ar cr $$@ $$^
endef
$(eval $(call archive,libshpt,$(library)))
$(eval $(call archive,tools,$(filter-out main,$(tools)) command))
$(eval $(call archive,bench,$(filter-out main,$(bench)) command))

# libFuzzer has the program's main().
$(TO)/%/command.o: $(TO)/%/main.o
	objcopy --redefine-sym main=command_main $< $@

# Both the command and the benchmark have a die(), for one.
parts = $(TO)/tools.a
$(TO)/bench_%: parts = $(TO)/bench.a

$(TARGETS:%=$(TO)/%): $(TO)/%: $(TO)/%.o $(TO)/fuzz.o $(TO)/tools.a \
		      $(TO)/bench.a $(TO)/libshpt.a
	$(CC) $(CFLAGS) -fsanitize=fuzzer -Wl,--wrap=exit -o $@ $< $(TO)/fuzz.o \
		$(parts) $(TO)/libshpt.a $(LIBS)

$(TO)/shptctl: $(TO)/tools/main.o $(TO)/tools.a $(TO)/libshpt.a
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

.PHONY: all objects
