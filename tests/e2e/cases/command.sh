# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# The command: what it passes on, its options, and its exit status.

test_exit_status_is_passed_on()
{
	try 0 "$FLIGHTREC" run true
	try 1 "$FLIGHTREC" run false
	try 42 "$FLIGHTREC" run -- sh -c 'exit 42'
	try 143 "$FLIGHTREC" run -- sh -c 'kill -TERM $$'
	try 134 "$FLIGHTREC" run -- sh -c 'ulimit -c 0; kill -ABRT $$'
	try 255 "$FLIGHTREC" run sh -c 'exit 255'
}

test_streams_are_passed_on()
{
	local i

	for i in {1..5000}; do echo "line $i of the input"; done >"$T/sent"
	timeout "$limit" "$FLIGHTREC" run -q -- sh -c 'cat; echo "to stderr" >&2' \
		<"$T/sent" >"$T/got" 2>"$T/errors" || fail "exit status $?"
	cmp "$T/sent" "$T/got" || fail "standard input or output"
	expect "$T/errors" <<-END
	flightrec: watching sh (pid PID)
	to stderr
	END
}

# The command finds what it would have found without flightrec.
test_nothing_is_inherited_that_was_not_there()
{
	local inherited=$FLIGHTREC_TESTS/inherited

	(trap '' HUP USR1; "$inherited" "an argument" '' --json >"$T/plain.out")
	(trap '' HUP USR1; "$FLIGHTREC" run "$inherited" "an argument" '' --json \
		>"$T/run.out" 2>"$T/run.err") || fail "exit status $?"
	expect "$T/run.out" <"$T/plain.out"
	expect_lines "$T/run.out" "ignored 1$" 1
	expect_lines "$T/run.out" "argument --json" 1
}

test_main_starts_after_the_watching_line()
{
	timeout "$limit" "$FLIGHTREC" run -q -- sh -c 'echo started >&2' 2>"$T/errors"
	expect "$T/errors" <<-END
	flightrec: watching sh (pid PID)
	started
	END
}

test_output_file()
{
	run_worker w -o "$T/replays"
	tell w open r 3600000 task
	tell w log r info one
	tell w extend r 1
	until_true grep -q 'End of log' "$T/replays"
	tell w end r
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	flightrec: 1 recorder opened, 1 timed out, 1 entry seen, 0 lost
	END
	expect "$T/replays" <<-END
	$(replay 1 task worker "1 ms" DIR/worker <<<"INFO one")
	[TIME: INFO]: [Flight Recorder-1] worker[PID]: "task" finished after AGE, LATE past its deadline
	END
}

test_output_file_is_made_anew()
{
	echo "of an earlier run" >"$T/replays"
	try 0 "$FLIGHTREC" run -o "$T/replays" true
	[[ ! -s $T/replays ]] || fail "there is something in it"
}

test_output_file_is_added_to()
{
	echo "of an earlier run" >"$T/replays"
	run_worker w -A -o "$T/replays"
	tell w open r 3600000 task
	tell w extend r 1
	until_true grep -q 'End of log' "$T/replays"
	tell w end r
	finish w
	[[ $(head -n 1 "$T/replays") = "of an earlier run" ]] || fail "it is gone"
	expect_lines "$T/replays" 'Task timed out!' 1
	[[ $(stat -c %a "$T/replays") = 644 ]] || fail "another mode"
}

test_output_file_is_for_root_alone()
{
	try 0 "$FLIGHTREC" run -o "$T/replays" true
	[[ $(stat -c %a "$T/replays") = 600 ]] || fail "mode $(stat -c %a "$T/replays")"
	ln -s replays "$T/link"
	try 1 "$FLIGHTREC" run -o "$T/link" true
	one_line "^flightrec: cannot write to $T/link: Too many levels of symbolic links$"
	mkfifo "$T/fifo"
	try 1 "$FLIGHTREC" run -o "$T/fifo" true
	one_line "^flightrec: cannot write to $T/fifo: No such device or address: nobody reads from it$"
}

# Nobody else ends up writing to one of our files.
test_closed_streams()
{
	private_worker
	"$FLIGHTREC" run --json -o "$T/replays" -- sh -c 'echo text; echo more >&2; exit 3' \
		<&- >&- 2>&-
	STATUS=$?
	[[ $STATUS = 3 ]] || fail "exit status $STATUS"
	valid_json "$T/replays"
	expect_lines "$T/replays" . 1
	# The command finds them closed, as it would.
	# shellcheck disable=SC2016 # the inner shell's
	"$FLIGHTREC" run -q -- sh -c '[ ! -e /proc/$$/fd/0 ] || exit 7' 2>"$T/try.err" <&-
	STATUS=$?
	[[ $STATUS = 0 ]] || fail "exit status $STATUS, 7 if 0 is open"
}

test_exec_for_each_timeout()
{
	# shellcheck disable=SC2016 # the inner shell's
	run_worker w -q --exec 'cat; printf "env %s %s %s\\n" \
		"$FLIGHTREC_PID" "$FLIGHTREC_RECORDER" "$FLIGHTREC_NAME"'
	tell w pid
	local worker_pid=$ANSWER
	# shellcheck disable=SC2016 # that is the point
	tell w open r 3600000 '$(touch x)\n`touch x`'
	tell w log r info one
	tell w extend r 1
	await w err "env $worker_pid 1 *"
	[[ $LINE = "env $worker_pid 1 \$(touch x)\\n\`touch x\`" ]] || fail "$LINE"
	tell w end r
	tell w open s 3600000 another
	tell w extend s 1
	await w err "env $worker_pid 2 another"
	tell w end s
	finish w
	[[ ! -e $T/x ]] || fail "the name was executed"
	grep '^{"event"' "$T/w.err" >"$T/events"
	valid_json "$T/events"
	expect_values "1	one
2	" "$T/events" timeout recorder.id entries.*.message
}

# A command that hangs holds up neither reports nor the end.
test_exec_hangs()
{
	run_worker w --exec 'echo started; exec sleep 1000 >&- 2>&-' --exec-limit 1
	tell w open r 3600000 one
	tell w extend r 1
	await w err started
	tell w open s 3600000 two
	tell w extend s 1
	await w err 'flightrec: --exec: not run for every timeout: --exec-limit is reached'
	await w err '*two*worker*'
	tell w ignore 15
	kill -TERM "${pid[w]}"
	await w err 'flightrec: 2 recorders opened,*'
	finish w
	expect_lines "$T/w.err" '^flightrec: --exec: 1 still runs, and is left alone$' 1
	expect_lines "$T/w.err" '^flightrec: --exec: not run for 1 of 2 timeouts$' 1
}

# flightrec waits for the last command.
test_exec_at_the_end()
{
	# shellcheck disable=SC2016 # the inner shell's
	run_worker w --timeout 1ms --exec 'read -r line; echo "${#line}" >done'
	tell w open r 3600000 one
	await w err '*-End of log-'
	finish w
	[[ -s $T/done ]] || fail "it was not waited for"
}

test_program_without_the_library()
{
	try 5 "$FLIGHTREC" run sh -c 'exit 5'
	expect "$T/try.err" <<-END
	flightrec: watching sh (pid PID)
	flightrec: neither sh nor a process that it started uses the flightrec library
	flightrec: 0 recorders opened, 0 timed out, 0 entries seen, 0 lost
	END
	# One that uses it and opens no recorder does use it; so does a child that was found.
	private_worker
	# shellcheck disable=SC2016 # the inner shell's
	launch w "$FLIGHTREC" run -- sh -c '"$0"; exit' "$T/private"
	await w err 'flightrec: watching*'
	until_true is_watched w
	finish w
	expect_lines "$T/w.err" 'uses the flightrec library' 0
}

# What the first process of a daemon leaves behind is named.
test_command_that_becomes_a_daemon()
{
	local daemon

	cp "$worker-archive" "$T/service"
	# shellcheck disable=SC2016 # the inner shell's
	launch w "$FLIGHTREC" run -- sh -c '"$0" <&3 >/dev/null 2>&1 & echo $!; read -r go' "$T/service" \
		3< <(exec sleep 1000)
	await w out '[0-9]*'
	daemon=$LINE
	until_true grep -q service "/proc/$daemon/maps"
	echo go >&"${input[w]}"
	join w
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	expect_lines "$T/w.err" "^flightrec: sh has ended, but process $daemon, which it started, uses the library and goes on unwatched: see flightrec attach$" 1
	kill "$daemon"
}

test_buffer_size()
{
	local cpus

	cpus=$(getconf _NPROCESSORS_CONF)
	if [[ $cpus -lt 8 ]]; then
		try 2 "$FLIGHTREC" run --buffer 16G true
		one_line '^flightrec run: --buffer: the rings of [0-9]+ CPUs? can have [0-9]+M at most; try'
	fi
	try 0 "$FLIGHTREC" run -q --buffer 1K true
	expect_lines "$T/try.err" '^flightrec: --buffer: [0-9]+K are used, as each of [0-9]+ rings? is a power of two from 16K on$' 1
	try 0 "$FLIGHTREC" run -q --buffer 4M true
	try 0 "$FLIGHTREC" run -q --buffer $((cpus * 24))K true
	expect_lines "$T/try.err" '^flightrec: --buffer: [0-9]+K are used, as each of [0-9]+ rings? is a power of two from 16K on$' 1
}

test_quiet()
{
	run_worker w -q
	tell w open r 3600000 task
	tell w extend r 1
	await w err '*-End of log-'
	tell w end r
	finish w
	expect_lines "$T/w.err" '^flightrec: ' 1
	expect_lines "$T/w.err" 'past its deadline$' 1
}

test_detail()
{
	run_worker w --format detail
	tell w open r 3600000 task
	tell w log r warning one
	tell w extend r 1
	await w err '*-End of log-'
	tell w end r
	finish w
	# Where in this source it was logged: the line is what it is.
	sed -E 's/worker\.c:[0-9]+ /worker.c:LINE /; s|[^ ]*/worker\.c|worker.c|' "$T/w.err" >"$T/detail"
	expect "$T/detail" <<-END
	flightrec: watching DIR/worker (pid PID)
	$(replay 1 task worker "1 ms" DIR/worker <<<"WARNING +OFFSET [TID] worker.c:LINE log_text: one")
	[TIME: INFO]: [Flight Recorder-1] worker[PID]: "task" finished after AGE, LATE past its deadline
	flightrec: 1 recorder opened, 1 timed out, 1 entry seen, 0 lost
	END
}

# An event of each kind, all of them valid, and their contents.
test_json_of_every_event()
{
	run_worker w --json
	tell w open r 3600000 task
	tell w context r user 42
	tell w log r info one
	tell w replay r
	await w err '*"event":"replay"*'
	tell w extend r 1
	await w err '*"event":"timeout"*'
	tell w log r error two
	await w err '*"event":"entry"*'
	tell w end r
	await w err '*"event":"finished"*'
	tell w stray three
	await w err '*"event":"entry"*'
	tell w open d 3600000 dies
	tell w extend d 1
	await w err '*"event":"timeout"*'
	finish w
	grep -v '^flightrec: ' "$T/w.err" >"$T/events"
	valid_json "$T/events"
	[[ $(sed -E 's/^\{"event":"([a-z]*)".*/\1/' "$T/events" | xargs) = \
	"replay timeout entry finished entry timeout died end" ]] || fail "other events"
	expect_values "task	1	$(
	)42	one	worker.c	log_text	INFO" <(sed 's|"file":"[^"]*/|"file":"|' "$T/events") \
		replay recorder.name recorder.id recorder.context.user entries.0.message \
		entries.0.file entries.0.function entries.0.severity
	expect_values "Flight Recorder-1	ERROR	two
missing	WARNING	three" "$T/events" entry recorder.ident entry.severity entry.message
	expect_values "dies	0" "$T/events" died recorder.name exit
	expect_values "2	2	3	0	0" "$T/events" end recorders_opened recorders_timed_out \
		entries_seen entries_lost reports_lost
	# For another parser as well.
	! command -v jq >/dev/null || jq -e . "$T/events" >/dev/null || fail "jq refuses it"
}

test_minimum_severity()
{
	run_worker w --json --min-severity WARNING
	tell w open r 3600000 task
	tell w log r debug one
	tell w log r info two
	tell w log r warning three
	tell w log r error four
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w
	expect_values "three,four	2	0" "$T/w.err" timeout entries.*.message entries_total \
		entries_lost
}

test_timeout_in_place_of_its_own()
{
	run_worker w --json --timeout 1ms
	tell w open r 3600000 task
	await w err '*"event":"timeout"*'
	tell w end r
	finish w
	expect_values "task	1.0" "$T/w.err" timeout recorder.name recorder.timeout_ms
}

test_longer_timeout_in_place_of_its_own()
{
	run_worker w --timeout 1h
	tell w open r 0.001 task
	tell w log r info one
	tell w end r
	finish w
	totals "$T/w.err" 1 0 1 0
}

# The watching ends, but the command goes on.
test_duration_of_run()
{
	run_worker w --duration 1ms
	await w err 'flightrec: 0 recorders opened,*'
	tell w open r 1 task
	tell w end r
	finish w
	expect_lines "$T/w.err" . 2
}

test_duration_of_attach()
{
	private_worker
	start_worker w "$T/private"
	tell w pid
	attach a --duration 1ms -p "$ANSWER"
	join a
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	totals "$T/a.err" 0 0 0 0
	until_true is_unwatched w
	finish w
}

test_max_reports()
{
	run_worker w --json --max-reports 2
	local i
	for i in 1 2 3 4; do
		tell w open "r$i" 3600000 "task $i"
		tell w extend "r$i" 1
		[[ $i -gt 2 ]] || await w err '*"event":"timeout"*'
	done
	await w err 'flightrec: * recorders opened,*'
	# The command goes on, unwatched.
	tell w print "still there"
	finish w
	valid_json "$T/w.err"
	expect_values "task 1
task 2" "$T/w.err" timeout recorder.name
}

test_by_probes_max_recorders()
{
	run_worker w --max-recorders 4
	local i
	for i in 1 2 3 4 5 6; do
		tell w open "r$i" 3600000 "task $i"
		tell w log "r$i" info one
	done
	for i in 1 2 3 4 5 6; do tell w end "r$i"; done
	finish w
	expect_lines "$T/w.err" 'recorders were not tracked: more than 4 were open' 1
	expect_lines "$T/w.err" '^flightrec: [0-9]+ recorders opened, 0 timed out, 6 entries seen, 2 lost$' 1
}

test_hostile_strings_as_text()
{
	run_worker w
	tell w open r 3600000 'na\e]0;owned\x07me\nsecond\xff'
	tell w context r 'k\x1b' 'v\n\x80'
	tell w log r info '\e[31mred\n[2018-04-19 09:43:55,877: INFO]: forged\xc3\x28'
	tell w log r info 'fine: \xc3\xa9 %s %n %d'
	tell w extend r 1
	await w err '*-End of log-'
	finish w
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$T/w.err" || fail "control characters"
	expect "$T/w.err" <<-'END'
	flightrec: watching DIR/worker (pid PID)
	[TIME: WARNING]: Warning: Task timed out!
	[TIME: WARNING]: Please make sure it is hanging before restarting.
	[TIME: INFO]: [Flight Recorder-1] pid PID, thread TID, timeout 1 ms, open for AGE: "na\x1b]0;owned\x07me\nsecond\xff" of worker, DIR/worker
	[TIME: INFO]: [Flight Recorder-1] context: "k\x1b" = v\n\x80
	[TIME: INFO]: [Flight Recorder-1] state: STATE
	[TIME: INFO]: [Flight Recorder-1] (started at DATE) Replaying logs...
	[TIME: INFO]: [Flight Recorder-1] (DATE) \x1b[31mred\n[2018-04-19 09:43:55,877: INFO]: forged\xc3(
	[TIME: INFO]: [Flight Recorder-1] (DATE) fine: é %s %n %d
	[TIME: INFO]: [Flight Recorder-1] -End of log-
	[TIME: WARNING]: [Flight Recorder-1] worker[PID]: "na\x1b]0;owned\x07me\nsecond\xff" never finished: its process exited with status 0
	flightrec: 1 recorder opened, 1 timed out, 2 entries seen, 0 lost
	END
}

test_hostile_strings_as_json()
{
	run_worker w --json
	tell w open r 3600000 'na\e]0;owned\x07me\nsecond\xff'
	tell w context r 'k\x1b' 'v\n\x80'
	tell w log r info '\e[31mred\n{"event":"forged"}\xc3\x28 "'
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	! LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$T/w.err" || fail "control characters"
	expect_lines "$T/w.err" '^\{"event":"timeout"' 1
	expect_values $'na\e]0;owned\ame\nsecond\xef\xbf\xbd' "$T/w.err" timeout recorder.name
	expect_values $'\e[31mred\n{"event":"forged"}\xef\xbf\xbd( "' "$T/w.err" timeout \
		entries.0.message
}

test_version_and_help()
{
	try 0 "$FLIGHTREC" --version
	expect_lines "$T/try.out" '^flightrec [0-9]+\.[0-9]+\.[0-9]+$' 1
	try 0 "$FLIGHTREC" --help
	expect_lines "$T/try.out" '^Usage: flightrec run ' 1
	local verb way
	for verb in run attach doctor help completion; do
		for way in "$verb --help" "$verb -h" "$verb help" "help $verb" "--help $verb" "-h $verb"; do
			# shellcheck disable=SC2086 # several words
			try 0 "$FLIGHTREC" $way
			[[ ! -s $T/try.err ]] || fail "something on standard error"
			expect_lines "$T/try.out" "^Usage: flightrec $verb" 1
			expect_lines "$T/try.out" '^Usage:' 1
		done
	done
	# What follows COMMAND is COMMAND's.
	# shellcheck disable=SC2016 # the inner shell's
	try 0 "$FLIGHTREC" run -q -- sh -c 'echo "$1"' sh -h
	expect "$T/try.out" <<<-h
	try 2 "$FLIGHTREC"
	[[ ! -s $T/try.out && -s $T/try.err ]] || fail "the usage belongs to standard error"
}

test_doctor()
{
	try 0 "$FLIGHTREC" doctor
	[[ $(tail -n 1 "$T/try.out") = "flightrec works here" ]] || fail "$(cat "$T/try.out")"
	expect_lines "$T/try.out" MISSING 0
}

# A program cannot pass for another one by its name, nor write lines that look like a replay.
test_lines_tell_who_wrote_them()
{
	cp "$worker-archive" "$T/evil[1]: x"
	run_worker w -- "$T/evil[1]: x"
	tell w stray '-End of log-'
	tell w open r 3600000 'a", b[1]: '
	tell w context r state: '-End of log-'
	tell w log r info '\n[2018-04-19 09:43:55,877: INFO]: [Flight Recorder-1] -End of log-\xe2\x80\x8b\xe2\x80\x8f\xef\xbb\xbf'
	tell w extend r 1
	# Not the others that end so.
	await w err '*Recorder-1] -End of log-'
	tell w log r info 'cache[1]: late'
	tell w end r
	finish w
	expect "$T/w.err" <<-'END'
	flightrec: watching TMP/evil[1]: x (pid PID)
	[TIME: WARNING]: [no recorder] "evil[1]: x"[PID]: (DATE) -End of log-
	[TIME: WARNING]: Warning: Task timed out!
	[TIME: WARNING]: Please make sure it is hanging before restarting.
	[TIME: INFO]: [Flight Recorder-1] pid PID, thread TID, timeout 1 ms, open for AGE: "a\", b[1]: " of "evil[1]: x", "TMP/evil[1]: x"
	[TIME: INFO]: [Flight Recorder-1] context: "state:" = -End of log-
	[TIME: INFO]: [Flight Recorder-1] state: STATE
	[TIME: INFO]: [Flight Recorder-1] (started at DATE) Replaying logs...
	[TIME: INFO]: [Flight Recorder-1] (DATE) \n[2018-04-19 09:43:55,877: INFO]: [Flight Recorder-1] -End of log-\u200b\u200f\ufeff
	[TIME: INFO]: [Flight Recorder-1] -End of log-
	[TIME: INFO]: [Flight Recorder-1] "evil[1]: x"[PID]: (DATE) cache[1]: late
	[TIME: INFO]: [Flight Recorder-1] "evil[1]: x"[PID]: "a\", b[1]: " finished after AGE, LATE past its deadline
	flightrec: 1 recorder opened, 1 timed out, 3 entries seen, 0 lost
	END
}
