# SPDX-License-Identifier: GPL-2.0-only
#
# make history-saver  builds what writes histories whose sums are known

.PHONY: history-saver
test-programs history-saver: $(BUILD)/history-saver

$(BUILD)/history-saver: tests/history/saver.c $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a $(LDLIBS)

-include $(wildcard $(BUILD)/history-saver.d)
