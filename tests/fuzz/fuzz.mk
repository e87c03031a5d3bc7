# SPDX-License-Identifier: GPL-2.0-only
#
# make check-fuzz  feeds bytes that libFuzzer invents to what reads files, each target for FUZZ_SECONDS
#
# A target is a file tests/fuzz/NAME.c with LLVMFuzzerTestOneInput(); what it begins with,
# tests/fuzz/seeds writes into build/fuzz/seeds/NAME.

FUZZ         := $(BUILD)/fuzz
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(wildcard tests/fuzz/*.c))
FUZZ_OBJECTS := $(LIB_OBJECTS:$(BUILD)/%.o=$(FUZZ)/objects/%.o)
FUZZ_CFLAGS  := $(ALL_CFLAGS) -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined
FUZZ_CHECKS  := address,undefined

.PHONY: check-fuzz
test-programs: $(FUZZ_TARGETS) $(FUZZ)/seeds/made
check-fuzz: $(FUZZ_TARGETS) $(FUZZ)/seeds/made
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ_TARGETS)

$(FUZZ)/%: $(FUZZ)/%.o $(FUZZ)/libkfunctrace.a
	$(say) FUZZ $@
	$(Q)$(CLANG) -fsanitize=fuzzer,$(FUZZ_CHECKS) -o $@ $^ $(LDLIBS)

$(FUZZ)/%.o: tests/fuzz/%.c | $(FUZZ)
	$(say) CC $<
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,$(FUZZ_CHECKS) -MMD -MP -c $< -o $@

$(FUZZ)/libkfunctrace.a: $(FUZZ_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZ)/objects/%.o: userspace/%.c | $(FUZZ)/objects $(SKELETONS)
	$(say) CC $<
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_CHECKS) -MMD -MP -c $< -o $@

$(FUZZ)/seeds/made: tests/fuzz/seeds $(wildcard share/kernels/*.json) kfunctrace | $(FUZZ) objects history-saver
	$(Q)rm -rf $(@D) && tests/fuzz/seeds $(@D) && touch $@

$(FUZZ) $(FUZZ)/objects:
	$(Q)mkdir -p $@

-include $(wildcard $(FUZZ)/*.d $(FUZZ)/objects/*.d)
