# SPDX-License-Identifier: GPL-2.0-only
#
# make man  builds the manual pages into build/man (rst2man: package python3-docutils)

RST2MAN   ?= rst2man
# Files are in section 5, commands in section 8.
MAN5      := $(patsubst Documentation/%.rst,$(BUILD)/man/man5/%.5,$(wildcard Documentation/kfunctrace*.conf.rst))
MAN8      := $(patsubst Documentation/%.rst,$(BUILD)/man/man8/%.8,\
	$(filter-out %.conf.rst,$(wildcard Documentation/kfunctrace*.rst)))
MAN_PAGES := $(MAN5) $(MAN8)

.PHONY: man
man: $(MAN_PAGES)

define rst2man
	$(say) MAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(RST2MAN) --strict --no-datestamp --no-generator $< $@
endef

$(BUILD)/man/man5/%.5: Documentation/%.rst
	$(rst2man)

$(BUILD)/man/man8/%.8: Documentation/%.rst
	$(rst2man)
