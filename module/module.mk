# SPDX-License-Identifier: GPL-2.0-only
#
# make module                builds the kernel modules for the running kernel
# make module KDIR=FOLDER    for another kernel: that of these headers; W=1 and C=1 as with kbuild

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL_RELEASE = $(shell sed -n 's/^\#define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
MODULE_SOURCES := Kbuild $(wildcard module/*.[ch] tracepoints/*.h)

# Kbuild writes next to its sources, and only from 6.13 on elsewhere: so it gets links to them.
.PHONY: module module-sources
module: module-sources
	$(say) MODULE $(MODULE_BUILD)
	$(Q)$(MAKE) --no-print-directory -C $(KDIR) M=$(abspath $(MODULE_BUILD)) modules

MODULE_BUILD = $(BUILD)/module/$(KERNEL_RELEASE)
module-sources:
	$(Q)test -n "$(KERNEL_RELEASE)" || { \
		echo "make module: no kernel headers in $(KDIR);" \
			"install linux-headers-$$(uname -r) or name another folder with KDIR=" >&2; exit 1; }
	$(Q)for file in $(MODULE_SOURCES); do \
		mkdir -p $(MODULE_BUILD)/$$(dirname $$file) && \
		ln -sf $(CURDIR)/$$file $(MODULE_BUILD)/$$file || exit; \
	done
