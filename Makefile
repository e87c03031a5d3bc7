# SPDX-License-Identifier: GPL-2.0-only
#
# make            builds ./kfunctrace
# make check      installs what is missing, builds, runs all tests
# make check-fuzz runs the fuzz targets
# make man        builds the manual pages
# make install    into PREFIX (/usr/local), below DESTDIR
# make module     builds the kernel modules, see Documentation/module.rst
# make V=1        shows the commands

CLANG     ?= clang-19
BPFTOOL   ?= bpftool
BUILD     := build
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

CFLAGS    ?= -O2 -g
# Empty before scripts/deps has run.
TRACE_CFLAGS := $(shell pkg-config --cflags libtracecmd libtraceevent 2>/dev/null)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
	-I$(BUILD) -Iuserspace $(TRACE_CFLAGS) $(CFLAGS)
LDLIBS    := -lbpf -lelf -lz -ljansson -lcap -larchive -linih \
	-lsqlite3 -lmicrohttpd -lcap-ng -lcurl -lsystemd \
	$(shell pkg-config --libs libtracecmd libtraceevent 2>/dev/null)

# -mcpu=v3: compare-and-swap. <asm/types.h> lives in a folder of the host's architecture.
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Wno-unused-parameter \
	-Werror -Itracepoints -I/usr/include/$(shell gcc -print-multiarch)

ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-7s %s\n'
endif

BPF_OBJECTS := $(patsubst tracepoints/%.bpf.c,%,$(wildcard tracepoints/*.bpf.c))
SKELETONS   := $(BPF_OBJECTS:%=$(BUILD)/%.skel.h)
# Everything but main(), so that the unit tests can link what they test.
LIB_OBJECTS := $(patsubst userspace/%.c,$(BUILD)/%.o,$(filter-out userspace/main.c,$(wildcard userspace/*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all clean
all: kfunctrace

kfunctrace: $(BUILD)/main.o $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libkfunctrace.a: $(LIB_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: userspace/%.c | $(SKELETONS)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Compiled again when the version has changed, and only then.
$(BUILD)/version.o: ALL_CFLAGS += -DKFUNCTRACE_VERSION='"$(VERSION)"'
$(BUILD)/version.o: $(BUILD)/version
$(BUILD)/version: FORCE | $(BUILD)
	$(Q)echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
.PHONY: FORCE
FORCE:

$(BUILD)/%.bpf.o: tracepoints/%.bpf.c | $(BUILD)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(BUILD)/$*.bpf.d -c $< -o $@

# A callee-saved register that the miss path uses is pushed on the fast path: rather spill.
$(BUILD)/probe.bpf.o: BPF_CFLAGS += -mllvm -regalloc-csr-first-time-cost=1000000

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD):
	$(Q)mkdir -p $@

include Documentation/man.mk

PREFIX  ?= /usr/local
DESTDIR ?=
DATA    := $(DESTDIR)$(PREFIX)/share/kfunctrace
UNITS   := $(PREFIX)/lib/systemd/system

.PHONY: install
install: kfunctrace man
	$(say) INSTALL $(DESTDIR)$(PREFIX)
	$(Q)install -D kfunctrace $(DESTDIR)$(PREFIX)/bin/kfunctrace
	$(Q)cd share && find . -type f -not -path './systemd/*' -exec install -D -m 644 {} $(DATA)/{} \;
	$(Q)install -d $(DESTDIR)$(UNITS)
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' share/systemd/kfunctrace.service > $(DESTDIR)$(UNITS)/kfunctrace.service
	$(Q)chmod 644 $(DESTDIR)$(UNITS)/kfunctrace.service
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8
	$(Q)install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5
	$(Q)install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8

include module/module.mk
include tests/unit/unit.mk

# A fresh machine can neither build nor include what it has not installed: first things first. All is
# built before tests run beside each other, so that no two of them build the same.
.PHONY: check check-all test-programs
check:
	$(Q)scripts/deps
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) all workloads test-programs
	$(Q)$(MAKE) --no-print-directory check-all

check-all:
	$(Q)tests/run \
		"VM script=tests/scripts/vm.sh" \
		"unit=$(MAKE) --no-print-directory check-unit" \
		"documentation=tests/docs.sh" \
		"kernels that come with it=tests/kernels.sh" \
		"lint=tests/lint.sh" \
		"deprecations=tests/deprecations.sh" \
		"pages in a browser=tests/html.sh" \
		"kernels in files=tests/snapshot-image.sh" \
		"doctor on this machine=tests/doctor-native.sh" \
		"users on this machine=tests/users-native.sh" \
		"parts of the aggregator=tests/daemon.sh" \
		"BPF objects against kernels=tests/check.sh" \
		"fetching kernels=tests/scripts/kernel.sh" \
		"kernel modules=tests/scripts/module.sh" \
		"recordings of events=tests/perf-script.sh" \
		"the history=tests/history.sh" \
		"metrics over HTTP=$(MAKE) --no-print-directory check-metrics" \
		"fuzzing=$(MAKE) --no-print-directory check-fuzz FUZZ_SECONDS=5" \
		"a fleet=$(MAKE) --no-print-directory check-fleet" \
		--alone \
		"kernels in VMs=$(MAKE) --no-print-directory check-vm" \
		"instruction counts=$(MAKE) --no-print-directory check-bench"

clean:
	$(Q)rm -rf $(BUILD) kfunctrace

-include $(wildcard $(BUILD)/*.d)

include tests/tests.mk
include tests/pages/pages.mk
include tests/history/history.mk
include tests/daemon/daemon.mk
include tests/objects/objects.mk
include tests/metrics/metrics.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/fleet/fleet.mk
