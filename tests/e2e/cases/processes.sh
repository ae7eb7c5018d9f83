# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Processes that fork, exec, die, come in large numbers, or are linked in other ways.

test_fork_leaves_the_parents_recorders_to_it()
{
	run_worker w --json
	tell w open r 3600000 parent
	tell w log r info "before the fork"
	# The child's copy is not open: neither closing it nor the child's end closes the original.
	tell w fork "end r;exit 0"
	local child=$ANSWER
	ask "exit 0" w wait "$child"
	tell w log r info "after the fork"
	tell w extend r 1
	await w err '*"event":"timeout"*'
	tell w end r
	finish w
	valid_json "$T/w.err"
	expect_values "parent	before the fork,after the fork	0" "$T/w.err" timeout recorder.name \
		entries.*.message entries_lost
	totals "$T/w.err" 1 1 2 0
}

test_fork_childs_own_recorders()
{
	run_worker w --json
	tell w open r 3600000 parent
	tell w fork "open c 3600000 child;log c info from the child;extend c 1"
	local child=$ANSWER
	await w err '*"event":"timeout"*'
	tell w extend r 1
	await w err '*"event":"timeout"*'
	kill -KILL "$child"
	await w err '*"event":"died"*'
	tell w end r
	finish w
	valid_json "$T/w.err"
	# It counts from 1, and has no parent: that one is another process's.
	values "$T/w.err" timeout recorder.name recorder.id recorder.parent recorder.pid \
		entries.*.message
	[[ $VALUES = "child	1	null	$child	from the child"$'\n'"parent	1	null	"[0-9]*"	" ]] ||
		fail "replays: $VALUES"
	expect_values "child	$child	SIGKILL	9" "$T/w.err" died recorder.name recorder.pid \
		signal signal_number
	totals "$T/w.err" 2 2 1 0
}

# The child logs to its copy, which is not open there.
test_fork_child_logs_to_its_copy()
{
	run_worker w --json
	tell w open r 3600000 parent
	tell w fork "log r info to a copy;exit 0"
	await w err '*to a copy*'
	tell w wait "$ANSWER"
	tell w end r
	finish w
	valid_json "$T/w.err"
	expect_values "to a copy	missing" "$T/w.err" entry entry.message recorder
	totals "$T/w.err" 1 0 1 0
}

test_exec_ends_the_recorders()
{
	run_worker w --json
	tell w open late 3600000 late
	tell w open open 3600000 open
	tell w extend late 1
	await w err '*"event":"timeout"*'
	# The same process, now running another program, which opens a recorder of its own.
	echo "exec $worker" >&"${input[w]}"
	await w err '*"event":"died"*'
	tell w open r 3600000 again
	tell w log r info "after exec"
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	expect_values "late	1
again	1" "$T/w.err" timeout recorder.name recorder.id
	values "$T/w.err" died recorder.name execve exit
	[[ $VALUES = "late	true	missing
again	missing	0" ]] || fail "ends: $VALUES"
	totals "$T/w.err" 3 2 1 0
}

test_exec_as_text()
{
	run_worker w
	tell w open r 3600000 task
	tell w extend r 1
	await w err '*-End of log-'
	echo "exec true" >&"${input[w]}"
	join w
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	expect_lines "$T/w.err" 'worker\[[0-9]+\]: "task" never finished: its process called execve\(\)$' 1
}

# Whether flightrec has the log of what it watches, which it then keeps when the process is gone.
holds_log()
{
	[[ $WAY = probes ]] || ls -l "/proc/${pid[$1]}/fd" | grep -q '/dev/zero (deleted)$'
}

test_killed_while_open_in_time()
{
	run_worker w
	tell w open r 3600000 task
	tell w log r info one
	until_true holds_log w
	echo "raise 9" >&"${input[w]}"
	join w
	[[ $STATUS = 137 ]] || fail "exit status $STATUS"
	expect "$T/w.err" <<-'END'
	flightrec: watching DIR/worker (pid PID)
	[TIME: WARNING]: [Flight Recorder-1] worker[PID]: "task" never finished: its process was killed by signal 9 (SIGKILL)
	[TIME: INFO]: [Flight Recorder-1] pid PID, thread TID, timeout 1 h, open for AGE: "task" of worker, DIR/worker
	[TIME: INFO]: [Flight Recorder-1] (started at DATE) Replaying logs...
	[TIME: INFO]: [Flight Recorder-1] (DATE) one
	[TIME: INFO]: [Flight Recorder-1] -End of log-
	flightrec: 1 recorder opened, 0 timed out, 1 entry seen, 0 lost
	END
}

# dies DEATHS HOW REPORTED: of two that are open in time, one is closed before the process ends
dies()
{
	local name=${1}_${2// /}

	run_worker "$name" --json --deaths "$1"
	tell "$name" open closed 3600000 "another task"
	tell "$name" open r 3600000 task
	tell "$name" log r info one
	tell "$name" end closed
	until_true holds_log "$name"
	echo "$2" >&"${input[$name]}"
	join "$name"
	valid_json "$T/$name.err"
	values "$T/$name.err" died recorder.name entries_total entries.0.message signal exit
	[[ $VALUES = "$3" ]] || fail "--deaths $1, $2: $VALUES"
	totals "$T/$name.err" 2 0 1 0
}

test_deaths()
{
	dies none "raise 9" ""
	dies none "exit 1" ""
	dies crash "raise 6" "task	1	one	SIGABRT	missing"
	dies crash "raise 15" ""
	dies crash "exit 1" ""
	dies all "raise 15" "task	1	one	SIGTERM	missing"
	dies all "exit 1" "task	1	one	missing	1"
}

test_died_tells_how()
{
	local how expected name

	for how in "raise 9" "raise 15" "raise 6" "exit 3"; do
		name=${how// /}
		run_worker "$name" --json
		tell "$name" open r 3600000 task
		tell "$name" extend r 1
		await "$name" err '*"event":"timeout"*'
		echo "$how" >&"${input[$name]}"
		join "$name"
		values "$T/$name.err" died recorder.name exit signal_number signal
		case $how in
		"raise 9") expected="task	missing	9	SIGKILL" ;;
		"raise 15") expected="task	missing	15	SIGTERM" ;;
		"raise 6") expected="task	missing	6	SIGABRT" ;;
		*) expected="task	3	missing	missing" ;;
		esac
		[[ $VALUES = "$expected" ]] || fail "$how: $VALUES"
	done
}

# hanging_children COUNT COMMANDS: CHILDREN of worker w, each of which does COMMANDS, its number in place of
# "%", with its recorder r, which then times out
hanging_children()
{
	local i

	CHILDREN=()
	for ((i = 1; i <= $1; i++)); do
		tell w fork "open r 3600000 task $i;${2//%/$i}extend r 1"
		CHILDREN+=("$ANSWER")
	done
	until_true times_out "$1"
}

times_out() { [[ $(grep -c '"event":"timeout"' "$T/replays") = "$1" ]]; }

# Kills CHILDREN at once, ends w, and wants to be told of each.
kill_children()
{
	local child

	kill -KILL "${CHILDREN[@]}"
	for child in "${CHILDREN[@]}"; do ask "signal 9" w wait "$child"; done
	finish w
	valid_json "$T/replays"
	values "$T/replays" died recorder.pid
	[[ $(sort <<<"$VALUES") = "$(printf '%s\n' "${CHILDREN[@]}" | sort)" ]] || fail "ends: $VALUES"
}

test_twenty_processes()
{
	local i

	run_worker w --json -o "$T/replays"
	hanging_children 20 "loop r 10;log r info of %;"
	kill_children
	values "$T/replays" timeout recorder.name entries.10.message entries_total entries_lost
	[[ $(sort -V <<<"$VALUES") = "$(for i in {1..20}; do
		printf 'task %d\tof %d\t11\t0\n' "$i" "$i"; done)" ]] || fail "replays: $VALUES"
	totals "$T/w.err" 20 20 220 0
}

# Where tracepoints can be preempted, the kernel skips some of our programs: of 150 processes that
# ended at once, Linux 7.2 reported 93.
test_ends_at_once()
{
	run_worker w --json -o "$T/replays"
	hanging_children 100 ""
	kill_children
	totals "$T/w.err" 100 100 0 0
}

# Each has its own probes, to which nobody attached before it was started.
test_static_programs_at_once()
{
	local i

	# Nobody writes to it: their input lasts until cat is killed.
	mkfifo "$T/hold"
	for i in {1..24}; do
		cp "$worker-static" "$T/static-$i"
		echo "open r 1 task $i" >"$T/commands-$i"
	done
	launch w "$FLIGHTREC" run --json -o "$T/replays" -- bash -c "
		for i in {1..24}; do cat '$T'/commands-\$i '$T/hold' | '$T'/static-\$i & done
		wait"
	until_true times_out 24
	pkill -KILL -s 0 -x cat
	join w
	values "$T/replays" timeout recorder.name
	[[ $(sort -V <<<"$VALUES") = "$(printf 'task %d\n' {1..24})" ]] || fail "reports: $VALUES"
}

# A grandchild, through a shell that does not use the library.
test_children_of_children()
{
	run_worker w --json -- sh -c "sh -c '$worker; exit 4'; exit \$?"
	tell w open r 3600000 grandchild
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w 4
	expect_values "grandchild" "$T/w.err" timeout recorder.name
}

# The kernel sets a breakpoint, and counts its semaphore, before the program behind it is attached: an
# entry to no recorder, which is written at once, tells that all is live.
is_live() { tell w stray ping; grep -q '"event":"entry"' "$T/replays"; }

test_static_program_started_by_a_shell()
{
	# In a file of its own, since the probes of other tests are live in the shared one.
	cp "$worker-static" "$T/static"
	run_worker w --json -o "$T/replays" -- sh -c "$T/static; exit 6"
	tell w open r 3600000 static
	tell w log r info "from a static program"
	# Its probes are unknown before it runs. The recorder has what was logged before.
	until_true is_live
	tell w log r info "watched now"
	tell w extend r 1
	until_true times_out 1
	finish w 6
	values "$T/replays" timeout recorder.name entries.*.message
	[[ $VALUES = "static	"*"watched now" ]] || fail "replay: $VALUES"
}

# The program that the shell becomes is told what to do through a pipe, which stays open.
spawned()
{
	mkfifo "$T/commands"
	run_worker w --json
	tell w spawn "$1" sh -c "exec<$T/commands>$T/answers&&exec\${IFS}$worker"
	local child=$ANSWER
	exec 9>"$T/commands"
	echo "open r 3600000 spawned" >&9
	echo "log r info by-$1" >&9
	echo "extend r 1" >&9
	await w err '*"event":"timeout"*'
	kill -KILL "$child"
	ask "signal 9" w wait "$child"
	finish w
	expect_values "spawned	$child" "$T/w.err" timeout recorder.name recorder.pid
}

test_posix_spawn()
{
	spawned posix_spawn
}

test_vfork()
{
	spawned vfork
}

# A program that is linked in another way is also watched from its first recorder on.
linked()
{
	run_worker w -- "$FLIGHTREC_TESTS/$1"
	tell w open r 3600000 task
	tell w log r info "from $1"
	tell w extend r 1
	await w err '*-End of log-'
	tell w end r
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/$1 (pid PID)
	$(replay 1 task "${1:0:15}" "1 ms" "DIR/$1" <<<"INFO from $1")
	[TIME: INFO]: [Flight Recorder-1] ${1:0:15}[PID]: "task" finished after AGE, LATE past its deadline
	flightrec: 1 recorder opened, 1 timed out, 1 entry seen, 0 lost
	END
}

test_static_program()
{
	linked worker-static
}

test_static_pie_program()
{
	linked worker-static-pie
}

test_program_with_the_archive()
{
	linked worker-archive
}

cxx()
{
	launch w "$FLIGHTREC" run --no-stack -- "$FLIGHTREC_TESTS/$1"
	await w err '*-End of log-'
	finish w 5
	expect "$T/w.out" <<-END
	caught it, current none
	caught it, current none
	caught it, current none
	returned 7
	END
	expect "$T/w.err" <<-END
	flightrec: watching DIR/$1 (pid PID)
	$(replay 5 C++ "${1:0:15}" "1 ms" "DIR/$1" <<-MORE
	=context: user = 42
	=unfinished for AGE: +wait(stdin, 1.5)
	INFO +wait(stdin, 1.5)
	INFO +step two
	INFO -step two
	ERROR caught
	MORE
	)
	[TIME: INFO]: [Flight Recorder-5] ${1:0:15}[PID]: "C++" finished after AGE, LATE past its deadline
	flightrec: 5 recorders opened, 1 timed out, 14 entries seen, 0 lost
	END
}

test_cxx_program()
{
	cxx exceptions
}

test_cxx_static_program()
{
	cxx exceptions-static
}

# PROGRAM loads the plugin, whose recorder times out.
run_plugin()
{
	run_worker w --json -- "$FLIGHTREC_TESTS/$1"
	ask 0 w plugin "$FLIGHTREC_TESTS/plugin.so"
	tell w plugin_extend 1
	await w err '*"event":"timeout"*'
	finish w
}

plugin()
{
	run_plugin "$1"
	valid_json "$T/w.err"
	expect_values "plugin	1" "$T/w.err" timeout recorder.name entries_total
	expect_values "from the plugin" "$T/w.err" timeout entries.*.message
}

# The same file is loaded already, so the plugin has no copy of its own.
test_dlopen_by_a_program_with_the_library()
{
	plugin worker
}

# The second plugin is where the first one was, and so is its call site.
test_plugins_at_one_address()
{
	run_worker w --json
	ask 0 w plugin "$FLIGHTREC_TESTS/plugin.so"
	tell w plugin_end
	tell w open r 3600000 task
	for n in 1 2; do
		tell w plugin_log
		tell w plugin_unload
		ask 0 w plugin "$FLIGHTREC_TESTS/plugin-b.so"
		tell w plugin_end
		tell w plugin_log
		tell w plugin_unload
		ask 0 w plugin "$FLIGHTREC_TESTS/plugin.so"
		tell w plugin_end
	done
	tell w extend r 1
	await w err '*"event":"timeout"*'
	tell w plugin_log
	await w err '*"event":"entry"*'
	finish w
	valid_json "$T/w.err"
	expect_values "answer 42	plugin B	answer 42	plugin B" "$T/w.err" \
		timeout entries.0.message entries.1.message entries.2.message entries.3.message
	expect_values "answer 42" "$T/w.err" entry entry.message
}

# It is found through LD_LIBRARY_PATH before the program loads it, so the first entry is there.
test_dlopen_from_a_known_place()
{
	export LD_LIBRARY_PATH=$FLIGHTREC_BUILD
	plugin loader
}

# It is not known before, so its first entries may be missed, but not the recorder.
test_dlopen_from_an_unknown_place()
{
	run_plugin loader
	expect_values plugin "$T/w.err" timeout recorder.name
}

# musl's is the file of its libc, libc.so: what a program names as its dynamic linker is one.
test_dlopen_with_a_dynamic_linker_of_any_name()
{
	local linker

	command -v cc readelf >/dev/null || skip "no cc here: programs are not compiled in this place"
	linker=$(readelf -lW "$FLIGHTREC_TESTS/loader" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
	cp "$linker" "$T/runtime"
	cc -I"$FLIGHTREC_ROOT/tests/e2e/programs" "$FLIGHTREC_ROOT/tests/e2e/programs/loader.c" -ldl \
		-Wl,--dynamic-linker="$T/runtime" -o "$T/loader" || fail "it does not link"
	cp "$FLIGHTREC_TESTS/plugin-archive.so" "$T/plugin.so"
	run_worker w --json -- "$T/loader"
	ask 0 w plugin "$T/plugin.so"
	tell w plugin_extend 1
	await w err '*"event":"timeout"*'
	finish w
	expect_values plugin "$T/w.err" timeout recorder.name
}

test_script_as_command()
{
	printf '#!/bin/sh\n%s\nexit 9\n' "$worker" >"$T/script"
	chmod 755 "$T/script"
	run_worker w --json -- "$T/script" "an argument"
	tell w open r 3600000 scripted
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w 9
	expect_values "scripted" "$T/w.err" timeout recorder.name
}
