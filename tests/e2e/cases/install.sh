# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# make install and make uninstall, in a folder of the test's own.

plugin=$FLIGHTREC_ROOT/tests/e2e/programs/plugin.c

# in_tree TARGET OPTION...: make there; what is built is up to date, as the tests have run it
in_tree()
{
	make -s -C "$FLIGHTREC_ROOT" "$@" >"$T/make.log" 2>&1 || fail "make $*: $(tail -n 5 "$T/make.log")"
}

install_here()
{
	if ! command -v make >/dev/null || ! command -v cc >/dev/null; then skip "no make and cc here"; fi
	[[ $FLIGHTREC = "$FLIGHTREC_ROOT/build/flightrec" ]] || skip "not what make install installs"
	in_tree install DESTDIR="$T/root" PREFIX=/usr LIBDIR=/usr/lib/here
	cat >"$T/main.c" <<-'END'
	void plugin_start(void);
	int main(void) { plugin_start(); return 0; }
	END
}

installed() { (cd "$T/root" && find . ! -type d | LC_ALL=C sort); }

test_install_and_uninstall()
{
	install_here
	installed >"$T/installed"
	expect "$T/installed" <<-'END'
	./usr/bin/flightrec
	./usr/include/flightrec.h
	./usr/include/flightrec/probes.h
	./usr/lib/here/cmake/flightrec/flightrec-config-version.cmake
	./usr/lib/here/cmake/flightrec/flightrec-config.cmake
	./usr/lib/here/libflightrec.a
	./usr/lib/here/libflightrec.so
	./usr/lib/here/libflightrec.so.0
	./usr/lib/here/pkgconfig/flightrec.pc
	./usr/share/bash-completion/completions/flightrec
	./usr/share/flightrec/packs/files.spans
	./usr/share/flightrec/packs/jvm.spans
	./usr/share/flightrec/packs/libpq.spans
	./usr/share/flightrec/packs/openssl.spans
	./usr/share/flightrec/packs/postgres.spans
	./usr/share/flightrec/packs/resolver.spans
	./usr/share/man/man3/flightrec.3
	./usr/share/man/man7/flightrec-reports.7
	./usr/share/man/man7/flightrec-spans.7
	./usr/share/man/man8/flightrec.8
	./usr/share/zsh/site-functions/_flightrec
	END
	bash -n "$T/root/usr/share/bash-completion/completions/flightrec" || fail "completion for bash"
	in_tree uninstall DESTDIR="$T/root" PREFIX=/usr LIBDIR=/usr/lib/here
	[[ -z $(installed) ]] || fail "left behind: $(installed)"
	[[ ! -e $T/root/usr/include/flightrec && ! -e $T/root/usr/lib/here/cmake/flightrec ]] ||
		fail "folders left behind"
}

test_installed_for_pkg_config()
{
	install_here
	command -v pkg-config >/dev/null || skip "no pkg-config"
	export PKG_CONFIG_LIBDIR=$T/root/usr/lib/here/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/root
	# shellcheck disable=SC2046 # several words
	cc "$T/main.c" "$plugin" $(pkg-config --cflags --libs flightrec) -o "$T/program" ||
		fail "does not link"
	try 0 env LD_LIBRARY_PATH="$T/root/usr/lib/here" "$T/root/usr/bin/flightrec" run "$T/program"
	grep -q '1 recorder.* opened' "$T/try.err" || fail "not watched"
}

test_installed_for_cmake()
{
	local target

	install_here
	command -v cmake >/dev/null || skip "no cmake"
	cat >"$T/CMakeLists.txt" <<-END
	cmake_minimum_required(VERSION 3.13)
	project(try C)
	find_package(flightrec $("$FLIGHTREC" --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1) REQUIRED)
	find_package(flightrec 99 QUIET)
	if(flightrec_FOUND)
	  message(FATAL_ERROR "version 99 is found")
	endif()
	foreach(kind flightrec static)
	  add_executable(\${kind} main.c "$plugin")
	  target_link_libraries(\${kind} flightrec::\${kind})
	endforeach()
	END
	cmake -S "$T" -B "$T/cmake" -DCMAKE_PREFIX_PATH="$T/root/usr" \
		-Dflightrec_DIR="$T/root/usr/lib/here/cmake/flightrec" >"$T/cmake.log" 2>&1 ||
		fail "cmake: $(tail -n 20 "$T/cmake.log")"
	cmake --build "$T/cmake" >"$T/cmake.log" 2>&1 || fail "cmake --build: $(tail -n 20 "$T/cmake.log")"
	for target in flightrec static; do
		try 0 "$FLIGHTREC" run "$T/cmake/$target"
		grep -q '1 recorder.* opened' "$T/try.err" || fail "$target: not watched"
	done
	readelf -d "$T/cmake/static" | grep -q libflightrec && fail "static is not"
	return 0
}

# On a machine where nothing was installed: one line that says what to do, and nothing else is tried.
test_make_without_tools()
{
	command -v make >/dev/null || skip "no make here"
	try 2 make -s -C "$FLIGHTREC_ROOT" B="$T/build" CC=no-such-cc CLANG=no-such-clang BUILDER=
	expect_lines "$T/try.err" "^make: missing here: no-such-cc no-such-clang; run 'sudo make deps' first$" 1
	[[ ! -e $T/build/lib ]] || fail "something was built"
}
