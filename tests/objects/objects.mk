# SPDX-License-Identifier: GPL-2.0-only
#
# make objects  builds the BPF objects that check is tested with, and what loads them one by one

OBJECTS     := $(BUILD)/objects
OBJECT_NAMES := $(patsubst tests/objects/%.bpf.c,%,$(wildcard tests/objects/*.bpf.c))
OBJECT_FILES := $(OBJECT_NAMES:%=$(OBJECTS)/%.bpf.o)

# In two folders: what is made for it, and what other tests run.
.PHONY: objects
objects: $(OBJECT_FILES) $(OBJECTS)/linked.bpf.o $(WORKLOADS)/load-each \
	$(WORKLOAD_BPF:%=$(OBJECTS)/workloads/%.bpf.o)
workloads: objects

$(OBJECTS)/%.bpf.o: tests/objects/%.bpf.c | $(OBJECTS)/workloads
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(BUILD)/$*.object.d -c $< -o $@

# Linked as `bpftool gen object` does it.
$(OBJECTS)/linked.bpf.o: $(OBJECTS)/gone.bpf.o $(OBJECTS)/sleeping.bpf.o
	$(say) BPF $@
	$(Q)$(BPFTOOL) gen object $@ $^

$(OBJECTS)/workloads/%.bpf.o: $(BUILD)/loads/%.bpf.o | $(OBJECTS)/workloads
	$(Q)cp $< $@

$(WORKLOADS)/load-each: tests/objects/load_each.c | $(WORKLOADS)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -lbpf -lelf -lz

$(OBJECTS)/workloads:
	$(Q)mkdir -p $@

-include $(wildcard $(BUILD)/*.object.d)
