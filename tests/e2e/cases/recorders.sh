# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Recorders that are closed in time, time out, are closed late, or are nested.

test_in_time_leaves_nothing()
{
	run_worker w
	tell w open r 3600000 task
	tell w log r info "+get(user)"
	tell w log r info "-get(user)"
	tell w end r
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	flightrec: 1 recorder opened, 0 timed out, 2 entries seen, 0 lost
	END
	[[ ! -s $T/w.out ]] || fail "something on standard output"
}

test_timed_out_is_replayed()
{
	run_worker w
	tell w open r 3600000 RedisCache.background_refresh
	tell w log r info "+redis_client.get('user')"
	tell w log r debug "cache miss"
	tell w log r warning "slow"
	tell w log r error "gone"
	tell w log r critical "lost"
	tell w extend r 1
	await w err '*-End of log-'
	# While it still hangs, and is there to be looked at.
	tell w pid
	kill -0 "$ANSWER" || fail "it is gone"
	kill -KILL "$ANSWER"
	join w
	[[ $STATUS = 137 ]] || fail "exit status $STATUS"
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	$(replay 1 RedisCache.background_refresh worker "1 ms" DIR/worker <<-MORE
	=unfinished for AGE: +redis_client.get('user')
	INFO +redis_client.get('user')
	DEBUG cache miss
	WARNING slow
	ERROR gone
	CRITICAL lost
	MORE
	)
	[TIME: WARNING]: [Flight Recorder-1] worker[PID]: "RedisCache.background_refresh" never finished: its process was killed by signal 9 (SIGKILL)
	flightrec: 1 recorder opened, 1 timed out, 5 entries seen, 0 lost
	END
}

# Short texts come in registers, longer ones are read from memory.
test_lengths_of_texts_and_names()
{
	local alphabet=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:_=+-/ n

	run_worker w --json
	for n in {1..70}; do
		# In turns, so that anything left in a slot by an earlier recorder would show.
		tell w open r 3600000 "${alphabet:70-n}"
		tell w log r info "${alphabet:0:n}"
		tell w extend r 1
		await w err '*"event":"timeout"*'
		tell w end r
	done
	finish w
	values "$T/w.err" timeout recorder.name entries.0.message
	[[ $VALUES = "$(for n in {1..70}; do
		name=${alphabet:70-n}
		printf '%s\t%s\n' "${name:0:63}" "${alphabet:0:n}"
	done)" ]] || fail "names and texts: $VALUES"
}

# By its own timeout, not by one that an extension set; and never before it.
test_times_out_by_its_own_timeout()
{
	run_worker w --json
	tell w open r 250 task
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	values "$T/w.err" timeout recorder.timeout_ms recorder.age_ms
	awk '$1 == 250 && $2 >= 250 { ok = 1 } END { exit !ok }' <<<"$VALUES" ||
		fail "timeout and age: $VALUES"
}

test_closed_late_says_so()
{
	run_worker w
	tell w open r 3600000 task
	tell w log r info "only one"
	tell w extend r 1
	await w err '*-End of log-'
	tell w log r warning "still here"
	await w err '*still here'
	tell w end r
	await w err '*past its deadline'
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	$(replay 1 task worker "1 ms" DIR/worker <<<"INFO only one")
	[TIME: WARNING]: [Flight Recorder-1] worker[PID]: (DATE) still here
	[TIME: INFO]: [Flight Recorder-1] worker[PID]: "task" finished after AGE, LATE past its deadline
	flightrec: 1 recorder opened, 1 timed out, 2 entries seen, 0 lost
	END
}

# Between the deadline and the timer's tick: it timed out all the same.
test_closed_just_late_is_reported()
{
	local i

	run_worker w --json -o "$T/w.json"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		tell w open r 0.001 "task $i"
		tell w end r
	done
	until_true has_lines "$T/w.json" '"event":"finished"' 10
	finish w
	valid_json "$T/w.json"
	expect_values "$(printf 'task %d\n' {1..10})" "$T/w.json" timeout recorder.name
	# One that was just open when it was looked at is said to be closed after the next one.
	values "$T/w.json" finished recorder.name
	VALUES=$(sort -V <<<"$VALUES")
	[[ $VALUES = "$(printf 'task %d\n' {1..10})" ]] || fail "finished: $VALUES"
	totals "$T/w.err" 10 10 0 0
}

test_nested_recorders_and_context()
{
	run_worker w
	tell w open outer 3600000 "outer task"
	tell w context outer user 42
	tell w context outer host db1
	tell w open inner 3600000 "inner task"
	tell w context inner host db2
	tell w log inner info "in the inner one"
	ask inner w current
	tell w extend inner 1
	await w err '*-End of log-'
	tell w end inner
	await w err '*past its deadline'
	ask outer w current
	tell w log outer info "in the outer one"
	tell w extend outer 1
	await w err '*-End of log-'
	tell w end outer
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	$(replay 2 "inner task" worker "1 ms" DIR/worker <<-MORE
	=inside Flight Recorder-1
	=context: user = 42
	=context: host = db2
	INFO in the inner one
	MORE
	)
	[TIME: INFO]: [Flight Recorder-2] worker[PID]: "inner task" finished after AGE, LATE past its deadline
	$(replay 1 "outer task" worker "1 ms" DIR/worker <<-MORE
	=context: user = 42
	=context: host = db1
	INFO in the outer one
	MORE
	)
	[TIME: INFO]: [Flight Recorder-1] worker[PID]: "outer task" finished after AGE, LATE past its deadline
	flightrec: 2 recorders opened, 2 timed out, 2 entries seen, 0 lost
	END
}

test_steps()
{
	run_worker w
	tell w open r 3600000 task
	tell w step r "get('user')" log r info inside
	tell w step r "set('user')" extend r 1
	await w err '*-End of log-'
	finish w
	grep -E '^\[.*\(.* 20[0-9]{2}\) ' "$T/w.err" | sed -E 's/.* 20[0-9]{2}\) //' | sed 1d >"$T/steps"
	# The last way out may come before or after the replay.
	head -n 4 "$T/steps" >"$T/first"
	expect "$T/first" <<-END
	+get('user')
	inside
	-get('user')
	+set('user')
	END
	expect_lines "$T/steps" "^-set\('user'\)" 1
}

test_replay_on_demand()
{
	run_worker w --json
	tell w open r 3600000 task
	tell w log r info one
	ask "" w replay r
	await w err '*"event":"replay"*'
	tell w log r info two
	tell w end r
	ask -2 w replay r
	finish w
	valid_json "$T/w.err"
	expect_values "task	one	1	0" "$T/w.err" replay recorder.name entries.*.message \
		entries_total entries_lost
	expect_values "" "$T/w.err" timeout event
	totals "$T/w.err" 1 0 2 0
}

# A program that notices an error asks for a replay and closes right away.
test_replay_on_demand_then_closed()
{
	local i

	run_worker w --json
	for i in 1 2 3 4 5 6 7 8; do
		tell w open r 3600000 "task $i"
		tell w log r info "one $i"
		ask "" w replay_end r
	done
	# One written while it was open is not written again when it closes.
	tell w open r 3600000 last
	tell w replay r
	await w err '*"name":"last"*'
	tell w end r
	finish w
	valid_json "$T/w.err"
	expect_values "$(for i in 1 2 3 4 5 6 7 8; do printf 'task %d\tone %d\t0\n' $i $i; done
	printf 'last\t\t0\n')" "$T/w.err" replay recorder.name entries.*.message entries_lost
	expect_values "" "$T/w.err" finished event
	totals "$T/w.err" 9 0 8 0
}

test_replay_on_demand_as_text()
{
	run_worker w
	tell w open r 3600000 task
	tell w log r info one
	tell w replay r
	await w err '*-End of log-'
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	$(replay 1 task worker "1 h" DIR/worker <<<"INFO one" | tail -n +3)
	flightrec: 1 recorder opened, 0 timed out, 1 entry seen, 0 lost
	END
}

test_stray_entry_is_printed_at_once()
{
	run_worker w
	tell w stray "nobody's"
	await w err "*nobody's"
	finish w
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	[TIME: WARNING]: [no recorder] worker[PID]: (DATE) nobody's
	flightrec: 0 recorders opened, 0 timed out, 1 entry seen, 0 lost
	END
}

# The same memory is used for one recorder after another, and none is mistaken for another.
test_recorder_memory_is_reused()
{
	local i

	run_worker w --json
	for i in {1..20}; do
		tell w open r 3600000 "task $i"
		tell w log r info "of $i"
		[[ $((i % 5)) != 0 ]] || { tell w extend r 1; await w err '*"event":"timeout"*'; }
		tell w end r
	done
	finish w
	valid_json "$T/w.err"
	expect_values "$(printf 'task %d\t%d\tof %d\n' 5 5 5 10 10 10 15 15 15 20 20 20)" \
		"$T/w.err" timeout recorder.name recorder.id entries.*.message
	totals "$T/w.err" 20 4 20 0
}

test_many_closed_in_time()
{
	run_worker w --json
	tell w churn 20000
	finish w
	expect_values "20000	0	20000	0" "$T/w.err" end recorders_opened recorders_timed_out \
		entries_seen entries_lost
	expect_lines "$T/w.err" . 3
}

test_many_hang_at_once()
{
	run_worker w --json -o "$T/replays"
	tell w hold 2000 1
	until_true has_lines "$T/replays" '"event":"timeout"' 2000
	finish w
	valid_json "$T/replays"
	expect_lines "$T/replays" '"event":"timeout"' 2000
	expect_lines "$T/replays" '"event":"died"' 2000
	values "$T/replays" timeout recorder.name
	[[ $(sort -u <<<"$VALUES" | wc -l) = 2000 ]] || fail "some are replayed twice"
	values "$T/replays" end recorders_timed_out entries_lost
	[[ $VALUES = "2000	0" ]] || fail "totals: $VALUES"
}

test_closed_by_another_thread()
{
	run_worker w
	tell w thread t open r 3600000 task
	tell w thread t log r info "from the thread"
	tell w log r info "from main"
	tell w end r
	finish w
	totals "$T/w.err" 1 0 2 0
	expect_lines "$T/w.err" . 2
}

test_opened_in_one_thread_ended_late_in_another()
{
	run_worker w --json
	tell w thread a open r 3600000 task
	tell w thread a tid
	local opener=$ANSWER
	tell w thread b extend r 1
	await w err '*"event":"timeout"*'
	tell w thread c end r
	await w err '*"event":"finished"*'
	finish w
	valid_json "$T/w.err"
	expect_values "task	$opener" "$T/w.err" timeout recorder.name recorder.tid
	expect_values "task	$opener" "$T/w.err" finished recorder.name recorder.tid
}

# Nobody will close it any more, and that is what there is to know.
test_thread_ended_with_its_recorder_open()
{
	run_worker w --json
	tell w thread t open r 3600000 task
	tell w thread t tid
	local opener=$ANSWER
	tell w thread t log r info "the last there is"
	tell w cancel t
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	expect_values "thread $opener has ended" "$T/w.err" timeout state
}

# However often it is told, a recorder was opened at one time.
test_all_reports_agree_on_the_start()
{
	run_worker w --json
	tell w open r 3600000 task
	tell w log r info "in time"
	tell w replay r
	await w err '*"event":"replay"*'
	tell w extend r 1
	await w err '*"event":"timeout"*'
	tell w log r info late
	await w err '*"message":"late"*'
	tell w end r
	await w err '*"event":"finished"*'
	finish w
	valid_json "$T/w.err"
	expect_lines "$T/w.err" '"started":' 4
	[[ $(grep -o '"started":"[^"]*"' "$T/w.err" | sort -u | wc -l) = 1 ]] ||
		fail "started: $(grep -o '"event":"[a-z]*"\|"started":"[^"]*"' "$T/w.err")"
	[[ $(grep -o '{"time":"[^"]*"[^}]*"message":"in time"' "$T/w.err" | sort -u | wc -l) = 1 ]] ||
		fail "the entry's time: $(grep -o '{"time":"[^"]*"[^}]*"in time"' "$T/w.err")"
}

test_entries_of_several_threads_in_order()
{
	run_worker w --format detail
	tell w open r 3600000 task
	local i expected=''
	for i in {1..12}; do
		tell w thread "t$((i % 4))" log r info "message $i"
		expected+="message $i"$'\n'
	done
	tell w extend r 1
	await w err '*-End of log-'
	finish w
	sed -nE 's/.* (message [0-9]+)$/\1/p' "$T/w.err" >"$T/messages"
	expect "$T/messages" <<<"${expected%$'\n'}"
	totals "$T/w.err" 1 1 12 0
}

# At once, from threads on all processors: each thread's own order is kept, and nothing is lost.
test_entries_of_racing_threads()
{
	run_worker w --json
	tell w open r 3600000 task
	tell w race a,b,c,d 100
	tell w extend r 1
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	expect_values "400	400	0" "$T/w.err" timeout entries.# entries_total entries_lost
	values "$T/w.err" timeout entries.*.tid
	tr , '\n' <<<"$VALUES" >"$T/tids"
	values "$T/w.err" timeout entries.*.message
	tr , '\n' <<<"$VALUES" | paste "$T/tids" - |
		awk '{ if ($3 != ++last[$1]) { print $1 ": " $3 " after " last[$1] - 1; bad = 1 } }
		END { for (tid in last) n++; if (n != 4) print n " threads"; exit bad || n != 4 }' ||
		fail "a thread's entries are out of order"
}

test_eight_threads_hang()
{
	local i

	run_worker w --json
	for i in {1..8}; do
		tell w thread "t$i" open "r$i" 3600000 "task $i"
		tell w thread "t$i" log "r$i" info "of $i"
	done
	for i in {1..8}; do tell w extend "r$i" 1; done
	for i in {1..8}; do await w err '*"event":"timeout"*'; done
	finish w
	valid_json "$T/w.err"
	values "$T/w.err" timeout recorder.name entries.*.message entries_lost
	[[ $(sort <<<"$VALUES") = "$(printf 'task %d\tof %d\t0\n' 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8)" ]] ||
		fail "replays: $VALUES"
	values "$T/w.err" timeout recorder.tid
	[[ $(sort -u <<<"$VALUES" | wc -l) = 8 ]] || fail "threads: $VALUES"
}
