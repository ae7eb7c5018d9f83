# SPDX-License-Identifier: BSD-2-Clause
# flightrec. `make help` lists what there is to make. V=1 shows the commands, DEBUG=1 builds with the
# checks of the collector's own state into build/debug, WERROR=1 takes no warning.

B := $(if $(DEBUG),build/debug,build)
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
OBJCOPY ?= objcopy
LD ?= ld
AR ?= ar

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
DESTDIR ?=

VERSION := $(shell sed -n 's/^.define FLIGHTREC_VERSION_STRING "\(.*\)"/\1/p' include/flightrec.h)
SONAME := libflightrec.so.0

# Not ":=": `make deps all` asks them before there is a compiler.
ARCH = $(shell $(CC) -dumpmachine 2>/dev/null | sed 's/-.*//')
BPF_ARCH = $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))
MULTIARCH = $(shell $(CC) -print-multiarch 2>/dev/null)

# `sudo make` in a user's own tree: what is built is built by that user, who can then go on without sudo.
BUILDER := $(shell [ "$$(id -u)" = 0 ] && [ -n "$$SUDO_UID" ] && [ "$$SUDO_UID" != 0 ] && \
	[ "$$(stat -c %u .)" = "$$SUDO_UID" ] && echo "$$SUDO_USER")
# What a target needs to have built: nothing where the builder has done it already.
built = $(if $(BUILDER),,$(1))
# What root's tests leave in build/ is the builder's as well.
give_back = $(if $(BUILDER),@[ ! -e build ] || chown -R --from=root "$$SUDO_UID:$$SUDO_GID" build)

# Nothing can be built beside the installation of what builds it, or twice at the same time.
ifneq ($(filter deps%,$(MAKECMDGOALS))$(BUILDER),)
.NOTPARALLEL:
endif

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-8s %s\n' $(1) $(2))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
CFLAGS ?= -O2 -g
ifneq ($(DEBUG),)
DEFINES := -DFLIGHTREC_CHECKS
endif
ifneq ($(WERROR),)
WARNINGS += -Werror
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(DEFINES) $(CFLAGS) -Iinclude -Iuser -I. -MMD -MP
LIBS := $(shell $(PKG_CONFIG) --libs libbpf 2>/dev/null || echo -lbpf) -ldw -lelf -lz -lseccomp -lcapstone -lncursesw -ltinfo -pthread

LIB_SOURCES := $(wildcard user/lib/*.c) user/format/conversion.c
CMD_SOURCES := $(wildcard user/collector/*.c user/collector/*/*.c user/cli/*.c) user/format/conversion.c
LIB_OBJ := $(LIB_SOURCES:%.c=$(B)/lib/%.o)
CMD_OBJ := $(CMD_SOURCES:%.c=$(B)/cmd/%.o)
SKELETONS := $(B)/flightrec.skel.h $(B)/thread.skel.h

all: $(call built,$(B)/flightrec $(B)/libflightrec.so $(B)/libflightrec.a) ## the command and both libraries (default)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | sort -u | expand -t 24

ifneq ($(BUILDER),)
BUILT_BY_USER := all examples tests unit-tests unit-tests-sanitized e2e-programs bench-programs \
	fuzz-programs
.PHONY: $(BUILT_BY_USER)
$(BUILT_BY_USER):
	$(give_back)
	@setpriv --reuid="$$SUDO_UID" --regid="$$SUDO_GID" --init-groups \
		env HOME="$$(getent passwd "$$SUDO_UID" | cut -d: -f6)" $(MAKE) --no-print-directory $@
endif

# What a machine without `make deps` lacks is said before something else fails for it.
$(B)/tools:
	@missing=; \
	for tool in $(firstword $(CC)) $(CLANG) $(BPFTOOL) $(PKG_CONFIG); do \
		command -v "$$tool" >/dev/null || missing="$$missing $${tool##*/}"; \
	done; \
	[ -n "$$missing" ] || for library in libbpf libelf libdw libseccomp capstone ncursesw; do \
		$(PKG_CONFIG) --exists $$library || missing="$$missing $$library"; \
	done; \
	[ -z "$$missing" ] || { echo "make: missing here:$$missing; run 'sudo make deps' first" >&2; exit 1; }
	@mkdir -p $(@D)
	@touch $@

$(LIB_OBJ) $(CMD_OBJ) $(SKELETONS:.skel.h=.bpf.o): | $(B)/tools

# ---- the library: C and libc alone ----

# -fPIC: the archive, too, may become part of a plugin. -fno-plt: a first call into libc by way of
# the dynamic linker would take up to 3 KiB of what may be the stack of a signal handler.
LIB_CFLAGS = $(ALL_CFLAGS) -fvisibility=hidden -ffunction-sections -fdata-sections -fPIC -fno-plt

$(B)/lib/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LIB_CFLAGS) -c $< -o $@

$(B)/$(SONAME): $(LIB_OBJ) user/lib/libflightrec.map
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -Wl,-z,now \
		-Wl,--version-script=user/lib/libflightrec.map $(LIB_OBJ) -o $@

$(B)/libflightrec.so: $(B)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# One object, its internal names made local: they cannot collide with the program's own.
$(B)/libflightrec.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)$(LD) -r $(LIB_OBJ) -o $(B)/lib/flightrec.o
	$(Q)$(OBJCOPY) --localize-hidden $(B)/lib/flightrec.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(B)/lib/flightrec.o

# ---- the BPF side ----

BPF_HEADERS := $(wildcard bpf/*.h) vmlinux/vmlinux.h

$(B)/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Ivmlinux -Ibpf \
		-I/usr/include/$(MULTIARCH) -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp
	$(Q)rm -f $@.tmp

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	$(Q)mv $@.tmp $@

vmlinux: ## vmlinux/vmlinux.h, from the BTF of the running kernel
	$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > vmlinux/vmlinux.h.tmp
	mv vmlinux/vmlinux.h.tmp vmlinux/vmlinux.h

# ---- the command ----

# The system calls of this machine, for syscall_names.c.
$(B)/syscall_names.inc: Makefile
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)echo '#include <sys/syscall.h>' | $(CC) -E -dM - | LC_ALL=C sort | \
		sed -n 's/^#define SYS_\([a-z0-9_]*\) .*/{"\1", SYS_\1},/p' > $@.tmp
	$(Q)mv $@.tmp $@

$(foreach where,cmd unit san fuzz,$(B)/$(where)/user/collector/span/syscall_names.o): $(B)/syscall_names.inc

$(B)/cmd/%.o: %.c | $(SKELETONS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -I$(B) -c $< -o $@

# Those that include the skeleton: its layout is that of the BPF program's own data.
$(B)/cmd/user/collector/kernel/tracker.o $(B)/cmd/user/collector/kernel/tracker_programs.o: $(B)/flightrec.skel.h
$(B)/cmd/user/collector/kernel/threads.o: $(B)/thread.skel.h

$(B)/flightrec: $(CMD_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(CMD_OBJ) $(LIBS) -o $@

-include $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d)

.PHONY: all help vmlinux examples deps deps-kernels deps-lint deps-fuzz deps-packs demo check check-kernels check-werror bench \
	install uninstall format format-check lint lint-rules shellcheck clean
.DELETE_ON_ERROR:

include tests/tests.mk
-include tests/bench/bench.mk tests/fuzz/fuzz.mk

check-kernels: tests ## the end-to-end tests on each kernel of tests/kernels/kernels.list
	tests/kernels/run.sh $(KERNEL)
	$(give_back)

deps: ## installs what the build, the demo and the tests need
	@sh tests/deps.sh base

deps-kernels: ## ... what check-kernels needs as well
	@sh tests/deps.sh base kernels

deps-lint: ## ... what lint and CI need as well
	@sh tests/deps.sh base lint

deps-packs: ## ... what the tests of packs need as well
	@sh tests/deps.sh base packs

deps-fuzz: ## ... what fuzz needs as well
	@sh tests/deps.sh base fuzz

demo: all examples ## a real redis client that hangs, and its replay (root)
	sh user/examples/demo.sh
	$(give_back)

examples: $(call built,$(B)/examples/redis_refresh)

$(B)/examples/redis_refresh: user/examples/redis_refresh.c $(B)/libflightrec.so
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -L$(B) -lflightrec -lhiredis -Wl,-rpath,'$$ORIGIN/..' -o $@

# ---- the source ----

FORMATTED = $(shell git ls-files '*.c' '*.h' '*.cc' | grep -v '^vmlinux/')
# Scripts by what they begin with, as not all have a name that ends in .sh.
SCRIPTS = $(shell git grep -lE -e '^\#!/bin/(ba)?sh' -e '^\# shellcheck shell=' -- . ':!*.md' ':!Makefile')

format: ## clang-format, in place
	clang-format -i $(FORMATTED)

format-check: ## fails where clang-format would change something
	clang-format --dry-run -Werror $(FORMATTED)

# uninitvar, legacyUninitvar, ctuuninitvar: cppcheck does not follow uthash, and
# the analyzer of clang-tidy looks for the same.
lint: all lint-rules ## the rules of tests/lint, clang-tidy and cppcheck
	clang-tidy --quiet $(sort $(LIB_SOURCES) $(CMD_SOURCES)) -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Iuser -I. -isystem $(B)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		-D__$(ARCH)__ '-DLIBBPF_OPTS(T,N,...)=struct T N = {__VA_ARGS__}' --error-exitcode=1 --suppress=missingIncludeSystem --suppress=uninitvar --suppress=legacyUninitvar --suppress=ctuuninitvar -Iinclude -Iuser -I. user

lint-rules: all ## layers, circles, lengths: tests/lint/run.sh has the list
	tests/lint/run.sh

shellcheck: ## all scripts
	shellcheck -x $(SCRIPTS)

# In folders of their own: objects of two compilers are not to be mixed.
check-werror: ## builds everything without a warning, by gcc and by clang
	$(Q)$(MAKE) --no-print-directory B=build/werror/gcc CC=gcc CXX=g++ WERROR=1 tests
	$(Q)$(MAKE) --no-print-directory B=build/werror/clang CC=clang CXX=clang++ WERROR=1 tests

# ---- installing ----

PACKS := $(wildcard user/packs/*.spans)
# What is installed, but for links; `make uninstall` removes the same.
INSTALLED = $(BINDIR)/flightrec $(LIBDIR)/$(SONAME) $(LIBDIR)/libflightrec.so $(LIBDIR)/libflightrec.a \
	$(LIBDIR)/pkgconfig/flightrec.pc $(LIBDIR)/cmake/flightrec/flightrec-config.cmake \
	$(LIBDIR)/cmake/flightrec/flightrec-config-version.cmake $(INCLUDEDIR)/flightrec.h \
	$(INCLUDEDIR)/flightrec/probes.h $(MANDIR)/man8/flightrec.8 $(MANDIR)/man3/flightrec.3 \
	$(MANDIR)/man7/flightrec-reports.7 $(MANDIR)/man7/flightrec-spans.7 $(PACKS:user/packs/%=$(DATADIR)/flightrec/packs/%) \
	$(BASHCOMPDIR)/flightrec $(ZSHCOMPDIR)/_flightrec
fill_in = sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
	-e 's|@includedir@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' -e 's|@version@|$(VERSION)|' \
	-e 's|@soname@|$(SONAME)|' -e "s|@libdir_to_includedir@|$$(realpath -m --relative-to=$(LIBDIR) $(INCLUDEDIR))|"
# The loader's cache knows of the library then; a package's own script does that for a DESTDIR.
run_ldconfig = @if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then PATH="$$PATH:/usr/sbin:/sbin" ldconfig; fi

install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	install -m 755 $(B)/flightrec $(DESTDIR)$(BINDIR)/flightrec
	install -m 755 $(B)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libflightrec.so
	install -m 644 $(B)/libflightrec.a $(DESTDIR)$(LIBDIR)/libflightrec.a
	install -m 644 include/flightrec.h $(DESTDIR)$(INCLUDEDIR)/flightrec.h
	install -m 644 include/flightrec/probes.h $(DESTDIR)$(INCLUDEDIR)/flightrec/probes.h
	install -m 644 user/doc/flightrec.8 $(DESTDIR)$(MANDIR)/man8/flightrec.8
	install -m 644 user/doc/flightrec.3 $(DESTDIR)$(MANDIR)/man3/flightrec.3
	install -m 644 user/doc/flightrec-reports.7 $(DESTDIR)$(MANDIR)/man7/flightrec-reports.7
	install -m 644 user/doc/flightrec-spans.7 $(DESTDIR)$(MANDIR)/man7/flightrec-spans.7
	install -m 644 $(PACKS) $(DESTDIR)$(DATADIR)/flightrec/packs/
	$(fill_in) user/lib/flightrec.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/flightrec.pc
	$(fill_in) user/lib/flightrec-config.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/flightrec/flightrec-config.cmake
	$(fill_in) user/lib/flightrec-config-version.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/flightrec/flightrec-config-version.cmake
	$(B)/flightrec completion bash > $(DESTDIR)$(BASHCOMPDIR)/flightrec
	$(B)/flightrec completion zsh > $(DESTDIR)$(ZSHCOMPDIR)/_flightrec
	$(run_ldconfig)

uninstall: ## removes what install puts there, with the same PREFIX and DESTDIR
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir $(DESTDIR)$(INCLUDEDIR)/flightrec $(DESTDIR)$(LIBDIR)/cmake/flightrec 2>/dev/null
	$(run_ldconfig)

clean: ## removes build/
	rm -rf $(B)
