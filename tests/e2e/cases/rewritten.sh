# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Files that probes are in, or were, are written to; and files that nobody maps any more.

is_reported() { grep -q "$1" "$T/replays"; }

descriptors() { find "/proc/${pid[$1]}/fd" 2>/dev/null | wc -l; }
links() { find "/proc/${pid[$1]}/fd" -lname '*bpf*link*' 2>/dev/null | wc -l; }
links_are() { [[ $(links "$1") = "$2" ]]; }
more_links_than() { [[ $(links "$1") -gt $2 ]]; }
at_most() { [[ $(descriptors "$1") -le $2 ]]; }

# rewrite FROM FILE: as cp does it, without making a new file
rewrite() { cat "$1" >"$2" || fail "cannot write to $2"; }

# hang NAME KEY: a worker with a recorder that times out, and is reported
hang()
{
	tell "$1" open r 3600000 "$2"
	tell "$1" log r info "step of $2"
	tell "$1" extend r 1
	until_true is_reported "\"event\":\"timeout\".*\"name\":\"$2\".*\"step of $2\""
}

# Two programs whose code is not the same, one after the other in the same file. What the kernel
# would put into the second at the first's places makes it crash.
programs_in_one_file()
{
	local round program

	for round in 1 2 3; do
		for program in "$worker-static" "$worker-static-pie"; do
			rewrite "$program" "$T/program"
			"$@" "$round-${program##*/}"
		done
	done
}

start_and_hang()
{
	start_worker w "$T/program"
	hang w "$1"
	finish w
}

test_program_is_rewritten()
{
	cp "$worker-static" "$T/program"
	attach a -a --json -o "$T/replays"
	programs_in_one_file start_and_hang
	stop a
}

start_in_shell()
{
	tell w go
	hang w "$1"
	tell w exit 0
}

# Its shell starts what the test wants, and answers when that ended.
test_program_is_rewritten_under_run()
{
	cp "$worker-static" "$T/program"
	run_worker w --json -o "$T/replays" -- \
		sh -c "echo ok; while read -r go; do echo ok; '$T/program' && echo ok; done"
	await w out ok
	programs_in_one_file start_in_shell
	finish w
}

# The file is another user's, of which we may have no lease: its probes go with its last process.
test_file_without_a_lease()
{
	local before program

	cp "$worker-static" "$T/program"
	chown 65534 "$T/program"
	launch w setpriv --bounding-set -lease "$FLIGHTREC" run --json -o "$T/replays" -- \
		sh -c "echo ok; while read -r go; do echo ok; '$T/program' && echo ok; done"
	await w out ok
	before=$(links w)
	for program in first second; do
		tell w go
		hang w "$program"
		until_true more_links_than w "$before"
		tell w exit 0
		until_true links_are w "$before"
	done
	finish w
}

private_library()
{
	mkdir "$T/lib"
	cp "$FLIGHTREC_BUILD/libflightrec.so.0" "$T/lib/"
	export LD_LIBRARY_PATH=$T/lib
}

# The library is in use, and what is written is what was there: the process goes on, and is watched
# again, as are new ones. cp would cut it first, which kills who uses it, watched or not.
library_in_use()
{
	hang w before
	tell w end r
	tell w open kept 3600000 kept
	dd if="$FLIGHTREC_BUILD/libflightrec.so.0" of="$T/lib/libflightrec.so.0" conv=notrunc status=none ||
		fail "cannot write"
	tell w log kept info "after that"
	hang w after
	tell w end r
	tell w extend kept 1
	until_true is_reported '"event":"timeout".*"name":"kept"'
}

test_library_is_rewritten_under_run()
{
	private_library
	run_worker w --json -o "$T/replays"
	library_in_use
	finish w
	expect_lines "$T/replays" '"event":"timeout"' 3
}

test_library_is_rewritten_with_attach()
{
	private_library
	start_worker w
	tell w pid
	attach a --json -o "$T/replays" -p "$ANSWER"
	library_in_use
	finish w
	join a
	expect_lines "$T/replays" '"event":"timeout"' 3
}

test_library_is_rewritten_for_all()
{
	private_library
	attach a -a --json -o "$T/replays"
	start_worker w
	library_in_use
	finish w
	rewrite "$FLIGHTREC_BUILD/libflightrec.so.0" "$T/lib/libflightrec.so.0"
	start_worker w
	hang w new
	finish w
	stop a
}

# What is closed while somebody writes is not missed: it was forgotten.
test_by_probes_closed_while_written()
{
	private_library
	run_worker w --json -o "$T/replays"
	hang w before
	tell w end r
	tell w open closed 3600000 closed
	tell w open kept 3600000 kept
	exec {writer}>>"$T/lib/libflightrec.so.0"
	until_true is_unwatched w
	tell w end closed
	exec {writer}>&-
	until_true is_watched w
	hang w after
	tell w extend kept 1
	until_true is_reported '"event":"timeout".*"name":"kept"'
	finish w
	expect_lines "$T/replays" '"name":"closed"' 0
}

# Many programs, each run once: what they took is given back.
test_nobody_maps_them_any_more()
{
	local i before

	attach a -a --json -o "$T/replays"
	before=$(descriptors a)
	for i in {1..20}; do
		cp "$worker-static" "$T/program.$i"
		start_worker w "$T/program.$i"
		hang w "$i"
		finish w
		rm "$T/program.$i"
	done
	# Others' processes come and go meanwhile.
	until_true at_most a $((before + 12))
	stop a
}


# It is not attached to meanwhile, as nobody knows what it becomes; it is looked at all the same.
test_library_is_open_for_writing()
{
	local writer

	private_library
	attach a -a --json -o "$T/replays"
	exec {writer}>>"$T/lib/libflightrec.so.0"
	start_worker w
	if [[ $WAY = memory ]]; then hang w first; fi
	await a err "flightrec: process * is not watched in $T/lib/libflightrec.so.0, which is open for writing: until that is over it is *"
	exec {writer}>&-
	# It had that open as well.
	finish w
	start_worker x
	until_true is_watched x
	hang x second
	tell x end r
	dd if="$FLIGHTREC_BUILD/libflightrec.so.0" of="$T/lib/libflightrec.so.0" conv=notrunc status=none ||
		fail "cannot write"
	hang x third
	finish x
	stop a
}
