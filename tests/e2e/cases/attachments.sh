# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Which files the probes are in, and for how long.

is_reported() { grep -q "$1" "$T/replays"; }

# settle N: worker w is watched, and what the collector was told before is done: it takes notices
# before entries, and goes through all that is to be done before it takes the next.
settle()
{
	until_true is_live "$1"
	until_true is_live "$1 again"
}

is_live()
{
	tell w stray "ping $1"
	is_reported "ping $1\""
}

# run_again_after COMMAND: what a program logs is seen once, also after COMMAND was done to its file
run_again_after()
{
	cp "$worker-static" "$T/program"
	run_worker w --json -o "$T/replays" -- sh -c "'$T/program'; $1; echo ok; exec '$T/program'"
	settle before
	# The shell answers, between the two.
	tell w exit 0
	settle after
	tell w open r 3600000 task
	tell w log r info one
	tell w log r info two
	tell w extend r 1
	until_true is_reported '"event":"timeout"'
	finish w
	expect_values "2	0	one,two" "$T/replays" timeout entries_total entries_lost \
		entries.*.message
}

test_attached_file_gets_another_link()
{
	run_again_after "ln '$T/program' '$T/another'"
}

test_attached_file_gets_another_mode()
{
	run_again_after "chmod 700 '$T/program'"
}

test_attached_file_gets_another_name()
{
	run_again_after "mv '$T/program' '$T/moved'; mv '$T/moved' '$T/program'"
}

# Each copy of the library takes descriptors, of which more are allowed than a shell sets.
test_more_copies_than_descriptors()
{
	local i places=

	for i in {1..40}; do
		mkdir "$T/$i"
		cp "$FLIGHTREC_BUILD/libflightrec.so.0" "$T/$i"
		places+=:$T/$i
	done
	ulimit -S -n 64
	export LD_LIBRARY_PATH=${places:1}
	run_worker w -v -- sh -c "ulimit -S -n; exec '$FLIGHTREC_TESTS/loader'"
	# What the command finds is what was set.
	await w out 64
	ask 0 w plugin "$FLIGHTREC_TESTS/plugin.so"
	tell w plugin_extend 1
	await w err '*-End of log-'
	finish w
	[[ $(sed -n 's/^flightrec: attached to \([0-9]*\) copies.*/\1/p' "$T/w.err") -ge 40 ]] ||
		fail "not all are attached to"
	totals "$T/w.err" 1 1 1 0
}

test_too_few_descriptors()
{
	ulimit -n 30
	try 4 setpriv --bounding-set -sys_resource "$FLIGHTREC" run true
	one_line 'cannot load the BPF programs: 30 descriptors are allowed \(RLIMIT_NOFILE\), and [0-9]+ are needed$'
}

# Each of them has a copy of its own, until there are no descriptors to be had for one more: that is
# said, and what another user starts is watched all the same. Others' would count as well: alone.
test_descriptors_end_meanwhile_alone()
{
	local i

	ulimit -n 110
	launch a setpriv --bounding-set -sys_resource "$FLIGHTREC" attach -a -o "$T/replays"
	await a err 'flightrec: watching*'
	for i in {1..20}; do
		cp "$worker-static" "$T/program.$i"
		launch "w$i" setpriv --reuid 65534 "$T/program.$i"
		tell "w$i" pid
	done
	await a err 'flightrec: process * is not watched in *: raise the limit (ulimit -n)*'
	cp "$worker-static" "$T/another"
	start_worker w "$T/another"
	until_true is_watched w
	stop a
}
