# SPDX-License-Identifier: GPL-2.0-only
#
# make workloads  builds the BPF programs that call kfuncs a known number of times
# make check-vm   runs the tests in VMs; KERNELS="trixie" on some kernels only

WORKLOADS       := $(BUILD)/workloads
# attach_all.c and odd_events.c have objects of their own.
WORKLOAD_BPF    := $(filter-out attached odd_events,\
	$(patsubst tests/workloads/%.bpf.c,%,$(wildcard tests/workloads/*.bpf.c)))
WORKLOAD_OBJS   := $(patsubst tests/workloads/%.c,$(BUILD)/loads/%.o,\
	$(filter-out %.bpf.c %/attach_fexit.c %/attach_all.c %/control.c %/months.c \
		%/refuse_fentry.c %/dynamic_probes.c %/odd_events.c %/many_programs.c,\
		$(wildcard tests/workloads/*.c)))

.PHONY: workloads
workloads: $(WORKLOADS)/workload $(WORKLOADS)/attach-fexit $(WORKLOADS)/attach-all \
	$(WORKLOADS)/control $(WORKLOADS)/months $(WORKLOADS)/dynamic-probes \
	$(WORKLOADS)/odd-events $(WORKLOADS)/many-programs $(WORKLOADS)/refuse-fentry.so

# What is in this folder is put into the guest.
$(WORKLOADS)/workload: $(WORKLOAD_OBJS) | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz

$(WORKLOADS)/attach-fexit: $(BUILD)/loads/attach_fexit.o | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz

$(WORKLOADS)/control: $(BUILD)/loads/control.o | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(WORKLOADS)/many-programs: $(BUILD)/loads/many_programs.o | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz

# Each watches as the program itself does, with what that is made of.
$(WORKLOADS)/months: $(BUILD)/loads/months.o $(BUILD)/libkfunctrace.a | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(WORKLOADS)/dynamic-probes: $(BUILD)/loads/dynamic_probes.o $(BUILD)/libkfunctrace.a | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(WORKLOADS)/refuse-fentry.so: tests/workloads/refuse_fentry.c | $(WORKLOADS)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -fPIC -shared -o $@ $<

$(WORKLOADS)/attach-all: $(BUILD)/loads/attach_all.o | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz

$(BUILD)/loads/attach_all.o: $(BUILD)/loads/attached.bpf.o

$(WORKLOADS)/odd-events: $(BUILD)/loads/odd_events.o | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz

$(BUILD)/loads/odd_events.o: $(BUILD)/loads/odd_events.bpf.o

$(BUILD)/loads/%.o: tests/workloads/%.c | $(BUILD)/loads
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -Wa,-I$(BUILD)/loads -MMD -MP -c $< -o $@

$(BUILD)/loads/objects.o: $(WORKLOAD_BPF:%=$(BUILD)/loads/%.bpf.o)

$(BUILD)/loads/%.bpf.o: tests/workloads/%.bpf.c | $(BUILD)/loads
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/loads $(WORKLOADS):
	$(Q)mkdir -p $@

.PHONY: check-vm
# KERNELS of the command line and of the environment reach the script alike.
export KERNELS
check-vm: kfunctrace workloads
	$(Q)tests/vm/run

-include $(wildcard $(BUILD)/loads/*.d)
