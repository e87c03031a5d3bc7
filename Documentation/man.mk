# SPDX-License-Identifier: GPL-2.0-only
#
# make man  builds the manual pages into build/man/man8 (rst2man: package python3-docutils)

RST2MAN   ?= rst2man
MAN_PAGES := $(patsubst Documentation/%.rst,$(BUILD)/man/man8/%.8,$(wildcard Documentation/kfunctrace*.rst))

.PHONY: man
man: $(MAN_PAGES)

$(BUILD)/man/man8/%.8: Documentation/%.rst
	$(say) MAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(RST2MAN) --strict --no-datestamp --no-generator $< $@
