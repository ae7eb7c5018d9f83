# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# flightrec dump and list: what a process's own log tells when nobody is watching.

# The first line of a dump, where a timeout has two warnings.
dumped()
{
	replay "$@" | sed -e 1,2d
}

# A worker that hangs, and whose recorders were opened before anybody came.
hanging_worker()
{
	private_worker
	start_worker w "$T/private"
	tell w open outer 3600000 "outer task"
	tell w open r 3600000 "the task"
	tell w context r user 42
	tell w log r info one
	tell w thread t log r warning two
	tell w step r three
	tell w pid
	worker_pid=$ANSWER
}

test_dump()
{
	hanging_worker
	try 0 "$FLIGHTREC" dump --no-stack -p "$worker_pid"
	expect "$T/try.out" <<-END
	$(dumped 1 "outer task" private "1 h" TMP/private </dev/null)
	$(dumped 2 "the task" private "1 h" TMP/private <<-MORE
	=inside Flight Recorder-1
	=context: user = 42
	INFO one
	WARNING two
	INFO +three
	INFO -three
	MORE
	)
	END
	[[ ! -s $T/try.err ]] || fail "said: $(cat "$T/try.err")"
	# It can be repeated, and the process goes on as before.
	try 0 "$FLIGHTREC" dump --json -p "$worker_pid" -o "$T/json"
	valid_json "$T/json"
	expect_values $'outer task\t\t0\nthe task\tone,two,+three,-three\t4' "$T/json" replay \
		recorder.name 'entries.*.message' entries_total
	tell w end r
	tell w end outer
	try 0 "$FLIGHTREC" dump --no-stack -p "$worker_pid"
	one_line "^flightrec: process $worker_pid has no open recorder$"
	finish w
}

# A closed recorder can be read until its thread needs the memory.
test_dump_of_closed_recorders()
{
	hanging_worker
	tell w end r
	try 0 "$FLIGHTREC" dump --all --json -p "$worker_pid" -o "$T/json"
	valid_json "$T/json"
	expect_values $'outer task\tmissing\t\nthe task\ttrue\tone,two,+three,-three' "$T/json" replay \
		recorder.name recorder.closed 'entries.*.message'
	try 0 "$FLIGHTREC" dump --no-stack --all -p "$worker_pid"
	expect_lines "$T/try.out" ', closed after [^:]*: "the task" of private' 1
	finish w
}

# The first entries and the last ones, and between them a gap that is counted to the entry.
test_dump_of_a_long_log()
{
	private_worker
	start_worker w "$T/private"
	tell w open r 3600000 task
	tell w loop r 5000
	tell w log r info last
	tell w pid
	try 0 "$FLIGHTREC" dump --json -p "$ANSWER" -o "$T/json"
	valid_json "$T/json"
	values "$T/json" replay entries.0.message entries_total
	[[ $VALUES = *$'\t5001' ]] || fail "$VALUES"
	values "$T/json" replay 'entries.#' entries_lost entries_gap.lost
	read -r kept lost gap <<<"$VALUES"
	[[ $((kept + lost)) = 5001 && $lost = "$gap" && $kept -gt 50 ]] || fail "$VALUES"
	expect_lines "$T/json" '"message":"last"' 1
	finish w
}

test_dump_of_a_core_file()
{
	private_worker
	[[ $(cat /proc/sys/kernel/core_pattern) != *[/\|]* ]] ||
		skip "cores go elsewhere by /proc/sys/kernel/core_pattern"
	mkdir "$T/cores"
	(
		cd "$T/cores" && ulimit -c unlimited || exit 1
		printf '%s\n' "open r 3600000 task" "context r user 42" "log r info one" "log r error two" \
			"raise 6" | "$T/private" >/dev/null
	)
	# It can be read although the executable is gone.
	rm "$T/private"
	mv "$T"/cores/core* "$T/core.file" || fail "no core file"
	try 0 "$FLIGHTREC" dump --core "$T/core.file"
	expect "$T/try.out" <<-END
	$(dumped 1 task private "1 h" X <<-MORE | sed -e 's/, X$//' -e '/state: STATE/d'
	=context: user = 42
	INFO one
	ERROR two
	MORE
	)
	END
	try 1 "$FLIGHTREC" dump --core "$FLIGHTREC"
	one_line "^flightrec: cannot read core file .*: it is not a core file of this architecture$"
	try 1 "$FLIGHTREC" dump --core "$T/none"
	one_line "^flightrec: cannot read core file .*: No such file or directory$"
	head -c 100000 "$T/core.file" >"$T/cut"
	timeout 20 "$FLIGHTREC" dump --core "$T/cut" >/dev/null 2>"$T/try.err"
	[[ $? -lt 4 ]] || fail "a core that was cut: $(cat "$T/try.err")"
}

test_list()
{
	hanging_worker
	try 0 "$FLIGHTREC" list -p "$worker_pid"
	sed -E -i -e 's/open for [0-9.]+ s, times out in [0-9.]+ s/AGE LEFT/' -e 's/[0-9]+\.[0-9]+\.[0-9]+/VERSION/' "$T/try.out"
	expect "$T/try.out" <<-END
	pid $worker_pid, user $(id -un), library VERSION (static): private, TMP/private
	  [Flight Recorder-1] AGE LEFT, thread $worker_pid, 0 entries: "outer task"
	  [Flight Recorder-2] AGE LEFT, thread $worker_pid, 4 entries: "the task", last "-three"
	END
	try 0 "$FLIGHTREC" list --json -p "$worker_pid"
	expect_values "$worker_pid	private	$T/private	$(id -un)	null	static	outer task,the task	0,4	null,-three" \
		"$T/try.out" process pid comm exe user container linked \
		'recorders.*.name' 'recorders.*.entries' 'recorders.*.last'
	tell w extend r 1
	try 0 "$FLIGHTREC" list
	grep -q "^pid $worker_pid, " "$T/try.out" || fail "not listed"
	grep -qE '^  \[Flight Recorder-2\] open for .*, overdue by .*: "the task", ' "$T/try.out" ||
		fail "not overdue: $(cat "$T/try.out")"
	finish w
}

test_top()
{
	hanging_worker
	try 0 "$FLIGHTREC" top
	grep -qE '^[0-9]+ process(es)?, [0-9]+ open recorders?, [0-9]+ overdue$' "$T/try.out" || fail "no totals"
	sed -nE "s/^ +$worker_pid private +([0-9]+) +[0-9.]+ +[0-9.]+ +([0-9]+)  /\1 OPEN LEFT \2 /p" \
		"$T/try.out" >"$T/rows"
	expect "$T/rows" <<-'END'
	1 OPEN LEFT 0 outer task
	2 OPEN LEFT 4 the task: -three
	END
	tell w extend r 1
	try 0 "$FLIGHTREC" top
	grep -qE "^ *$worker_pid private +2 +[0-9.]+ +-[0-9.]+ +4  the task" "$T/try.out" || fail "not overdue"
	finish w
}

test_top_on_a_terminal()
{
	command -v script >/dev/null || skip "no script(1), which makes a terminal"
	[[ -e /lib/terminfo/v/vt100 || -e /usr/share/terminfo/v/vt100 ]] ||
		skip "no description of a terminal here"
	hanging_worker
	mkfifo "$T/keys"
	TERM=vt100 script -qec "$FLIGHTREC top" "$T/typescript" <"$T/keys" >"$T/terminal" 2>&1 &
	local terminal=$!
	exec 9>"$T/keys"
	until_true grep -q 'the task' "$T/terminal"
	printf 's' >&9
	until_true grep -q 'age' "$T/terminal"
	printf '/' >&9
	until_true grep -q 'Enter' "$T/terminal"
	printf 'q\nq' >&9
	wait "$terminal"
	STATUS=$?
	[[ $STATUS = 0 ]] || fail "exit status $STATUS: $(cat "$T/terminal")"
	finish w
}

test_nothing_to_dump()
{
	try 2 "$FLIGHTREC" dump
	one_line '^flightrec dump: name processes with -p, or a file with --core; try'
	try 2 "$FLIGHTREC" dump -p 1 --core x
	try 3 "$FLIGHTREC" dump -p 4194304
	one_line '^flightrec: no such process: 4194304$'
	mkfifo "$T/hold"
	cat <"$T/hold" &
	local other=$!
	exec 9>"$T/hold"
	try 3 "$FLIGHTREC" dump -p $other
	one_line "^flightrec: process $other keeps no memory log: "
	try 3 "$FLIGHTREC" list -p $other
}

# If it is turned off, or there is no memory for it, the program runs and is watched as usual.
test_no_memory_log()
{
	local setting

	for setting in FLIGHTREC_MEMORY=0 FLIGHTREC_MEMORY=256K; do
		launch w env "$setting" "$FLIGHTREC" run -- "$worker"
		await w err 'flightrec: watching*'
		tell w open r 3600000 task
		tell w log r info one
		tell w extend r 1
		await w err '*-End of log-'
		tell w pid
		[[ $setting != *=0 ]] || try 3 "$FLIGHTREC" dump --no-stack -p "$ANSWER"
		tell w end r
		await w err '*past its deadline'
		end_input w
		join w
		totals "$T/w.err" 1 1 1 0
		expect_lines "$T/w.err" ' one$' 1
		rm "$T/w.err"
	done
}

# A process without a log is watched by probes, and flightrec says so.
test_by_memory_of_what_keeps_no_log()
{
	local message='recorders that are in no memory log \(.*\): it is watched by probes$'

	launch w env FLIGHTREC_MEMORY=0 "$worker"
	tell w open r 3600000 task
	tell w pid
	attach a -p "$ANSWER"
	expect_lines "$T/a.err" "^flightrec: process $ANSWER has $message" 1
	tell w log r info one
	tell w extend r 1
	await a out '*-End of log-'
	tell w end r
	await a out '*past its deadline'
	tell w stray info astray
	await a out '*astray'
	stop a
	totals "$T/a.err" 1 1 2 0
	expect_lines "$T/a.out" ' one$' 1
	finish w
}

# It only takes the rights of ptrace(2): the user that runs it has them.
test_dump_without_root()
{
	[[ $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0) = 0 ]] ||
		skip "kernel.yama.ptrace_scope forbids it"
	cp "$worker-archive" "$T/private"
	chmod 755 "$T" "$T/private"
	launch w setpriv --reuid 65534 --regid 65534 --clear-groups "$T/private"
	tell w open r 3600000 task
	tell w log r info one
	tell w pid
	cp "$FLIGHTREC" "$T/flightrec"
	try 0 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/flightrec" dump -p "$ANSWER"
	expect_lines "$T/try.out" ' one$' 1
	tell w pid
	try 4 setpriv --reuid 65533 --regid 65533 --clear-groups "$T/flightrec" dump -p "$ANSWER"
	one_line "^flightrec: not permitted to read the memory of process $ANSWER: try as root$"
	finish w
}
