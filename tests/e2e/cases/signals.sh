# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# SIGINT and SIGTERM: detach, report, end.

attach_ends_by()
{
	start_worker w
	tell w pid
	attach a -p "$ANSWER"
	tell w open r 3600000 task
	tell w log r info one
	kill "-$1" "${pid[a]}"
	join a
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	[[ ! -s $T/a.out ]] || fail "something was replayed"
	totals "$T/a.err" 1 0 1 0
	# The process goes on.
	tell w log r info two
	tell w end r
	finish w
}

test_interrupt_ends_attach()
{
	attach_ends_by INT
}

test_termination_ends_attach()
{
	attach_ends_by TERM
}

# The signal is passed to the command, and flightrec waits for it to end.
run_passes_on()
{
	run_worker w
	tell w open r 3600000 task
	tell w log r info one
	kill "-$1" "${pid[w]}"
	join w
	[[ $STATUS = "$2" ]] || fail "exit status $STATUS instead of $2"
	totals "$T/w.err" 1 0 1 0
}

test_interrupt_sent_to_run()
{
	run_passes_on INT 130
}

test_termination_sent_to_run()
{
	run_passes_on TERM 143
}

# A signal that does not end the watching: the command gets it, and is still watched.
test_user_signal_sent_to_run()
{
	run_worker w
	tell w ignore 10
	kill -USR1 "${pid[w]}"
	tell w open r 3600000 task
	tell w extend r 1
	await w err '*-End of log-'
	tell w end r
	finish w
	totals "$T/w.err" 1 1 0 0
}

# A program that says which signals it gets; SIGTERM ends it.
signal_teller()
{
	cat >"$T/teller" <<-'END'
	#!/bin/bash
	for s in "$@"; do trap "echo got $s" "$s"; done
	trap 'echo got TERM; exit 3' TERM
	echo ready
	# Not read -t, for which bash has a use for SIGALRM of its own.
	while :; do sleep 0.02; done
	END
	chmod 755 "$T/teller"
}

# The command gets all signals that can be caught, and none ends flightrec or the watching.
test_every_signal_is_passed_on()
{
	local signals=(HUP QUIT USR1 USR2 ALRM ABRT WINCH XFSZ XCPU PIPE VTALRM PROF IO PWR SYS
		TRAP ILL BUS FPE STKFLT URG TSTP TTIN TTOU RTMIN RTMIN+7 RTMAX) s

	signal_teller
	launch w "$FLIGHTREC" run -- "$T/teller" "${signals[@]}"
	await w out ready
	for s in "${signals[@]}"; do
		kill "-$s" "${pid[w]}"
		await w out "got $s"
	done
	[[ $(ps -o stat= -p "${pid[w]}") != T* ]] || fail "flightrec has stopped"
	expect_lines "$T/w.err" ' opened, ' 0
	kill -TERM "${pid[w]}"
	await w out 'got TERM'
	join w
	[[ $STATUS = 3 ]] || fail "exit status $STATUS"
	totals "$T/w.err" 0 0 0 0
}

# Stopped by SIGSTOP and continued by way of flightrec.
test_continue_is_passed_on()
{
	local command

	run_worker w
	tell w pid
	command=$ANSWER
	kill -STOP "$command"
	until_true grep -q '^State:.*stopped' "/proc/$command/status"
	kill -CONT "${pid[w]}"
	tell w print "goes on"
	finish w
}

test_watching_goes_on_after_a_hangup()
{
	run_worker w
	tell w ignore 1
	kill -HUP "${pid[w]}"
	kill -HUP "${pid[w]}"
	tell w open r 3600000 task
	tell w extend r 1
	await w err '*-End of log-'
	kill -HUP "${pid[w]}"
	tell w end r
	finish w
	totals "$T/w.err" 1 1 0 0
}

# timeout(1) signals its child and then the group. To us that is one signal, not two.
test_ended_by_timeout()
{
	start_worker w
	tell w pid
	timeout 2 "$FLIGHTREC" attach -p "$ANSWER" >"$T/try.out" 2>"$T/try.err"
	STATUS=$?
	[[ $STATUS = 124 ]] || fail "exit status $STATUS"
	totals "$T/try.err" 0 0 0 0
	finish w
}

# Whatever flightrec is busy with, such as a reader that does not read.
# Another process's: what one sends twice within a moment counts as one.
kill_again() { bash -c "kill -$1 $2; :"; }

ends_by()
{
	kill_again "$1" "$2"
	[[ $(ps -o stat= -p "$2") != [!Z]* ]]
}

test_second_signal_while_output_blocks()
{
	# shellcheck disable=SC2034 # open so that there is a reader, which does not read
	local full fd

	mkfifo "$T/full"
	# shellcheck disable=SC2034 # likewise
	exec {fd}<>"$T/full"
	timeout 1 dd if=/dev/zero of="$T/full" bs=65536 count=64 2>/dev/null
	start_worker w
	tell w pid
	"$FLIGHTREC" attach -p "$ANSWER" >"$T/try.out" 2>"$T/full" &
	full=$!
	until_true is_watched w
	kill -INT "$full"
	# Again and again: two that come before one is taken are one.
	until_true ends_by INT "$full"
	wait "$full"
	STATUS=$?
	[[ $STATUS = 130 || $STATUS = 0 ]] || fail "exit status $STATUS"
	finish w
}

# A shell's job control stops and continues both.
test_job_control()
{
	command -v script >/dev/null || skip "no script(1), which makes a terminal"
	mkfifo "$T/keys"
	env --default-signal=INT,QUIT script -qc "bash --norc -i" "$T/typescript" \
		<"$T/keys" >"$T/terminal" 2>&1 &
	local terminal=$! command
	exec 9>"$T/keys"
	echo "$FLIGHTREC run -q sleep 1000" >&9
	until_true grep -q 'watching sleep' "$T/terminal"
	command=$(sed -n 's/.*watching sleep (pid \([0-9]*\)).*/\1/p' "$T/terminal")
	until_true grep -q '^sleep' "/proc/$command/comm"
	printf '\032' >&9
	until_true grep -q 'Stopped' "$T/terminal"
	until_true grep -q '^State:.*stopped' "/proc/$command/status"
	echo "fg" >&9
	until_true grep -q '^State:.*sleeping' "/proc/$command/status"
	printf '\003' >&9
	echo "echo status \$?." >&9
	until_true grep -q 'status 130\.' "$T/terminal"
	echo "exit" >&9
	wait "$terminal"
	[[ ! -e /proc/$command ]] || fail "the command is still there"
}

# The command gets the descriptors and pids that a supervisor hands over.
test_environment_of_a_supervisor()
{
	# shellcheck disable=SC2016 # the inner shell's
	LISTEN_FDS=1 bash -c 'export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" run -q -- \
		bash -c "echo \$((LISTEN_PID == \$\$)) \$((WATCHDOG_PID == \$\$)) \$LISTEN_FDS; cat <&3"' \
		"$FLIGHTREC" 3< <(echo "on descriptor 3") >"$T/try.out" 2>"$T/try.err"
	expect "$T/try.out" <<-END
	1 1 1
	on descriptor 3
	END
}

# A file that may not grow, as with a service's LimitFSIZE: flightrec says so, and the service goes on.
test_file_size_limit()
{
	local i

	launch w bash -c 'ulimit -f 4; exec "$@"' bash "$FLIGHTREC" run --json -o "$T/replays" -- "$worker"
	await w err 'flightrec: watching*'
	# shellcheck disable=SC2034 # so often
	for i in {1..40}; do
		tell w open r 3600000 "a task with a name that takes some room"
		tell w loop r 20
		tell w extend r 1
		tell w replay r
		tell w end r
	done
	await w err "flightrec: cannot write to $T/replays: File too large; reports are lost"
	tell w print "still there"
	finish w
	expect_lines "$T/w.err" '^flightrec: [0-9]+ reports could not be written$' 1
	expect_lines "$T/w.err" '^flightrec: 40 recorders opened' 1
}

# If the command ignores it, the first signal ends the watching, the second one flightrec.
test_second_signal_ends_at_once()
{
	run_worker w
	tell w ignore 15
	tell w pid
	local worker_pid=$ANSWER
	kill -TERM "${pid[w]}"
	await w err 'flightrec: 0 recorders opened,*'
	tell w print "still there"
	kill_again TERM "${pid[w]}"
	wait "${pid[w]}"
	STATUS=$?
	[[ $STATUS = 143 ]] || fail "exit status $STATUS"
	kill -0 "$worker_pid" || fail "the command is gone"
	tell w print "still there"
	end_input w
}

# A signal from the terminal goes to the whole group, and the command gets it only once.
test_interrupt_of_the_group()
{
	command -v script >/dev/null || skip "no script(1), which makes a terminal"
	mkfifo "$T/keys"
	# exec: a shell that stays between them, as dash does, would die of the signal itself.
	env --default-signal=INT,QUIT script -qec "exec $FLIGHTREC run -- sh -c 'trap \"echo got it; exit 5\" INT; echo ready; while :; do :; done'" \
		"$T/typescript" <"$T/keys" >"$T/terminal" 2>&1 &
	local terminal=$!
	exec 9>"$T/keys"
	until_true grep -q ready "$T/terminal"
	printf '\003' >&9
	wait "$terminal"
	STATUS=$?
	[[ $STATUS = 5 ]] || fail "exit status $STATUS: $(cat "$T/terminal")"
	expect_lines "$T/terminal" 'got it' 1
	expect_lines "$T/terminal" 'flightrec: 0 recorders opened' 1
}
