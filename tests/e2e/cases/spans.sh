# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Spans: recorders of programs that do not use the library. The program has a thread that hangs when
# it is told to, and a function, work(), in which it does.

functions_only_here()
{
	[[ $(uname -m) = x86_64 ]] || skip "the ends of functions are looked for on x86-64 alone"
}

# A copy of the program that no test beside this one attaches to.
start_spanned()
{
	cp "$FLIGHTREC_TESTS/spanned" "$T/app"
	launch w "$T/app"
	tell w pid
	PID=$ANSWER
}

# What a span that hangs later than all that was asked for before says: then these have had their
# time. It is begun by the main thread.
rpc=$'span rpc 400ms by arg0 { name "call %d", arg0 begin usdt:./app:spanned:rpc__start "method %s", arg1
	log usdt:./app:spanned:rpc__step "step %ld", arg1 end usdt:./app:spanned:rpc__done }'

await_all_before()
{
	tell w here start 1
	await a out '*"call 1" of *'
	await a out '*-End of log-'
	tell w here "done" 1
	await a out '*past its deadline'
}

reports() { grep -c 'Task timed out' "$T/a.out"; }

test_span_of_a_function()
{
	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:work 100ms "work(%d, %s)", arg0, arg1'
	tell w quick 5
	tell w hang
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	join a
	expect "$T/a.out" <<-END
	$(replay 6 work app "100 ms" TMP/app <<-MORE
	=span: work, begun by uprobe:./app:work
	INFO work(1, hangs)
	MORE
	)
	[TIME: INFO]: [Flight Recorder-6] app[PID]: "work" finished after AGE, LATE past its deadline
	END
	totals "$T/a.err" 6 1 6 0
}

test_span_by_uretprobe()
{
	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:work 100ms return=hijack'
	tell w quick 5
	tell w hang
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	join a
	totals "$T/a.err" 6 1 0 0
}

# It ends in a jump to an address that nobody knows beforehand: its end is seen where it returns to.
test_span_that_ends_at_its_caller()
{
	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:through 100ms "%s", arg1'
	tell w beyond
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	tell w through 5
	tell w beyond
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	join a
	expect_lines "$T/a.out" ' hangs$' 2
	totals "$T/a.err" 7 2 7 0
}

# Its thread goes on elsewhere, without passing an end of the function.
test_span_frames_that_are_left()
{
	local how

	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:work 100ms' -s "$rpc"
	for how in leave cancel leave; do tell w "$how"; done
	tell w jump
	await_all_before
	tell w wake
	# What is begun again at the same place was left: that is not one that hangs.
	tell w jump
	tell w wake
	tell w quick 3
	finish w
	join a
	[[ $(reports) = 1 ]] || fail "a function that was left was reported"
	totals "$T/a.err" 9 1 1 0
}

test_span_that_calls_itself()
{
	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:again 100ms "depth %d", arg0'
	tell w again
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	join a
	expect_lines "$T/a.out" 'depth 3' 1
	totals "$T/a.err" 1 1 1 0
}

test_span_in_a_span()
{
	functions_only_here
	start_spanned
	attach a --json -p "$PID" -s 'uprobe:./app:work 100ms' -s 'uprobe:./app:outer 1h'
	tell w quick 1
	tell w nest
	await a out '*"event":"timeout"*'
	tell w go
	await a out '*"event":"finished"*'
	finish w
	join a
	valid_json "$T/a.out"
	expect_values $'3\t2\twork\twork\tuprobe:./app:work' "$T/a.out" timeout recorder.id recorder.parent \
		recorder.name recorder.span recorder.source
	totals "$T/a.err" 3 1 0 0
}

# Any thread ends it, and another one of the same name does not.
test_span_by_an_argument()
{
	start_spanned
	attach a -p "$PID" -s "$rpc"
	tell w start 5
	tell w start 6
	tell w step 5
	tell w here "done" 6
	await a out '*-End of log-'
	tell w here step 5
	await a out '*step 50'
	tell w here "done" 5
	await a out '*past its deadline'
	finish w
	join a
	expect "$T/a.out" <<-END
	$(replay 1 "call 5" app "400 ms" TMP/app <<-MORE
	=span: rpc, begun by usdt:./app:spanned:rpc__start
	INFO method get
	INFO step 50
	MORE
	)
	[TIME: INFO]: [Flight Recorder-1] app[PID]: (DATE) step 50
	[TIME: INFO]: [Flight Recorder-1] app[PID]: "call 5" finished after AGE, LATE past its deadline
	END
	totals "$T/a.err" 2 1 4 0
}

# A probe that begins a span which is open already begins another one.
test_span_that_begins_again()
{
	start_spanned
	attach a -p "$PID" -s "${rpc/ by arg0/}"
	tell w start 1
	tell w start 2
	await a out '*-End of log-'
	tell w "done" 9
	await a out '*past its deadline'
	finish w
	join a
	expect_lines "$T/a.out" '"call 2" finished' 1
	[[ $(reports) = 1 ]] || fail "the one before was reported"
	totals "$T/a.err" 2 1 2 0
}

test_span_conditions()
{
	start_spanned
	attach a -p "$PID" -s 'span s 1h by arg0 {
		begin usdt:./app:spanned:rpc__start if arg0 >= -3 "begins %d", arg0
		log usdt:./app:spanned:rpc__step if arg1 == 20 "is 20"
		log usdt:./app:spanned:rpc__step if arg1 != 20 "is not 20"
		end usdt:./app:spanned:rpc__done }' -s 'span t 1h by arg0 {
		begin usdt:./app:spanned:rpc__start if arg1 == "ge"
		end usdt:./app:spanned:rpc__done }' -s 'span u 1h by arg0 {
		begin usdt:./app:spanned:rpc__start if arg1 != "ge"
		end usdt:./app:spanned:rpc__done }'
	tell w start -4
	tell w start -3
	tell w step -3
	tell w start 2
	tell w step 2
	finish w
	join a
	# s of two; t of three; u of none.
	totals "$T/a.err" 5 0 4 0
}

test_span_of_a_system_call()
{
	local first second

	start_spanned
	attach a -p "$PID" -s 'syscall:flock,fsync 100ms "flock(%d, %d)", arg0, arg1'
	tell w flock
	read -r first second <<<"$ANSWER"
	await a out '*-End of log-'
	tell w close "$first"
	await a out '*past its deadline'
	finish w
	join a
	expect "$T/a.out" <<-END
	$(replay 2 flock app "100 ms" TMP/app <<-MORE
	=span: "flock,fsync", begun by syscall:flock,fsync
	INFO flock($second, 2)
	MORE
	)
	[TIME: INFO]: [Flight Recorder-2] app[PID]: "flock" finished after AGE, LATE past its deadline
	END
	totals "$T/a.err" 2 1 2 0
}

# Its page comes into memory when the report is made.
test_span_with_a_string_that_is_not_in_memory()
{
	functions_only_here
	start_spanned
	sync
	attach a -p "$PID" -s 'span f 100ms { name "<%.30s>", arg1 begin uprobe:./app:work "of %s", arg1 }'
	tell w cold
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	join a
	expect_lines "$T/a.out" '"<never looked at>" of app' 1
	expect_lines "$T/a.out" 'of never looked at$' 1
}

test_span_of_a_process_that_is_killed()
{
	functions_only_here
	start_spanned
	attach a -p "$PID" -s 'uprobe:./app:work 100ms'
	tell w hang
	await a out '*-End of log-'
	kill -KILL "$PID"
	await a out '*its process was killed by signal 9*'
	join w
	join a
	totals "$T/a.err" 1 1 0 0
}

# One that is started later, by what the command starts: its file is named.
test_span_of_a_program_to_come()
{
	functions_only_here
	cp "$FLIGHTREC_TESTS/spanned" "$T/app"
	launch w "$FLIGHTREC" run -o "$T/replays" -s 'uprobe:./app:work 1h' -- sh -c 'echo ready; read x; ./app; :'
	await w err '*watching*'
	await w out ready
	echo >&"${input[w]}"
	tell w quick 4
	finish w
	totals "$T/w.err" 4 0 0 0
}

test_span_of_all_processes()
{
	functions_only_here
	cp "$FLIGHTREC_TESTS/spanned" "$T/app"
	attach a -a -s "uprobe:$T/app:work 100ms"
	launch w "$T/app"
	tell w quick 1
	tell w hang
	await a out '*-End of log-'
	tell w go
	await a out '*past its deadline'
	finish w
	stop a
	expect_lines "$T/a.out" 'span: work, begun by uprobe:' 1
}

# A program with recorders of its own, and a function of the C library.
test_span_beside_recorders()
{
	functions_only_here
	run_worker w -s 'uprobe:c:getppid 1h' -o "$T/replays"
	tell w open r 3600000 task
	tell w log r info one
	tell w end r
	finish w
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	totals "$T/w.err" 1 0 1 0
}

test_span_errors()
{
	start_spanned
	try 2 "$FLIGHTREC" attach -p "$PID" -s 'span x 1 { }'
	one_line '^flightrec attach: -s:1:8: expected a timeout, such as 250ms or 2s, not .1.$'
	printf '# first\nspan x 1s {\n\tbegn usdt:a:b:c\n}\n' >"$T/bad.spans"
	try 2 "$FLIGHTREC" attach -p "$PID" --pack ./bad.spans
	one_line '^flightrec attach: ./bad.spans:3:2: expected name, .* or }, not .begn.; did you mean .begin.\?$'
	try 2 "$FLIGHTREC" attach -p "$PID" --pack nothing
	one_line "^flightrec attach: --pack: there is no 'nothing'"
	try 3 "$FLIGHTREC" attach -p "$PID" -s 'span x 1s { begin usdt:./app:spanned:rpc__strat end usdt:./app:spanned:rpc__done }'
	one_line "^flightrec: span x: .*/app has no probe 'rpc__strat'; did you mean 'rpc__start'\?$"
	try 3 "$FLIGHTREC" attach -p "$PID" -s 'uprobe:libnothing:f 1s'
	one_line '^flightrec: span f: nothing that is watched has libnothing$'
	try 3 "$FLIGHTREC" attach -p "$PID" -s 'span x 1s { require usdt:./app:spanned:no or "it has none"
		begin usdt:./app:spanned:rpc__start end usdt:./app:spanned:rpc__done }'
	one_line '^flightrec: span x: .*/app: it has none$'
	finish w
}

# Of several, those that are possible work.
test_span_that_is_not_possible_beside_one()
{
	start_spanned
	launch a "$FLIGHTREC" attach -p "$PID" -s "$rpc" -s 'uprobe:./app:wrok 1s'
	await a err "*span wrok: *no function 'wrok'; did you mean 'work'[?]"
	await a err '*watching 1 process'
	tell w start 1
	await a out '*-End of log-'
	tell w "done" 1
	finish w
	join a
	totals "$T/a.err" 1 1 1 0
}

test_spans_of_a_process()
{
	start_spanned
	try 0 "$FLIGHTREC" spans -p "$PID" -s "$rpc" -s 'uprobe:./app:wrok 1s'
	[[ ! -s $T/try.err ]] || fail "$(cat "$T/try.err")"
	grep -A 5 '/app$' "$T/try.out" >"$T/listed"
	expect "$T/listed" <<-'END'
	TMP/app
	    usdt:app:spanned:rpc__start, 2 arguments
	    usdt:app:spanned:rpc__step, 2 arguments
	    usdt:app:spanned:rpc__done, 2 arguments
	    span rpc: possible
	    span wrok: not possible: TMP/app has no function 'wrok'; did you mean 'work'?
	END
	try 0 "$FLIGHTREC" spans -p "$PID"
	[[ ! -d $FLIGHTREC_ROOT/user/packs ]] || grep -q '^    span getaddrinfo: ' "$T/try.out" ||
		fail "the packs were not looked at"
	try 2 "$FLIGHTREC" spans
	one_line '^flightrec spans: name processes with -p, or all packs with --packs'
	finish w
}

# Each pack that comes with it is parsed.
test_spans_packs()
{
	[[ -d $FLIGHTREC_ROOT/user/packs ]] || skip "the packs are not beside the command here"
	try 0 "$FLIGHTREC" spans --packs
	grep '^[a-z]' "$T/try.out" | cut -d ' ' -f 1 >"$T/packs"
	expect "$T/packs" <<-'END'
	files
	jvm
	libpq
	openssl
	postgres
	resolver
	END
}

# What events log is of severity INFO.
test_span_above_a_severity()
{
	start_spanned
	attach a -p "$PID" --min-severity warning -s "$rpc"
	tell w start 1
	await a out '*-End of log-'
	tell w "done" 1
	finish w
	join a
	totals "$T/a.err" 1 1 0 0
}

# leaves HOW OPENED: the program goes on unharmed, and nothing of it is reported but that it waits for
# a line, which is longer than what was asked for its function.
leaves()
{
	functions_only_here
	cp "$FLIGHTREC_TESTS/leaver" "$T/app"
	launch w "$T/app" "$1"
	await w out ready
	attach a --json -p "${pid[w]}" -s 'uprobe:./app:work 50ms' -s 'syscall:read 300ms'
	echo >&"${input[w]}"
	await w out 'done'
	await a out '*"event":"timeout"*'
	echo >&"${input[w]}"
	join w
	[[ $STATUS = 0 ]] || fail "the program ended with $STATUS"
	join a
	expect_values read "$T/a.out" timeout recorder.name
	totals "$T/a.err" "$2" 1 0 0
}

# Three calls and two reads: one of a newline, which does not wait, and one that does.
test_span_of_a_function_that_throws()
{
	leaves throw 4
}

test_span_of_a_function_that_switches_stacks()
{
	leaves switch 3
}

test_span_under_seccomp()
{
	leaves seccomp 4
}

# What flightrec itself does is not watched, though everybody is: else each report would be another one.
test_span_of_all_but_oneself()
{
	start_spanned
	attach a -a --json -s 'syscall:epoll_wait,epoll_pwait 50ms' -s "${rpc//.\/app/$T/app}"
	tell w start 1
	await a out '*"event":"timeout"*"span":"rpc"*'
	tell w "done" 1
	await a out '*"event":"finished"*"span":"rpc"*'
	finish w
	stop a
	! grep -q "\"pid\":${pid[a]}," "$T/a.out" || fail "it watches itself"
}
