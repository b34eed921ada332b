# SPDX-License-Identifier: GPL-2.0
#
# make help tells the targets; V=1 shows the commands.

VERSION := $(shell cat VERSION)
build := build

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS ?= -O2 -g
warnings := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	    -Wshadow -Wvla -Wformat=2
cppflags := -D_GNU_SOURCE -DTCPSTATE_VERSION='"$(VERSION)"' \
	    -Iinclude/uapi -Iinclude -Iuserspace -I$(build)
cflags := -std=gnu11 $(warnings) -fno-strict-aliasing $(CFLAGS)

ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
MAKEFLAGS += --no-print-directory
endif

uapi := $(wildcard include/uapi/linux/*.h)

# What is not in every minimal system goes into the one file.
static_libs := -Wl,-Bstatic -lbpf -lelf -lzstd -lz -Wl,-Bdynamic

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all userspace bpf kmod deps watch check check-quick check-unit \
	check-native check-vm check-debug bench bench-programs install clean help

all:
	$(Q)scripts/build-all

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make              build everything that the machine's packages allow
#: make watch        install what is missing, build, watch this host (root)
#: make check        install what is missing, run all tests (root)
#: make check-quick  unit tests, and the BPF source on this kernel (root)
#: make fuzz         build/fuzz/*, which tests/check runs for a minute each
#: make check-vm     the tests on stock 6.1 and 6.12 kernels in qemu
#: make check-debug  the module on a 6.12 that checks its memory and locks
#: make userspace    build/tcpstate-watch, the BPF object inside
#: make kmod         build/tcpstate.ko; KDIR=.. for other kernel headers
#: make deps         install the packages that building and testing need
#: make bench        cost of watching, beside what else there is, and its limits;
#:                   ROUNDS=4 is faster
#: make install      to DESTDIR and PREFIX (/usr/local)
#: make clean        remove build/

# ---- the BPF objects, and their skeletons ----

bpf: $(build)/tcpstate.bpf.o $(build)/holders.bpf.o

multiarch = $(shell $(CC) -print-multiarch)
bpf_arch = $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))

$(build)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) $(uapi)
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -std=gnu11 -Wall -Werror -target bpf -mcpu=v3 \
		-D__TARGET_ARCH_$(bpf_arch) -Iinclude/uapi \
		-I/usr/include/$(multiarch) -c $< -o $@

$(build)/%.skel.h: $(build)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- userspace ----

sources := $(wildcard userspace/*.c userspace/*/*.c)
objects := $(sources:%.c=$(build)/%.o)
engine := $(build)/libengine.a
engine_objects := $(filter $(build)/userspace/engine/%,$(objects))
# Everything but main(), for the unit tests.
library := $(build)/libtcpstate.a

userspace: $(build)/tcpstate-watch

$(build)/userspace/%.o: userspace/%.c VERSION
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(cppflags) -MMD -MP -c $< -o $@

$(build)/userspace/source/source_bpf.o: $(build)/tcpstate.skel.h
$(build)/userspace/source/holders_bpf.o: $(build)/holders.skel.h

$(engine): $(engine_objects)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(library): $(filter-out %/main.o,$(objects))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(build)/tcpstate-watch: $(objects)
	$(call say,LD,$@)
	$(Q)$(CC) $(cflags) $(LDFLAGS) $^ -o $@ $(static_libs) -lpthread

-include $(objects:.o=.d)

# ---- the module ----

# The running kernel's headers, otherwise the newest installed.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -d /usr/src/linux-headers-*-$(shell dpkg --print-architecture \
		2>/dev/null || uname -m) 2>/dev/null | sort -V | tail -n 1))

OUT ?= $(CURDIR)/$(build)

kmod:
	$(if $(KDIR),,$(error no kernel headers are installed: make deps))
	$(call say,KMOD,$(OUT)/tcpstate.ko)
	$(Q)$(MAKE) -C kmod KDIR=$(KDIR) OUT=$(OUT) V=$(V)

# ---- unit tests ----

unit_tests := $(patsubst tests/unit/%.c,$(build)/unit/%, \
	      $(wildcard tests/unit/test_*.c))

$(build)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(library)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -Wno-missing-prototypes $(cppflags) -Itests/unit \
		$< -o $@ $(library) $(static_libs) -lcmocka -lpthread

unit-tests: $(unit_tests) $(build)/tcpstate-watch

# ---- fuzzing ----

# With clang's fuzzer, address and undefined behaviour sanitizers.
fuzzers := $(patsubst tests/fuzz/%.c,$(build)/fuzz/%, \
	   $(wildcard tests/fuzz/fuzz_*.c))
fuzz_flags := -fsanitize=fuzzer,address,undefined \
	      -fno-sanitize-recover=undefined -O1 -g -std=gnu11 \
	      -fno-strict-aliasing -Wall -Wextra -Werror \
	      -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

$(build)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h \
		$(wildcard userspace/engine/*.[ch]) \
		userspace/recording_reader.c userspace/recording_writer.c
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz_flags) $(cppflags) -Itests/fuzz \
		$(filter %.c,$^) -o $@ -lzstd -lz

.PHONY: fuzz
fuzz: $(fuzzers)

# ---- everything together ----

deps:
	$(Q)scripts/install-deps

watch:
	$(Q)scripts/install-deps build
	$(Q)scripts/build-all
	$(Q)scripts/watch

check:
	$(Q)scripts/install-deps
	$(Q)scripts/build-all
	$(Q)tests/check all

check-quick:
	$(Q)$(MAKE) userspace unit-tests fuzz
	$(Q)tests/check quick

check-vm:
	$(Q)$(MAKE) userspace
	$(Q)tests/check vm

check-debug:
	$(Q)scripts/install-deps debug
	$(Q)$(MAKE) userspace
	$(Q)tests/check debug

# ---- what it costs ----

bench_programs := $(addprefix $(build)/bench/,load engine recording empty \
		  empty.bpf.o)

$(build)/bench/%.bpf.o: tests/bench/%.bpf.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -std=gnu11 -Wall -Werror -target bpf -mcpu=v3 \
		-D__TARGET_ARCH_$(bpf_arch) -I/usr/include/$(multiarch) -c $< -o $@

$(build)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(cppflags) $< $(filter %.a,$^) -o $@ $(static_libs)

$(build)/bench/engine: $(engine) tests/bench/connection.h
$(build)/bench/recording: $(library) tests/bench/connection.h

bench-programs: userspace $(bench_programs)

ROUNDS ?= 9
bench:
	$(Q)scripts/install-deps bench
	$(Q)$(MAKE) bench-programs
	$(Q)tests/bench/compare --rounds $(ROUNDS) \
		--json $(build)/bench/compare.json --svg $(build)/bench/compare.svg
	$(Q)tests/bench/instructions --json $(build)/bench/instructions.json
	$(Q)$(build)/bench/engine
	$(Q)tests/bench/curves --instructions $(build)/bench/instructions.json \
		--json $(build)/bench/curves.json --svg $(build)/bench/curves.svg
	$(Q)tests/bench/limits
	$(Q)tests/bench/report
	$(Q)tests/bench/goals --compare $(build)/bench/compare.json \
		--instructions $(build)/bench/instructions.json \
		--json $(build)/bench/goals.json

PREFIX ?= /usr/local
install: $(build)/tcpstate-watch
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/sbin/tcpstate-watch
	install -D -m 644 packaging/watch.conf \
		$(DESTDIR)$(PREFIX)/share/doc/tcpstate/watch.conf

clean:
	rm -rf $(build)
