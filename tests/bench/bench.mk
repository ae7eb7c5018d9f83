# SPDX-License-Identifier: BSD-2-Clause
# make bench; BENCH="name ..." for some of them. Method: tests/bench/README.md

BENCH_DIR := $(B)/bench
BENCH_CC = $(CC) $(ALL_CFLAGS) -I$(B) -I$(BENCH_DIR)
# A copy, which nobody else's collector attaches to.
BENCH_LIB := $(BENCH_DIR)/$(SONAME)
BENCH_LINK = -L$(BENCH_DIR) -l:$(SONAME) -Wl,-rpath,'$$ORIGIN' $(LIBS) -lpthread
# LTTng-UST is a peer, not needed to build anything else.
BENCH_LTTNG := $(if $(wildcard /usr/include/$(MULTIARCH)/lttng/tracepoint.h \
		/usr/include/lttng/tracepoint.h),$(BENCH_DIR)/shapes-lttng)
BENCH_REDIS := $(BENCH_DIR)/redis_module.so $(if $(BENCH_LTTNG),$(BENCH_DIR)/redis_module_lttng.so)
BENCH_PROGRAMS := $(addprefix $(BENCH_DIR)/,cost deadlines flood floor lateness shapes sink)

$(BENCH_LIB): $(B)/$(SONAME)
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BENCH_DIR)/%.bpf.o: tests/bench/%.bpf.c vmlinux/vmlinux.h
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Ivmlinux \
		-I/usr/include/$(MULTIARCH) -c $< -o $@

$(BENCH_DIR)/%.skel.h: $(BENCH_DIR)/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	$(Q)mv $@.tmp $@

$(BENCH_DIR)/%.o: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(BENCH_CC) -c $< -o $@

$(BENCH_DIR)/floor.o: $(BENCH_DIR)/floor.skel.h
$(BENCH_DIR)/deadlines.o: $(BENCH_DIR)/timer.skel.h

$(BENCH_DIR)/shapes: $(BENCH_DIR)/ways.o
$(BENCH_DIR)/lateness: BENCH_LINK += -ljansson
$(BENCH_DIR)/floor: $(addprefix $(B)/cmd/user/collector/target/,elf_probes.o elf_places.o elf_file.o)

$(BENCH_PROGRAMS): $(BENCH_DIR)/%: $(BENCH_DIR)/%.o $(BENCH_DIR)/measure.o $(BENCH_LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(BENCH_LINK) -o $@

$(BENCH_DIR)/shapes-lttng: $(addprefix $(BENCH_DIR)/,shapes.o measure.o ways_lttng.o) $(BENCH_LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(BENCH_LINK) -llttng-ust -ldl -o $@

$(BENCH_DIR)/ways_lttng.o: BENCH_CC += -Itests/bench -Wno-missing-prototypes

$(BENCH_DIR)/redis_module.so: tests/bench/redis_module.c $(BENCH_LIB)
	$(call say,CC,$@)
	$(Q)$(BENCH_CC) -MF $@.d -fPIC -shared $< $(LDFLAGS) $(BENCH_LINK) -o $@

$(BENCH_DIR)/redis_module_lttng.so: tests/bench/redis_module.c tests/bench/lttng_events.h
	$(call say,CC,$@)
	$(Q)$(BENCH_CC) -Itests/bench -Wno-missing-prototypes -DBENCH_LTTNG -MF $@.d -fPIC -shared \
		$< $(LDFLAGS) -llttng-ust -ldl -o $@

.PRECIOUS: $(BENCH_DIR)/%.bpf.o $(BENCH_DIR)/%.skel.h

-include $(wildcard $(BENCH_DIR)/*.d)

bench-programs: $(call built,all $(BENCH_PROGRAMS) $(BENCH_LTTNG) $(BENCH_REDIS))

# In two steps: what can be built depends on what was installed.
bench: ## what it costs, and what others cost (root); BENCH="name ..." for some
	$(Q)sh tests/bench/install.sh
	$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)BUILD=$(B) bash tests/bench/run.sh $(BENCH)
	$(give_back)

.PHONY: bench bench-programs
