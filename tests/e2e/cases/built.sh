# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# What was built: the notes of the probes, what the library needs, whatever linker is used.

library=$FLIGHTREC_BUILD/libflightrec.so
archive=$FLIGHTREC_BUILD/libflightrec.a
have() { command -v "$1" >/dev/null; }

# notes FILE: a line "NAME SEMAPHORE-IS-SET" for each probe
notes()
{
	readelf -n "$1" 2>/dev/null | awk '
		/Provider: flightrec/ { ours = 1 }
		/Name:/ { name = $2 }
		ours && /Semaphore:/ { print name, ($NF ~ /^0x0*$/ ? "none" : "set"); ours = 0 }' | sort
}

expected_notes=$(printf '%s set\n' arm begin context end entry extend late leave replay \
	stray)

test_notes_of_the_library()
{
	have readelf || skip "no readelf"
	[[ $(notes "$library") = "$expected_notes" ]] || fail "notes: $(notes "$library")"
	own_page "$library"
}

test_library_needs_libc_alone()
{
	have readelf || skip "no readelf"
	readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|ld-linux.*)\.so' &&
		fail "it needs more than libc"
	readelf -d "$library" | grep -q 'SONAME.*\[libflightrec.so.0\]' || fail "soname"
}

# Nothing in it is left to be bound at its first call, which would take the stack of a handler.
test_archive_in_a_plugin()
{
	local size

	have readelf || skip "no readelf"
	[[ $(notes "$FLIGHTREC_TESTS/plugin-archive.so") = "$expected_notes" ]] || fail "notes"
	readelf -rW "$FLIGHTREC_TESTS/plugin-archive.so" "$library" >"$T/relocations"
	# The second is for its constructor, and comes with libc.
	# Five plugins of one program can each have it: glibc keeps 1,664 bytes for such variables.
	size=$(readelf -lW "$FLIGHTREC_TESTS/plugin-archive.so" | awk '$1 == "TLS" { print $6 }')
	[[ $((size)) -le 320 ]] || fail "thread-local: $((size)) bytes"
	! grep JUMP_SLO "$T/relocations" | grep -vE ' (flightrec_|__register_atfork)' || fail "bound late"
}

# own_page FILE: no other segment has a part of the pages of the file in which the semaphores lie
own_page()
{
	local from to at size size_of segments=0

	read -r at size < <(readelf -SW "$1" | sed -n 's/^.* \.probes  *PROGBITS  *[0-9a-f]* \([0-9a-f]*\) \([0-9a-f]*\).*/\1 \2/p')
	[[ $((0x$at % 4096)) = 0 && $((0x$size % 4096)) = 0 ]] || fail "$1: .probes at $at, $size bytes"
	while read -r from size_of; do
		to=$((from + size_of))
		[[ $((from / 4096 * 4096)) -lt $((0x$at + 0x$size)) && $(((to + 4095) / 4096 * 4096)) -gt $((0x$at)) ]] &&
			((segments += 1))
	done < <(readelf -lW "$1" | sed -n 's/^ *LOAD *\(0x[0-9a-f]*\) 0x[0-9a-f]* 0x[0-9a-f]* \(0x[0-9a-f]*\) .*/\1 \2/p')
	[[ $segments = 1 ]] || fail "$1: $segments segments share the page of the semaphores"
}

# linked_by COMPILER OPTION...: without other probes in the program, and beside some
linked_by()
{
	local compiler=$1 beside

	shift
	have "$compiler" || skip "no $compiler here: programs are not compiled in this place"
	have readelf || skip "no readelf"
	for beside in "" "$FLIGHTREC_ROOT/tests/e2e/programs/other_probe.c"; do
		"$compiler" "$@" -O2 -ffunction-sections -fdata-sections -I"$FLIGHTREC_ROOT/include" \
			-x c - "$FLIGHTREC_ROOT/tests/e2e/programs/plugin.c" ${beside:+"$beside"} \
			-x none "$archive" -Wl,--gc-sections -o "$T/program" <<-END ||
		void other_probe(void);
		void plugin_start(void);
		int main(void) { ${beside:+other_probe();} plugin_start(); return 0; }
		END
			fail "$compiler $* does not link"
		[[ $(notes "$T/program") = "$expected_notes" ]] || fail "notes: $(notes "$T/program")"
		own_page "$T/program"
		# It is watched, and exits with its recorder open.
		try 0 "$FLIGHTREC" run "$T/program"
		totals "$T/try.err" 1 0 1 0
		strip "$T/program"
		try 0 "$FLIGHTREC" run "$T/program"
		totals "$T/try.err" 1 0 1 0
	done
}

test_linked_by_bfd()
{
	have ld.bfd || skip "no ld.bfd"
	linked_by cc -fuse-ld=bfd
}

test_linked_by_gold()
{
	have ld.gold || skip "no ld.gold"
	linked_by cc -fuse-ld=gold
}

test_linked_by_lld()
{
	have ld.lld || skip "no ld.lld"
	linked_by cc -fuse-ld=lld
}

test_linked_by_mold()
{
	have ld.mold || skip "no ld.mold"
	linked_by cc -fuse-ld=mold
}

seen() { [[ $(grep -c '"event":"timeout".*"name":"seen"' "$T/replays") -ge $1 ]]; }

# each_is_seen LINKER: programs that it linked, each seen by itself, under run and by attach -a.
# They wait until they see that they are watched, and then for their end.
each_is_seen()
{
	local i

	have "ld.$1" || skip "no ld.$1"
	have cc || skip "no cc here: programs are not compiled in this place"
	cc -fuse-ld="$1" -O2 -I"$FLIGHTREC_ROOT/include" -x c - -x none "$archive" -o "$T/program" <<-END ||
	#include <flightrec.h>
	#include <unistd.h>
	int main(void)
	{
		static flightrec rec;
		for (int i = 0; i < $limit * 1000 && !flightrec_watch_[0] && !flightrec_watch_[FLIGHTREC_ARMED_]; i++)
			usleep(1000);
		flightrec_begin(&rec, "seen", FLIGHTREC_MSEC(1));
		pause();
		return 0;
	}
	END
		fail "it does not link"
	launch r "$FLIGHTREC" run --json -o "$T/replays" -- \
		sh -c "while read -r go; do '$T/program' & read -r go; kill \$!; wait; done"
	await r err 'flightrec: watching*'
	for i in {1..10}; do
		echo go >&"${input[r]}"
		until_true seen "$i"
		echo go >&"${input[r]}"
	done
	finish r
	attach a -a --json -o "$T/replays"
	for i in {1..10}; do
		cp "$T/program" "$T/program.$i"
		launch "p$i" "$T/program.$i"
		until_true seen "$i"
		kill "${pid[p$i]}"
		join "p$i"
	done
	stop a
}

test_each_of_bfd_is_seen()
{
	each_is_seen bfd
}

test_each_of_gold_is_seen()
{
	each_is_seen gold
}

test_each_of_lld_is_seen()
{
	each_is_seen lld
}

test_each_of_mold_is_seen()
{
	each_is_seen mold
}

test_compiled_by_clang()
{
	linked_by clang
}

test_linked_with_optimization()
{
	linked_by cc -flto
}

test_header_in_every_language()
{
	local standard

	have cc || skip "no cc here: programs are not compiled in this place"
	for standard in gnu11 gnu17 gnu2x; do
		cc -std=$standard -Wall -Wextra -Werror -I"$FLIGHTREC_ROOT/include" -fsyntax-only \
			"$FLIGHTREC_ROOT/tests/e2e/programs/plugin.c" || fail "C, $standard"
	done
	for standard in c++17 gnu++17 c++20; do
		c++ -std=$standard -Wall -Wextra -Werror -I"$FLIGHTREC_ROOT/include" -fsyntax-only \
			"$FLIGHTREC_ROOT/tests/e2e/programs/exceptions.cc" || fail "C++, $standard"
	done
}

test_wrong_format_does_not_compile()
{
	have cc || skip "no cc here: programs are not compiled in this place"
	! cc -Wall -Werror -I"$FLIGHTREC_ROOT/include" -fsyntax-only -x c - 2>"$T/cc.err" <<-'END' ||
	#include <flightrec.h>
	void f(flightrec *r) { flightrec_info(r, "%d", "text"); }
	END
		fail "a wrong argument compiles"
	grep -q Werror=format "$T/cc.err" || fail "$(cat "$T/cc.err")"
	! cc -I"$FLIGHTREC_ROOT/include" -fsyntax-only -x c - 2>"$T/cc.err" <<-'END' ||
	#include <flightrec.h>
	void f(flightrec *r, const char *format) { flightrec_info(r, format); }
	END
		fail "a format that is no literal compiles"
}
