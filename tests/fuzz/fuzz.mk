# SPDX-License-Identifier: BSD-2-Clause
# make fuzz; FUZZ="name ..." for some of them, FUZZ_SECONDS=N for each. tests/fuzz/fuzz.h says what
# a target is. As in a unit test, "/* link: user/a.c */" at its beginning says what goes into it.

FUZZ_DIR := $(B)/fuzz
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ ?= $(FUZZ_ALL)
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS = $(ALL_CFLAGS) -I$(B) -Itests/fuzz -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
fuzz_link = $(shell sed -n '1,12s|^/\* link: \(.*\) \*/.*|\1|p' tests/fuzz/fuzz_$(1).c)

$(FUZZ_DIR)/%.o: %.c
	$(call say,CC-FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -c $< -o $@

define fuzz_target
fuzz_$(1)_objects := $$(addprefix $(FUZZ_DIR)/,tests/fuzz/fuzz_$(1).o tests/fuzz/driver.o \
	$$(patsubst %.c,%.o,$$(call fuzz_link,$(1))))

$(FUZZ_DIR)/$(1): $$(fuzz_$(1)_objects)
	$$(call say,LD-FUZZ,$$@)
	$$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $$(LDFLAGS) -Wl,--wrap=pread $$^ -lelf -lcapstone -lm -o $$@

fuzz_objects += $$(fuzz_$(1)_objects)
endef
$(foreach target,$(FUZZ_ALL),$(eval $(call fuzz_target,$(target))))
-include $(patsubst %.o,%.d,$(sort $(fuzz_objects)))
.SECONDARY: $(sort $(fuzz_objects))

# It is in a package of its own, and clang does not say so.
fuzz-runtime:
	$(Q)printf 'int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void) { return 0; }\n' | \
		$(CLANG) -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null || \
		{ echo "make fuzz: $(CLANG) has no libFuzzer or no sanitizers here: sudo make deps-fuzz" >&2; exit 1; }

fuzz-programs: $(call built,$(addprefix $(FUZZ_DIR)/,$(FUZZ)))

fuzz: fuzz-runtime ## hostile inputs, FUZZ_SECONDS=60 for each target; FUZZ="name ..." for some
	$(Q)$(MAKE) --no-print-directory fuzz-programs
	$(Q)tests/fuzz/run.sh $(FUZZ_DIR) $(FUZZ_SECONDS) $(FUZZ)
	$(give_back)

.PHONY: fuzz fuzz-programs fuzz-runtime
