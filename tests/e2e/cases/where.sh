# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Where a thread hangs: its stack, which it notices nothing of.

hangs=$FLIGHTREC_TESTS/hangs

# hang WAY [ARG...]: its report is in $T/h.err
hang()
{
	launch h "$FLIGHTREC" run -- "$hangs" "$@"
	await h err '*main (hangs.c:*'
}

hang_json()
{
	launch h "$FLIGHTREC" run --json -- "$hangs" "$@"
	await h err '*"event":"timeout"*'
}

# over: the program is killed, which may be stopped
over()
{
	pkill -KILL -P "${pid[h]}" -x 'hangs.*'
	join h
}

# traceback: the lines of the traceback, from the first function of the program on, without numbers
traceback()
{
	sed -n 's/.*\[Flight Recorder-1\] #[0-9]* //p' "$T/h.err" | sed -n '/hangs/,$p' |
		sed -E 's/:[0-9]+\)/:LINE)/' >"$T/traceback"
}

expect_traceback()
{
	traceback
	diff -u --label expected --label traceback - "$T/traceback" || fail "another traceback"
}

test_stack_of_a_thread()
{
	hang mutex
	over
	expect_traceback <<-END
	stuck_in_mutex (hangs.c:LINE)
	mutex (hangs.c:LINE)
	main (hangs.c:LINE)
	END
	expect_lines "$T/h.err" '\[Flight Recorder-1\] Task traceback$' 1
	# All of it, behind the log.
	sed -n '/-End of log-/,$p' "$T/h.err" | sed -n 2p | grep -q 'Task traceback$' || fail "not behind the log"
	! grep -q '\[Flight Recorder-1\] (' <(sed -n '/Task traceback/,$p' "$T/h.err") || fail "not complete"
}

test_stack_in_json()
{
	local functions files end state tid opener modules

	hang_json mutex
	over
	valid_json "$T/h.err"
	values "$T/h.err" timeout 'thread.stack.*.function' 'thread.stack.*.file' thread.stack_end thread.state \
		thread.tid recorder.tid 'thread.stack.*.module'
	IFS=$'\t' read -r functions files end state tid opener modules <<<"$VALUES"
	[[ $functions = *,stuck_in_mutex,mutex,main ]] || fail "functions $functions"
	[[ $files = *hangs.c,hangs.c,hangs.c ]] || fail "files $files"
	[[ $end = complete && $state = sleeping && $tid = "$opener" ]] || fail "$end, $state, $tid of $opener"
	[[ $modules = */libc.so.6,*"$hangs,$hangs,$hangs" ]] || fail "modules $modules"
}

# Recursion is told, not listed.
test_stack_of_recursion()
{
	hang deep
	over
	expect_traceback <<-END
	descend (hangs.c:LINE)
	descend (hangs.c:LINE), 100 times
	main (hangs.c:LINE)
	END
}

# A loop is found while it runs.
test_stack_of_a_running_thread()
{
	hang spin
	over
	expect_traceback <<-END
	stuck_in_spin (hangs.c:LINE)
	main (hangs.c:LINE)
	END
}

# No names, no debugging information: offsets into the file remain.
test_stack_of_a_stripped_program()
{
	local program=$FLIGHTREC_TESTS/hangs-stripped

	launch h "$FLIGHTREC" run --json -- "$program" mutex
	await h err '*"event":"timeout"*'
	over
	values "$T/h.err" timeout 'thread.stack.*.module' 'thread.stack.*.function' thread.stack_end
	[[ $VALUES = *"$program,$program,$program"$'\t'*null,null,null$'\t'complete ]] || fail "$VALUES"
}

test_no_stack()
{
	launch h "$FLIGHTREC" run --no-stack -- "$hangs" mutex
	await h err '*-End of log-'
	over
	expect_lines "$T/h.err" 'Task traceback' 0
}

# The wait ends when it would have ended, and the thread was not woken in between.
test_nothing_is_disturbed()
{
	launch h "$FLIGHTREC" run -- "$hangs" epoll
	await h err '*main (hangs.c:*'
	await h out 'epoll_wait*'
	over
	[[ $LINE = 'epoll_wait 0, switches 1' ]] || fail "$LINE"
}

helper_of() { HELPER=$(pgrep -P "$1" -x flightrec-help); }

# What reads the files of others can do nothing else.
test_helper_has_no_privileges()
{
	start_worker w
	tell w pid
	attach a --json -p "$ANSWER"
	until_true helper_of "${pid[a]}"
	until_true grep -q '^Seccomp:.*2$' "/proc/$HELPER/status"
	[[ $(sed -n 's/^Uid:\t//p' "/proc/$HELPER/status") = $'65534\t65534\t65534\t65534' ]] || fail "another user"
	grep -q '^CapPrm:.0000000000000000$' "/proc/$HELPER/status" || fail "capabilities"
	grep -q '^NoNewPrivs:.1$' "/proc/$HELPER/status" || fail "may get privileges"
	[[ $(find "/proc/$HELPER/fd" -lname '*worker*' | wc -l) = 0 ]] || fail "it has files already"
	stop a
	until_true test ! -e "/proc/$HELPER"
	finish w
}

# It is replaced, and the next report has its stack.
test_helper_is_killed()
{
	local helper

	start_worker w
	tell w pid
	attach a --json -p "$ANSWER"
	until_true helper_of "${pid[a]}"
	helper=$HELPER
	kill -KILL "$helper"
	until_true test ! -e "/proc/$helper"
	tell w open r 1 task
	await a out '*"event":"timeout"*'
	stop a
	values "$T/a.out" timeout thread.stack_end
	[[ $VALUES = complete ]] || fail "$VALUES"
	finish w
}

# Names of C++ as they are written; a wait in the library that all of it is linked into.
test_stack_of_a_cxx_program()
{
	launch w "$FLIGHTREC" run -- "$FLIGHTREC_TESTS/exceptions-static"
	await w err '*main (exceptions.cc:*'
	finish w 5
	expect_lines "$T/w.err" '#[0-9]+ .*std::.*getline<char, std::char_traits<char>, .*\(exceptions-static\)$' 1
}

# ---- what it waits for ----

# waits WAY [ARG]: the line about it is in WAITS, with numbers of threads, descriptors and addresses left out
waits()
{
	launch h "$FLIGHTREC" run -- "$hangs" "$@"
	await h err '*waits: *'
	WAITS=$(sed -E -e 's/.*\] waits: //' -e 's/0x[0-9a-f]+/ADDRESS/g' -e "s/(thread|process|and|threads) [0-9]+/\1 N/g" \
		-e 's/\([0-9]+\)/(FD)/g' <<<"$LINE")
	over
}

expect_waits()
{
	local expected=$1

	shift
	waits "$@"
	[[ $WAITS = "$expected" ]] || fail "waits: $WAITS"
}

# All of it: who holds what, and that nobody will let go.
test_waits_deadlock()
{
	expect_waits "for the mutex at ADDRESS held by thread N (hangs), which waits for the mutex at ADDRESS held by thread N (hangs): a deadlock of threads N and N" deadlock
}

test_waits_deadlock_with_itself()
{
	expect_waits "for the mutex at ADDRESS held by thread N (hangs): a deadlock of thread N" self
}

test_waits_mutex()
{
	expect_waits "for the mutex at ADDRESS held by thread N (hangs), which is in pause()" mutex
}

test_waits_rwlock()
{
	expect_waits "to read the rwlock at ADDRESS held by thread N (hangs), which is in pause()" writer
	expect_waits_again "to write the rwlock at ADDRESS held by 2 readers" readers
}

# Another one in the same test.
expect_waits_again()
{
	rm -f "$T"/h.*
	expect_waits "$@"
}

test_waits_condition_and_barrier()
{
	expect_waits "for a signal to the condition at ADDRESS" condition
	expect_waits_again "for others to come to the barrier at ADDRESS" barrier
}

# The function that waits there has a name only in libc's debugging symbols.
test_waits_semaphore()
{
	local expected="for something at ADDRESS"

	waits semaphore
	! grep -q 'sem_wait' "$T/h.err" || expected="for a post to the semaphore at ADDRESS"
	[[ $WAITS = "$expected" ]] || fail "waits: $WAITS"
}

test_waits_join()
{
	expect_waits "for thread N (hangs) to end, which is in pause()" join
}

test_waits_pipe()
{
	expect_waits "in read(FD) of a pipe, whose other end nobody else has" pipe
}

# The process at the other end is another one.
test_waits_unix_socket()
{
	# Who has the other end is asked of unix_diag, which may be a module.
	[[ -d /lib/modules/$(uname -r) ]] || zgrep -qs '^CONFIG_UNIX_DIAG=y' /proc/config.gz ||
		skip "no modules of this kernel here"
	expect_waits "in read(FD) of a socket, at whose other end is process N (hangs), which is in pause()" unix
}

test_waits_flock()
{
	expect_waits "in flock(FD) for the lock of $T/lock held by process N (hangs), which is in pause()" flock "$T/lock"
}

test_waits_child()
{
	expect_waits "in wait4() for process N (hangs), which is in pause()" wait
}

test_waits_epoll()
{
	expect_waits "in epoll_wait(FD), which has no descriptors" epoll
}

test_waits_for_nothing()
{
	expect_waits "for nothing: it is running" spin
}

test_waits_for_a_signal()
{
	expect_waits "for SIGCONT: it was stopped by a signal" stop
}

# The same for programs: numbers are those of the threads.
test_waits_in_json()
{
	local kind call holder deadlock tid

	hang_json deadlock
	over
	valid_json "$T/h.err"
	values "$T/h.err" timeout thread.waits.kind thread.syscall.name thread.waits.held_by.0.tid thread.waits.deadlock \
		thread.tid
	IFS=$'\t' read -r kind call holder deadlock tid <<<"$VALUES"
	[[ $kind = mutex && $call = futex && $deadlock = "[$tid,$holder]" && $holder != "$tid" ]] || fail "$VALUES"
}

# Without watching: of a process that hangs now.
test_dump_has_stacks()
{
	local way_pid

	launch h "$hangs" deadlock
	await h out 'ready *'
	way_pid=${pid[h]}
	until_true grep -q futex "/proc/$way_pid/wchan"
	try 0 "$FLIGHTREC" dump -p "$way_pid"
	kill -KILL "$way_pid"
	join h
	expect_lines "$T/try.out" '\] waits: for the mutex at .* held by .*: a deadlock of threads [0-9]+ and [0-9]+$' 1
	cp "$T/try.out" "$T/h.err"
	expect_traceback <<-END
	stuck_in_mutex (hangs.c:LINE)
	deadlock (hangs.c:LINE)
	main (hangs.c:LINE)
	END
}

# A block a hang, and nothing that a terminal would take for colours unless it is one.
test_short()
{
	launch h "$FLIGHTREC" run --format short -- "$hangs" self
	await h err 'log *'
	over
	sed -E -e 's/\[[0-9]+\]/[PID]/; s/thread [0-9]+/thread N/g; s/0x[0-9a-f]+/ADDRESS/; s/:[0-9]+\)$/:LINE)/' \
		-e 's/ for [0-9.]+ m?s, / for AGE, /; s/^in    [0-9.]+ m?s/in    AGE/; s/ \+0\.[0-9]+ / +TIME /' "$T/h.err" |
		sed -n -e '/^HANG\|^in\|^waits\|^log\|^DIED/p' -e 's/#[0-9]* \(.*hangs.c\)/\1/p' >"$T/short"
	diff -u --label expected --label short - "$T/short" <<-END || fail "another block"
	HANG  hangs[PID] "hang" for AGE, timeout 200 ms
	in    AGE: wait
	waits for the mutex at ADDRESS held by thread N (hangs): a deadlock of thread N
	      stuck_in_mutex (hangs.c:LINE)
	      main (hangs.c:LINE)
	log   +TIME +wait
	DIED  hangs[PID] "hang": signal 9 SIGKILL
	END
}
