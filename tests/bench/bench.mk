# SPDX-License-Identifier: GPL-2.0-only
#
# make bench        measures what a call and a pair of calls cost, watched by us and by others, and what
#                   a snapshot of a kernel in a file, a check of BPF objects and a scrape take, and
#                   what stores need for a sample
# make check-bench  fails when the hot path has become longer

BENCH         := $(BUILD)/bench
BENCH_KERNELS := $(or $(KERNELS),trixie)

.PHONY: bench check-bench
test-programs: $(BENCH)/bench-loop
bench: kfunctrace workloads metrics-server $(BENCH)/bench-loop $(BENCH)/bench-aggregator
	$(Q)tests/bench/bench $(BENCH_KERNELS)
	$(Q)tests/bench/images $(BENCH_KERNELS)
	$(Q)tests/bench/objects
	$(Q)tests/bench/scrape
	$(Q)$(BENCH)/bench-aggregator
	$(Q)tests/bench/churn $(firstword $(BENCH_KERNELS))
	$(Q)tests/bench/stores

check-bench: kfunctrace $(BENCH)/bench-loop
	$(Q)tests/bench/bench --check trixie

$(BENCH)/bench-loop: $(BENCH)/bench-loop.o
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz -lm

$(BENCH)/bench-loop.o: tests/bench/bench-loop.c | $(BENCH)/loop.skel.h
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BENCH) -MMD -MP -c $< -o $@

$(BENCH)/bench-aggregator: $(BENCH)/bench-aggregator.o $(BENCH)/made_up_host.o $(BUILD)/libkfunctrace.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/bench-aggregator.o: tests/bench/bench-aggregator.c | $(BENCH)/ring.skel.h
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BENCH) -MMD -MP -c $< -o $@

$(BENCH)/made_up_host.o: tests/bench/made_up_host.c | $(BENCH)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BENCH)/%.bpf.o: tests/bench/%.bpf.c | $(BENCH)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

$(BENCH)/%.skel.h: $(BENCH)/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BENCH):
	$(Q)mkdir -p $@

-include $(wildcard $(BENCH)/*.d)
