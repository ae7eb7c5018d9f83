# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Whoever makes work without end costs nobody else a report, and does not keep us from stopping.

hostile=$FLIGHTREC_TESTS/hostile

# beside MODE: two that are hostile, and a worker whose recorders time out meanwhile
beside()
{
	# shellcheck disable=SC2016 # the inner shell's
	run_worker w -q --json -o "$T/w.json" -- \
		bash -c '"$0" "$1" & "$0" "$1" & exec "$2"' "$hostile" "$1" "$worker"
	tell w hold 20 50
	until_true has_lines "$T/w.json" '"event":"timeout".*"name":"held ' 20
	tell w hold 20 50
	until_true has_lines "$T/w.json" '"event":"timeout".*"name":"held ' 40
}

# It ends although they go on.
ends_beside()
{
	beside "$1"
	finish w
	expect_lines "$T/w.json" '"event":"timeout".*"name":"held ' 40
	expect_lines "$T/w.json" '"event":"died".*"name":"held ' 40
	expect_lines "$T/w.json" '"event":"end"' 1
}

test_beside_what_closes_late()
{
	ends_beside late
}

test_beside_what_starts_processes()
{
	ends_beside starts
}

test_beside_what_logs()
{
	ends_beside entries
}

test_interrupted_beside_what_closes_late()
{
	beside late
	kill -TERM "${pid[w]}"
	join w
	[[ $STATUS = 143 ]] || fail "exit status $STATUS"
	expect_lines "$T/w.json" '"event":"timeout".*"name":"held ' 40
	expect_lines "$T/w.json" '"event":"end"' 1
}
