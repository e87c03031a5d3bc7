# SPDX-License-Identifier: GPL-2.0-only
#
# What tests/daemon.sh runs parts of the aggregator with.

test-programs: $(BUILD)/daemon/parts

$(BUILD)/daemon/parts: tests/daemon/parts.c $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a $(LDLIBS)

-include $(BUILD)/daemon/parts.d
