# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Nobody reads the reports: flightrec still obeys signals, and says what was lost.

# fill NAME: a worker's recorders time out with more entries than a pipe holds, 3000 in all; r is open
fill()
{
	local i

	for ((i = 0; i < 29; i++)); do
		tell "$1" open "r$i" 3600000 task
		tell "$1" loop "r$i" 100
		tell "$1" extend "r$i" 1
	done
	tell "$1" open r 3600000 task
	tell "$1" loop r 100
	tell "$1" extend r 1
}

# stuck PID: a thread of it waits for the reader of a pipe
stuck() { cat "/proc/$1"/task/*/wchan | grep -q pipe_write; }

test_reader_of_attach_has_stopped()
{
	local attach reading

	start_worker w
	tell w pid
	mkfifo "$T/pipe"
	exec {reading}<>"$T/pipe"
	"$FLIGHTREC" attach --json -p "$ANSWER" >"$T/pipe" 2>"$T/a.err" {reading}<&- &
	attach=$!
	until_true grep -q '^flightrec: watching' "$T/a.err"
	fill w
	until_true stuck $attach
	# It goes on working, and counts this one.
	tell w open s 3600000 other
	tell w end s
	kill -TERM $attach
	wait $attach
	STATUS=$?
	[[ $STATUS = 1 ]] || fail "exit status $STATUS"
	expect_lines "$T/a.err" '^flightrec: cannot write to standard output: it is not read' 1
	expect_lines "$T/a.err" 'reports? could not be written$' 1
	expect_lines "$T/a.err" '^flightrec: 31 recorders opened, 30 timed out, 3000 entries seen' 1
	tell w end r
	finish w
}

# The reports of run go to standard error, like its messages.
test_reader_of_run_has_stopped()
{
	local run reading answers commands

	mkfifo "$T/pipe" "$T/commands" "$T/answers"
	exec {reading}<>"$T/pipe" {commands}<>"$T/commands" {answers}<>"$T/answers"
	"$FLIGHTREC" run "$worker" <"$T/commands" >"$T/answers" 2>"$T/pipe" {reading}<&- &
	run=$!
	input[w]=$commands
	output[w]=$answers
	fill w
	until_true stuck $run
	# The worker still works, and the signal reaches it.
	tell w log r info late
	kill -TERM $run
	wait $run
	STATUS=$?
	[[ $STATUS = 143 ]] || fail "exit status $STATUS"
}
