# SPDX-License-Identifier: GPL-2.0-only
#
# make sample-report  builds what makes up reports for tests of their forms

.PHONY: sample-report
test-programs sample-report: $(BUILD)/sample-report

$(BUILD)/sample-report: tests/pages/sample_report.c $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a \
		$(LDLIBS) -lm
