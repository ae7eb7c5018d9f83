# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# --blocked: threads of any program that are in one system call for too long.

test_blocked_in_a_system_call()
{
	local fd

	start_worker w "$FLIGHTREC_TESTS/spanned"
	tell w pid
	PID=$ANSWER
	# It hung before anybody looked.
	tell w flock
	fd=${ANSWER% *}
	attach a --json -p "$PID" --blocked 200ms
	await a out '*"event":"timeout"*"name":"flock"*"span":"blocked"*'
	tell w close "$fd"
	await a out '*"event":"finished"*"name":"flock"*'
	finish w
	join a
	valid_json "$T/a.out"
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
}

# A thread that waits for a semaphore, or for a child, may just have nothing to do.
test_blocked_but_for_idle_ones()
{
	local child

	start_worker w "$FLIGHTREC_TESTS/spanned"
	tell w pid
	PID=$ANSWER
	launch s sh -c 'sleep 1000 & echo $!; wait'
	await s out '[0-9]*'
	child=$LINE
	attach a --json -p "$PID,${pid[s]},$child" --blocked 200ms
	# What sleeps has a time of its own, and is told when that is longer.
	await a out '*"event":"timeout"*'
	await a out '*"event":"timeout"*'
	kill "$child"
	kill -TERM "${pid[s]}"
	stop a
	join s
	finish w
	"$FLIGHTREC_TESTS/jsoncheck" get "$T/a.out" timeout recorder.name | sort >"$T/names"
	expect "$T/names" <<-'END'
	clock_nanosleep
	read
	END
	! grep -E '"name":"(futex|wait4)"' "$T/a.out" || fail "an idle thread was reported"
	try 2 "$FLIGHTREC" attach -p 1 --idle
	one_line '^flightrec attach: --idle needs --blocked DURATION; '
}
