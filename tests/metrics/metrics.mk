# SPDX-License-Identifier: GPL-2.0-only
#
# make check-metrics  tests what is served over HTTP; tests/bench/scrape asks the same server, of
#                     made-up counts

METRICS := $(BUILD)/metrics

.PHONY: metrics-server check-metrics
test-programs metrics-server: $(METRICS)/server

check-metrics: metrics-server
	$(Q)tests/metrics.sh

$(METRICS)/server: $(METRICS)/server.o $(METRICS)/fill.o $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(METRICS)/%.o: tests/metrics/%.c | $(METRICS)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(METRICS):
	$(Q)mkdir -p $@

-include $(wildcard $(METRICS)/*.d)
