# SPDX-License-Identifier: BSD-2-Clause
# The tests; included by ../Makefile.
#
# A unit test is one file, unit/test_*.c. Comments at its beginning say what else goes into it:
#	/* link: user/a.c user/b.c */	sources of the project
#	/* libs: jansson */		libraries

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
# $(call unit_said,TEST,WORD): what the comment of WORD says
unit_said = $(shell sed -n '1,12s|^/\* $(2): \(.*\) \*/.*|\1|p' tests/unit/$(1).c)
UNIT_CFLAGS = $(ALL_CFLAGS) -I$(B) -Itests/unit
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

$(B)/unit/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -c $< -o $@

$(B)/san/%.o: %.c
	$(call say,CC-SAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) $(SANITIZE) -c $< -o $@

# "libelf" and "elf" are the same.
define unit_test
$(1)_objects := tests/unit/$(1).o $$(patsubst %.c,%.o,$$(call unit_said,$(1),link))
$(1)_libs := -lcmocka -pthread $$(patsubst %,-l%,$$(patsubst lib%,%,$$(call unit_said,$(1),libs)))

$(B)/unit/$(1): $$(addprefix $(B)/unit/,$$($(1)_objects))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) $$^ $$($(1)_libs) -lm -o $$@

$(B)/san/$(1): $$(addprefix $(B)/san/,$$($(1)_objects))
	$$(call say,LD-SAN,$$@)
	$$(Q)$$(CC) $$(SANITIZE) $$(LDFLAGS) $$^ $$($(1)_libs) -lm -o $$@

unit_objects += $$($(1)_objects)
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_test,$(test))))
-include $(foreach object,$(sort $(unit_objects)),$(B)/unit/$(object:.o=.d) $(B)/san/$(object:.o=.d))
# It loads that.
$(B)/unit/test_copies $(B)/san/test_copies: | $(B)/libflightrec.so
# Made for both: make would take them for intermediate, and make them anew each time.
.SECONDARY: $(foreach object,$(sort $(unit_objects)),$(B)/unit/$(object) $(B)/san/$(object))

# ---- programs that the end-to-end tests watch ----

E2E := tests/e2e/programs
E2E_LINKED := worker worker-archive worker-static worker-static-pie exceptions exceptions-static
E2E_OTHER := hangs hangs-stripped spanned leaver emitter storm loader namespaces plugin.so plugin-b.so plugin-archive.so other_clock.so jsoncheck inherited \
	stack
E2E_PROGRAMS := $(addprefix $(B)/tests/,$(E2E_LINKED) $(E2E_OTHER))
E2E_CFLAGS = $(filter-out -Iuser -I.,$(ALL_CFLAGS)) -fexceptions
E2E_CXXFLAGS = -std=c++17 -D_GNU_SOURCE -Wall -Wextra $(CFLAGS) -Iinclude -MMD -MP
CXX ?= g++
# Found wherever the tree lies, also in a virtual machine.
E2E_SHARED := -L$(B) -lflightrec -Wl,-rpath,'$$ORIGIN/..'
E2E_HEADERS := include/flightrec.h $(E2E)/worker.h $(E2E)/plugin_loading.h

$(E2E_PROGRAMS): | $(B)/tests
$(B)/tests:
	@mkdir -p $@

$(addprefix $(B)/tests/,worker emitter storm hostile): $(B)/tests/%: $(E2E)/%.c $(B)/libflightrec.so $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< $(E2E_SHARED) -pthread -ldl -o $@

$(B)/tests/worker-archive: $(E2E)/worker.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< $(B)/libflightrec.a -pthread -ldl -o $@

# That dlopen() in a static program needs the libc it was linked with is known here.
$(B)/tests/worker-static: $(E2E)/worker.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -static $< $(B)/libflightrec.a -pthread -o $@ 2>$@.log || \
		{ cat $@.log; exit 1; }

$(B)/tests/worker-static-pie: $(E2E)/worker.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -fPIE -static-pie $< $(B)/libflightrec.a -pthread \
		-o $@ 2>$@.log || { cat $@.log; exit 1; }

$(B)/tests/exceptions: $(E2E)/exceptions.cc $(B)/libflightrec.so $(E2E_HEADERS)
	$(call say,CXX,$@)
	$(Q)$(CXX) $(E2E_CXXFLAGS) -MF $@.d $< $(E2E_SHARED) -o $@

$(B)/tests/exceptions-static: $(E2E)/exceptions.cc $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CXX,$@)
	$(Q)$(CXX) $(E2E_CXXFLAGS) -MF $@.d -static $< $(B)/libflightrec.a -o $@

$(B)/tests/other_clock.so: $(E2E)/other_clock.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -fPIC -shared $< -o $@

$(B)/tests/plugin.so: $(E2E)/plugin.c $(B)/libflightrec.so $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -fPIC -shared $< $(E2E_SHARED) -o $@

$(B)/tests/plugin-b.so: $(E2E)/plugin.c $(B)/libflightrec.so $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -DPLUGIN_B -fPIC -shared $< $(E2E_SHARED) -o $@

$(B)/tests/plugin-archive.so: $(E2E)/plugin.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d -fPIC -shared $< $(B)/libflightrec.a -o $@

# Bound as late as can be: see there.
$(B)/tests/stack: $(E2E)/stack.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< $(B)/libflightrec.a -Wl,-z,lazy -o $@

# With frame pointers left out and everything optimised, and again without names.
$(B)/tests/hangs: $(E2E)/hangs.c $(B)/libflightrec.a $(E2E_HEADERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -fomit-frame-pointer -MF $@.d $< $(B)/libflightrec.a -pthread -o $@

$(B)/tests/hangs-stripped: $(B)/tests/hangs
	$(Q)$(OBJCOPY) --strip-all --keep-section=.note.stapsdt $< $@

$(B)/tests/loader: $(E2E)/loader.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< -ldl -o $@

$(B)/tests/namespaces: $(E2E)/namespaces.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< -ldl -o $@

# Not linked with the library.
$(B)/tests/leaver: $(E2E)/leaver.cc
	$(call say,CXX,$@)
	$(Q)$(CXX) $(E2E_CXXFLAGS) -MF $@.d $< -o $@

$(B)/tests/spanned: $(E2E)/spanned.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< -pthread -o $@

$(B)/tests/inherited: $(E2E)/inherited.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< -o $@

$(B)/tests/jsoncheck: $(E2E)/jsoncheck.c
	$(call say,CC,$@)
	$(Q)$(CC) $(E2E_CFLAGS) -MF $@.d $< -ljansson -o $@

# ---- running them ----

.PHONY: tests check-unit check-unit-sanitized check-e2e unit-tests unit-tests-sanitized e2e-programs

unit-tests: $(call built,$(addprefix $(B)/unit/,$(UNIT_TESTS)))
unit-tests-sanitized: $(call built,$(addprefix $(B)/san/,$(UNIT_TESTS)))
e2e-programs: $(call built,$(E2E_PROGRAMS))

tests: $(call built,all unit-tests e2e-programs) ## builds the tests, and runs none

check: tests ## every test that this machine and these privileges allow
	$(Q)tests/check.sh lint unit e2e
	$(give_back)

check-unit: all unit-tests ## the unit tests alone
	$(Q)tests/check.sh unit

check-unit-sanitized: all unit-tests-sanitized ## the unit tests under ASan and UBSan
	$(Q)tests/check.sh sanitized

check-e2e: all e2e-programs ## the end-to-end tests alone (root)
	$(Q)FLIGHTREC=$(abspath $(B))/flightrec FLIGHTREC_TESTS=$(abspath $(B))/tests tests/check.sh e2e
	$(give_back)
