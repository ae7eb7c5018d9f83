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

# The command is told, and its end is waited for.
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

# Not one that ends the watching: the command gets it, and goes on, watched.
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

# A command that takes no notice: the watching ends with the first signal, flightrec with the second.
test_second_signal_ends_at_once()
{
	run_worker w
	tell w ignore 15
	tell w pid
	local worker_pid=$ANSWER
	kill -TERM "${pid[w]}"
	await w err 'flightrec: 0 recorders opened,*'
	tell w print "still there"
	kill -TERM "${pid[w]}"
	wait "${pid[w]}"
	STATUS=$?
	[[ $STATUS = 143 ]] || fail "exit status $STATUS"
	kill -0 "$worker_pid" || fail "the command is gone"
	tell w print "still there"
	end_input w
}

# From the terminal it comes to the whole group at once, and the command gets it but once.
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
