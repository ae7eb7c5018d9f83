# SPDX-License-Identifier: BSD-2-Clause
# flightrec. `make help` lists what there is to make. V=1 shows the commands.

B := build
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
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=

VERSION := $(shell sed -n 's/^.define FLIGHTREC_VERSION_STRING "\(.*\)"/\1/p' include/flightrec.h)
SONAME := libflightrec.so.0

# Not ":=": `make deps all` asks them before there is a compiler.
ARCH = $(shell $(CC) -dumpmachine | sed 's/-.*//')
BPF_ARCH = $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))
MULTIARCH = $(shell $(CC) -print-multiarch)

# Nothing can be built beside the installation of what builds it.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-8s %s\n' $(1) $(2))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -Iinclude -Iuser -I. -MMD -MP
LIBS := $(shell $(PKG_CONFIG) --libs libbpf 2>/dev/null || echo -lbpf) -lelf -lz -pthread

LIB_SOURCES := $(wildcard user/lib/*.c) user/format/conversion.c
CMD_SOURCES := $(wildcard user/collector/*.c user/collector/*/*.c user/cli/*.c) user/format/conversion.c
LIB_PIC := $(LIB_SOURCES:%.c=$(B)/pic/%.o)
LIB_OBJ := $(LIB_SOURCES:%.c=$(B)/lib/%.o)
CMD_OBJ := $(CMD_SOURCES:%.c=$(B)/cmd/%.o)
SKELETON := $(B)/flightrec.skel.h

all: $(B)/flightrec $(B)/libflightrec.so $(B)/libflightrec.a

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 20

# ---- the library: C and libc alone ----

LIB_CFLAGS = $(ALL_CFLAGS) -fvisibility=hidden -ffunction-sections -fdata-sections

$(B)/pic/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LIB_CFLAGS) -fPIC -c $< -o $@

$(B)/lib/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LIB_CFLAGS) -fPIE -c $< -o $@

$(B)/$(SONAME): $(LIB_PIC) user/lib/libflightrec.map
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -Wl,-z,now \
		-Wl,--version-script=user/lib/libflightrec.map $(LIB_PIC) -o $@

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

$(B)/flightrec.bpf.o: bpf/flightrec.bpf.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Ivmlinux -Ibpf \
		-I/usr/include/$(MULTIARCH) -c $< -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp
	$(Q)rm -f $@.tmp

$(SKELETON): $(B)/flightrec.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name flightrec_bpf > $@.tmp
	$(Q)mv $@.tmp $@

vmlinux: ## vmlinux/vmlinux.h, from the BTF of the running kernel
	$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > vmlinux/vmlinux.h.tmp
	mv vmlinux/vmlinux.h.tmp vmlinux/vmlinux.h

# ---- the command ----

$(B)/cmd/%.o: %.c | $(SKELETON)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -I$(B) -c $< -o $@

# Those that include the skeleton: its layout is that of the BPF program's own data.
$(B)/cmd/user/collector/kernel/tracker.o $(B)/cmd/user/collector/kernel/tracker_programs.o \
$(B)/cmd/user/collector/kernel/tracker_state.o $(B)/cmd/user/collector/kernel/drain.o: $(SKELETON)

$(B)/flightrec: $(CMD_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(CMD_OBJ) $(LIBS) -o $@

-include $(LIB_PIC:.o=.d) $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d)

.PHONY: all help vmlinux deps demo check check-kernels bench install format lint clean
.DELETE_ON_ERROR:

include tests/tests.mk
-include tests/bench/bench.mk

check-kernels: tests ## the end-to-end tests on each kernel of tests/kernels/kernels.list
	tests/kernels/run.sh $(KERNEL)

deps: ## installs what the build, the tests and the demo need
	sh tests/deps.sh

demo: all ## a real redis refresh that hangs, and its replay (root)
	$(Q)$(MAKE) --no-print-directory $(B)/examples/redis_refresh
	sh user/examples/demo.sh

$(B)/examples/redis_refresh: user/examples/redis_refresh.c $(B)/libflightrec.so
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -L$(B) -lflightrec -lhiredis -Wl,-rpath,'$$ORIGIN/..' -o $@

format: ## clang-format, in place
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cc' | grep -v '^vmlinux/')

lint: $(SKELETON) ## clang-tidy and cppcheck
	clang-tidy --quiet $(sort $(LIB_SOURCES) $(CMD_SOURCES)) -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Iuser -I. -isystem $(B)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		-D__$(ARCH)__ '-DLIBBPF_OPTS(T,N,...)=struct T N = {__VA_ARGS__}' --error-exitcode=1 --suppress=missingIncludeSystem -Iinclude -Iuser -I. user

install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(INCLUDEDIR)/flightrec $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man3
	install -m 755 $(B)/flightrec $(DESTDIR)$(BINDIR)/flightrec
	install -m 755 $(B)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libflightrec.so
	install -m 644 $(B)/libflightrec.a $(DESTDIR)$(LIBDIR)/libflightrec.a
	install -m 644 include/flightrec.h $(DESTDIR)$(INCLUDEDIR)/flightrec.h
	install -m 644 include/flightrec/probes.h $(DESTDIR)$(INCLUDEDIR)/flightrec/probes.h
	install -m 644 user/doc/flightrec.8 $(DESTDIR)$(MANDIR)/man8/flightrec.8
	install -m 644 user/doc/flightrec.3 $(DESTDIR)$(MANDIR)/man3/flightrec.3
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@includedir@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' -e 's|@version@|$(VERSION)|' \
		user/lib/flightrec.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/flightrec.pc

clean: ## removes build/
	rm -rf $(B)
