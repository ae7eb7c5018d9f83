# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# flightrec attach, to processes that are already running.

test_attach_to_a_running_process()
{
	start_worker w
	tell w pid
	attach a -p "$ANSWER"
	tell w open r 3600000 task
	tell w log r info one
	tell w extend r 1
	await a out '*-End of log-'
	tell w end r
	await a out '*past its deadline'
	# Its end ends the watching.
	finish w
	join a
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	expect "$T/a.out" <<-END
	$(replay 1 task worker "1 ms" DIR/worker <<<"INFO one")
	[TIME: INFO]: [Flight Recorder-1] worker[PID]: "task" finished after AGE, LATE past its deadline
	END
	expect "$T/a.err" <<-END
	flightrec: watching 1 process
	flightrec: 1 recorder opened, 1 timed out, 1 entry seen, 0 lost
	END
}

# It hung before anybody looked. Its recorder is adopted with its context, and replayed.
test_attach_to_a_process_that_hangs_already()
{
	start_worker w
	tell w open outer 3600000 "outer task"
	tell w open r 3600000 "the task"
	tell w context r user 42
	tell w log r info "from before"
	tell w extend r 1
	tell w open fine 3600000 "not overdue"
	tell w pid
	attach a -p "$ANSWER"
	await a out '*-End of log-'
	tell w log r info "seen"
	await a out '*seen'
	tell w end r
	await a out '*past its deadline'
	tell w end fine
	tell w end outer
	finish w
	join a
	# Its timeout still counts from the opening.
	sed -E -e 's/timeout [^,]* [a-z]+,/timeout TIMEOUT,/' -e 's/opened .* before/opened AGE before/' \
		"$T/a.out" >"$T/replays"
	expect "$T/replays" <<-END
	$(replay 2 "the task" worker TIMEOUT DIR/worker <<-MORE
	=inside Flight Recorder-1
	=context: user = 42
	=opened AGE before flightrec watched
	INFO from before
	MORE
	)
	[TIME: INFO]: [Flight Recorder-2] worker[PID]: (DATE) seen
	[TIME: INFO]: [Flight Recorder-2] worker[PID]: "the task" finished after AGE, LATE past its deadline
	END
	totals "$T/a.err" 3 1 1 0
}

# hang_by_other_clocks COMMAND...: what it runs hangs before we attach, and after
hang_by_other_clocks()
{
	local now age started

	launch w "$@"
	tell w open fine 3600000 "not overdue"
	tell w open r 3600000 "the task"
	tell w log r info "from before"
	tell w extend r 1
	tell w pid
	attach a --json -p "$ANSWER"
	await a out '*"event":"timeout"*'
	tell w open later 50 "another task"
	await a out '*"event":"timeout"*'
	tell w end later
	tell w end r
	tell w end fine
	finish w
	join a
	totals "$T/a.err" 3 2 0 0
	expect_lines "$T/a.out" '"event":"timeout".*"name":"the task"' 1
	expect_lines "$T/a.out" '"event":"timeout".*"name":"another task"' 1
	now=$(date +%s)
	values "$T/a.out" timeout recorder.age_ms recorder.started
	while IFS=$'\t' read -r age started; do
		[[ ${age%.*} -lt 100000 ]] || fail "open for $age ms"
		started=$(date -d "$started" +%s)
		[[ $started -le $now && $started -gt $((now - 100 * slow)) ]] ||
			fail "started at $started of $now"
	done <<<"$VALUES"
}

test_attach_in_a_time_namespace()
{
	local ahead

	unshare -T true 2>/dev/null || skip "no time namespaces, or no unshare(1) that makes them"
	for ahead in 5000 -3; do
		hang_by_other_clocks unshare -T --monotonic "$ahead" --fork "$worker"
		rm "$T"/[aw].*
	done
}

test_attach_under_another_clock()
{
	local ahead

	for ahead in 3600 -3600; do
		hang_by_other_clocks env OTHER_CLOCK="$ahead" \
			LD_PRELOAD="$FLIGHTREC_TESTS/other_clock.so" "$worker"
		rm "$T"/[aw].*
	done
}

test_attach_takes_over_what_is_not_overdue_yet()
{
	start_worker w
	tell w open r 3600000 task
	tell w log r info "from before"
	tell w pid
	attach a --json -p "$ANSWER"
	tell w log r info "seen"
	tell w extend r 1
	await a out '*"event":"timeout"*'
	tell w end r
	await a out '*"event":"finished"*'
	finish w
	join a
	valid_json "$T/a.out"
	expect_values "task	true	from before,seen	2	0" "$T/a.out" timeout recorder.name recorder.adopted \
		entries.*.message entries_total entries_lost
	totals "$T/a.err" 1 1 1 0
}

# In a container a thread knows itself by another number than we do: a recorder that was open
# before has the thread's own.
test_attach_takes_over_in_a_pid_namespace()
{
	local leader thread

	launch w unshare --pid --fork "$worker"
	tell w thread t open r 1 task
	tell w thread t log r info "nobody sees this"
	leader=$(pgrep -P "${pid[w]}" -x worker)
	thread=$(ls "/proc/$leader/task" | grep -v -x "$leader")
	attach a --json -p "$leader"
	await a out '*"event":"timeout"*'
	stop a
	finish w
	expect_values "$leader	$thread" "$T/a.out" timeout recorder.pid recorder.tid
	expect_lines "$T/a.out" "\"state\":\"thread $thread is sleeping" 1
}

test_attach_takes_over_many()
{
	start_worker w
	tell w hold 1500 3600000
	tell w pid
	attach a -p "$ANSWER"
	stop a
	totals "$T/a.err" 1500 0 0 0
	finish w
}

test_attach_to_several()
{
	local i pids=()

	for i in 1 2 3; do
		start_worker "w$i"
		tell "w$i" pid
		pids+=("$ANSWER")
	done
	# With commas, and as the shell makes it of "pidof".
	attach a --json -p "${pids[0]},${pids[1]}" "${pids[2]}"
	for i in 1 2 3; do
		tell "w$i" open r 3600000 "task $i"
		tell "w$i" extend r 1
		await a out '*"event":"timeout"*'
	done
	expect_lines "$T/a.err" '^flightrec: watching 3 processes$' 1
	finish w1
	finish w2
	# One of them still runs.
	tell w3 log r info "still watched"
	await a out '*still watched*'
	finish w3
	join a
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	valid_json "$T/a.out"
	expect_values "task 1
task 2
task 3" "$T/a.out" timeout recorder.name
	totals "$T/a.err" 3 3 1 0
}

test_attach_with_a_list_of_words()
{
	start_worker w1
	start_worker w2
	tell w1 pid
	local first=$ANSWER
	tell w2 pid
	attach a -p "$first $ANSWER"
	expect_lines "$T/a.err" '^flightrec: watching 2 processes$' 1
	stop a
	finish w1
	finish w2
}

test_attach_watches_no_others()
{
	start_worker w1
	start_worker w2
	tell w1 pid
	attach a --json -p "$ANSWER"
	tell w2 open r 3600000 "somebody else's"
	tell w2 extend r 1
	tell w1 open r 3600000 mine
	tell w1 extend r 1
	await a out '*"event":"timeout"*'
	tell w1 end r
	await a out '*"event":"finished"*'
	stop a
	finish w1
	finish w2
	expect_values mine "$T/a.out" timeout recorder.name
	totals "$T/a.err" 1 1 0 0
}

# One that runs already, and one that comes later; both of a library not seen before by anybody.
test_attach_to_all_alone()
{
	private_worker
	start_worker w1 "$T/private"
	tell w1 open r 3600000 earlier
	attach a --json -a
	start_worker w2
	# Where its copy of the library is not known ahead, the probes come a moment later.
	until_true is_watched w2
	tell w2 open r 3600000 later
	tell w2 log r info "from the first entry on"
	tell w1 extend r 1
	await a out '*"event":"timeout"*"name":"earlier"*'
	tell w2 extend r 1
	await a out '*"event":"timeout"*"name":"later"*'
	finish w1
	await a out '*"event":"died"*"name":"earlier"*'
	stop a
	finish w2
	valid_json "$T/a.out"
	values "$T/a.out" timeout recorder.name recorder.adopted entries.*.message
	# Others on this machine may be watched as well.
	grep -q "^earlier	true	$" <<<"$VALUES" || fail "earlier: $VALUES"
	grep -q "^later	missing	from the first entry on$" <<<"$VALUES" || fail "later: $VALUES"
}

# The parent of a server that forks its workers: they are named, and not watched.
test_attach_to_a_parent()
{
	local parent child

	cp "$worker-archive" "$T/private"
	# shellcheck disable=SC2016 # the inner shell's
	launch w sh -c '"$0"; exit' "$T/private"
	tell w pid
	child=$ANSWER
	parent=${pid[w]}
	try 3 "$FLIGHTREC" attach -p "$parent"
	expect "$T/try.err" <<-END
	flightrec: process $parent does not use the flightrec library
	flightrec: process $parent has a child that uses the library and is not watched: $child; name it too, or use -a
	END
	attach a -p "$child"
	expect_lines "$T/a.err" child 0
	stop a
	finish w
}

test_attach_opens_its_file_again()
{
	start_worker w
	tell w pid
	attach a -o "$T/replays" -p "$ANSWER"
	tell w open r 3600000 one
	tell w extend r 1
	until_true grep -q 'End of log' "$T/replays"
	mv "$T/replays" "$T/replays.1"
	kill -HUP "${pid[a]}"
	until_true test -e "$T/replays"
	tell w open s 3600000 two
	tell w extend s 1
	until_true grep -q 'End of log' "$T/replays"
	# Where it cannot be opened the old one goes on.
	rm "$T/replays.1"
	mv "$T/replays" "$T/replays.1"
	mkdir "$T/replays"
	kill -HUP "${pid[a]}"
	await a err "flightrec: cannot open $T/replays again: Is a directory; going on with what it was"
	tell w open t 3600000 three
	tell w extend t 1
	until_true grep -q 'three.*worker' "$T/replays.1"
	stop a
	finish w
}

test_attach_says_what_it_watches()
{
	start_worker w
	tell w pid
	local worker_pid=$ANSWER
	attach a -p "$worker_pid"
	tell w open r 3600000 one
	tell w open s 3600000 two
	tell w log r info text
	kill -USR1 "${pid[a]}"
	await a err 'flightrec: so far *'
	expect "$T/a.err" <<-END
	flightrec: watching 1 process
	flightrec: watching 1 process, attached to 1 copy of the library; 2 recorders open
	flightrec: process $worker_pid (worker): 2 recorders open
	flightrec: so far 2 recorders opened, 0 timed out, 1 entry seen, 0 lost
	END
	stop a
	finish w
}

# Like any filter whose reader has left.
test_attach_ends_when_nobody_reads()
{
	local reader to_reader

	start_worker w
	tell w pid
	exec {to_reader}> >(exec head -n 1 >"$T/try.out")
	reader=$!
	"$FLIGHTREC" attach --json -p "$ANSWER" 1>&"$to_reader" 2>"$T/try.err" &
	exec {to_reader}>&-
	until_true grep -q '^flightrec: watching' "$T/try.err"
	tell w open r 3600000 one
	tell w extend r 1
	until_true test ! -e "/proc/$reader/exe"
	tell w end r
	until_true grep -q 'recorder opened' "$T/try.err"
	expect_lines "$T/try.err" 'cannot write to standard output: Broken pipe' 1
	finish w
}

test_two_collectors_at_once()
{
	start_worker w
	tell w pid
	local worker_pid=$ANSWER
	attach a --json -p "$worker_pid"
	attach b --json -p "$worker_pid"
	tell w open r 3600000 task
	tell w loop r 50
	tell w extend r 1
	await a out '*"event":"timeout"*'
	await b out '*"event":"timeout"*'
	stop a
	tell w log r info "for the other one"
	await b out '*for the other one*'
	stop b
	finish w
	expect_values "task	50	0" "$T/a.out" timeout recorder.name entries_total entries_lost
	expect_values "task	50	0" "$T/b.out" timeout recorder.name entries_total entries_lost
}

# The program goes on as if nothing had happened, and learns that nobody is watching.
test_collector_killed()
{
	private_worker
	start_worker w "$T/private"
	tell w pid
	attach a -p "$ANSWER"
	tell w open r 3600000 task
	tell w log r info one
	ask 1 w watched
	kill -KILL "${pid[a]}"
	join a
	[[ $STATUS = 137 ]] || fail "exit status $STATUS"
	until_true is_unwatched w
	tell w log r info two
	tell w churn 1000
	tell w end r
	# And somebody else can watch it.
	tell w pid
	attach b --json -p "$ANSWER"
	tell w open r 3600000 "another task"
	tell w log r info three
	tell w extend r 1
	await b out '*"event":"timeout"*'
	stop b
	finish w
	expect_values "another task	three	0" "$T/b.out" timeout recorder.name entries.*.message \
		entries_lost
}

test_collector_killed_with_run()
{
	private_worker
	run_worker w -- "$T/private"
	tell w pid
	local worker_pid=$ANSWER
	tell w open r 3600000 task
	tell w log r info one
	kill -KILL "${pid[w]}"
	until_true is_unwatched w
	tell w log r info two
	tell w end r
	tell w print "still there"
	kill -0 "$worker_pid" || fail "it is gone"
	end_input w
	join w
	[[ $STATUS = 137 ]] || fail "exit status $STATUS"
}

test_attach_and_detach_again_and_again()
{
	local i

	private_worker
	start_worker w "$T/private"
	tell w pid
	local worker_pid=$ANSWER
	tell w open r 3600000 task
	for i in 1 2 3; do
		attach "a$i" -p "$worker_pid"
		tell w loop r 100
		stop "a$i"
		totals "$T/a$i.err" 1 0 100 0
		until_true is_unwatched w
	done
	tell w end r
	finish w
}
