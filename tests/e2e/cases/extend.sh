# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Deadlines that are moved.

test_extend_later()
{
	run_worker w
	tell w open r 600000 task
	tell w extend r 3600000
	tell w log r info one
	tell w end r
	finish w
	totals "$T/w.err" 1 0 1 0
	expect_lines "$T/w.err" . 2
}

# Nothing happens at the first deadline, because it was moved.
test_extend_past_the_first_deadline()
{
	run_worker w
	tell w open a 1000 moved
	tell w extend a 3600000
	# Opened later, so it times out after the first deadline of the other.
	tell w open b 1000 canary
	await w err '*-End of log-'
	tell w end a
	tell w end b
	finish w
	expect_lines "$T/w.err" "moved" 0
	expect_lines "$T/w.err" '"canary" of worker' 1
	totals "$T/w.err" 2 1 0 0
}

# Thirty days, beside a millisecond, and then no more than that.
test_extend_earlier()
{
	run_worker w
	tell w open far 2592000000 far
	tell w open r 2592000000 task
	ask "" w extend r 1
	await w err '*-End of log-'
	tell w end r
	tell w end far
	finish w
	expect_lines "$T/w.err" "far" 0
	expect_lines "$T/w.err" "timeout 1 ms" 1
	totals "$T/w.err" 2 1 0 0
}

# The longest times, and longer: these mean no timeout, never one in the past.
test_extend_without_end()
{
	local far process

	private_worker
	for far in 1e13 1e14; do
		run_worker w -- "$T/private"
		tell w open far $far "far away"
		tell w open r 600000 task
		tell w extend r $far
		tell w pid
		process=$ANSWER
		attach a -p "$process"
		# Opened later, so it times out after anything that is overdue.
		tell w open b 1 canary
		await w err '*-End of log-'
		await a out '*-End of log-'
		tell w end b
		tell w replay_end r
		await w err '*-End of log-'
		await a out '*-End of log-'
		try 0 "$FLIGHTREC" dump --no-stack -p "$process"
		expect_lines "$T/try.out" ', no timeout, open for [^:]*: "far away" of private' 1
		try 0 "$FLIGHTREC" list -p "$process"
		expect_lines "$T/try.out" '\] open for [0-9.]+ s, no timeout, thread .*: "far away"$' 1
		finish w
		join a
		totals "$T/w.err" 3 1 0 0
		totals "$T/a.err" 3 1 0 0
		cat "$T/a.out" >>"$T/w.err"
		expect_lines "$T/w.err" ', no timeout, (open for|closed after) [^:]*: "task" of private' 2
		expect_lines "$T/w.err" 'pid .*, timeout ' 2
		rm "$T/w.err" "$T/a.out" "$T"/*.[0-2]
	done
}
