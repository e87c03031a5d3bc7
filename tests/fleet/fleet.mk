# SPDX-License-Identifier: GPL-2.0-only
#
# make check-fleet  a simulated fleet, scraped by Prometheus and VictoriaMetrics on this machine

FLEET := $(BUILD)/fleet

.PHONY: fleet check-fleet
fleet: $(FLEET)/fleet-simulator

check-fleet: kfunctrace fleet
	$(Q)tests/fleet.sh

$(FLEET)/fleet-simulator: tests/fleet/simulator.c $(BUILD)/libkfunctrace.a | $(FLEET)
	$(say) TEST $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a \
		$(LDLIBS)

$(FLEET):
	$(Q)mkdir -p $@

-include $(wildcard $(FLEET)/*.d)
