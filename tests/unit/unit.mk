# SPDX-License-Identifier: GPL-2.0-only
#
# make check-unit  runs the unit tests (cmocka); none needs root or a VM

UNIT       := $(BUILD)/unit
UNIT_TESTS := $(patsubst tests/unit/test_%.c,$(UNIT)/test_%,$(wildcard tests/unit/test_*.c))

.PHONY: check-unit
test-programs: $(UNIT_TESTS)
check-unit: $(UNIT_TESTS)
	$(Q)tests/unit/run $(UNIT_TESTS)

$(UNIT)/test_%: tests/unit/test_%.c $(BUILD)/libkfunctrace.a | $(UNIT)
	$(say) TEST $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a \
		$(LDLIBS) -lcmocka

$(UNIT)/test_reload: override LDFLAGS += -Wl,--wrap=counting__reconfigure

$(UNIT):
	$(Q)mkdir -p $@

-include $(wildcard $(UNIT)/*.d)
