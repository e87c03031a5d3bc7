# SPDX-License-Identifier: GPL-2.0-only
#
# make check-fleet  a simulated fleet, and a real host in a VM, scraped by Prometheus and VictoriaMetrics

FLEET := $(BUILD)/fleet

.PHONY: fleet check-fleet
test-programs bench fleet: $(FLEET)/fleet-simulator

check-fleet: kfunctrace fleet workloads
	$(Q)tests/fleet.sh && tests/fleet-vm.sh

$(FLEET)/fleet-simulator: tests/fleet/simulator.c $(BUILD)/libkfunctrace.a | $(FLEET)
	$(say) TEST $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libkfunctrace.a \
		$(LDLIBS)

$(FLEET):
	$(Q)mkdir -p $@

-include $(wildcard $(FLEET)/*.d)
