# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Entries may be lost, but never silently: sent = replayed + reported lost, exactly.

# accounted FILE NAME SENT: of the one replay of that name; LOST
accounted()
{
	local name shown total lost

	values "$1" timeout recorder.name entries.# entries_total entries_lost
	IFS=$'\t' read -r name shown total lost < <(grep "^$2	" <<<"$VALUES") || fail "no $2: $VALUES"
	[[ $total = "$3" ]] || fail "$2: entries_total is $total, sent were $3"
	[[ $((shown + lost)) = "$3" ]] || fail "$2: $shown shown, $lost lost, sent were $3"
	LOST=$lost
}

# Nobody empties the ring while it fills.
test_by_probes_ring_overflow_counts_exactly()
{
	local sent=5000 seen lost

	run_worker w --json --buffer 64K -o "$T/replays"
	tell w open r 3600000 task
	kill -STOP "${pid[w]}"
	tell w loop r "$sent"
	tell w extend r 1
	kill -CONT "${pid[w]}"
	until_true grep -q '"event":"timeout"' "$T/replays"
	tell w end r
	finish w
	valid_json "$T/replays"
	accounted "$T/replays" task "$sent"
	[[ $LOST -gt 0 ]] || fail "nothing was lost: the ring did not overflow"
	values "$T/replays" end entries_seen entries_lost recorders_timed_out
	[[ $VALUES = "$sent	$LOST	1" ]] || fail "totals: $VALUES, lost $LOST"
	totals "$T/w.err" 1 1 "$sent" "$LOST"
	# The causes add up.
	values "$T/replays" end lost.ring lost.share lost.unreadable lost.untracked lost.buffer
	read -r -a causes <<<"$VALUES"
	lost=0
	for seen in "${causes[@]}"; do lost=$((lost + seen)); done
	[[ $lost = "$LOST" ]] || fail "causes: $VALUES, lost $LOST"
	expect_lines "$T/w.err" '^flightrec: lost entries: ' 1
}

test_by_probes_ring_overflow_of_several_recorders()
{
	local i total=0

	run_worker w --json --buffer 64K -o "$T/replays"
	for i in 1 2 3; do tell w open "r$i" 3600000 "task $i"; done
	kill -STOP "${pid[w]}"
	for i in 1 2 3; do tell w loop "r$i" $((i * 400)); done
	for i in 1 2 3; do tell w extend "r$i" 1; done
	kill -CONT "${pid[w]}"
	for i in 1 2 3; do
		until_true grep -q "\"event\":\"timeout\".*\"name\":\"task $i\"" "$T/replays"
	done
	for i in 1 2 3; do tell w end "r$i"; done
	finish w
	valid_json "$T/replays"
	for i in 1 2 3; do
		accounted "$T/replays" "task $i" $((i * 400))
		total=$((total + LOST))
	done
	totals "$T/w.err" 3 3 2400 "$total"
}

# A process that logs at full speed does not cost others their entries.
test_a_flood_leaves_room_for_others()
{
	start_worker w1
	start_worker w2
	tell w1 pid
	local first=$ANSWER
	tell w2 pid
	# Into a file: the report of the flood is a line of 230 KB, which bash reads byte by byte, in
	# minutes where the processor is emulated.
	attach a --json --buffer 256K -o "$T/replays" -p "$first,$ANSWER"
	tell w1 open r 3600000 quiet
	tell w2 open r 3600000 flood
	tell w1 log r info first
	tell w2 log r info first
	kill -STOP "${pid[a]}"
	tell w2 loop r 20000
	tell w1 loop r 20
	tell w1 extend r 1
	tell w2 extend r 1
	kill -CONT "${pid[a]}"
	until_true grep -q '"event":"timeout".*"name":"quiet"' "$T/replays"
	until_true grep -q '"event":"timeout".*"name":"flood"' "$T/replays"
	finish w1
	finish w2
	join a
	valid_json "$T/replays"
	accounted "$T/replays" quiet 21
	[[ $LOST = 0 ]] || fail "the quiet one lost $LOST"
	accounted "$T/replays" flood 20001
}

# More entries than are kept of a recorder: the first and last are shown, the rest counted.
test_what_is_kept_of_one_recorder()
{
	local sent=4000 name shown first last

	run_worker w --json -o "$T/replays"
	tell w open r 3600000 task
	tell w long r "$sent" 200
	tell w extend r 1
	until_true grep -q '"event":"timeout"' "$T/replays"
	tell w end r
	finish w
	valid_json "$T/replays"
	accounted "$T/replays" task "$sent"
	[[ $LOST -gt 0 ]] || fail "all of it was kept"
	values "$T/replays" timeout entries.*.message
	first=${VALUES%% x*}
	last=${VALUES##*entry }
	[[ $first = "entry 1" && ${last%% *} = "$sent" ]] || fail "from $first to ${last%% *}"
	values "$T/replays" timeout entries_gap.lost entries.#
	read -r name shown <<<"$VALUES"
	[[ $((name + shown)) = "$sent" ]] || fail "gap of $name, $shown shown"
	totals "$T/w.err" 1 1 "$sent" "$LOST"
}

test_gap_as_text()
{
	run_worker w -o "$T/replays"
	tell w open r 3600000 task
	tell w long r 4000 200
	tell w extend r 1
	until_true grep -q 'past its deadline\|entries lost' "$T/replays"
	tell w end r
	finish w
	local shown gap lost
	shown=$(grep -c ') entry ' "$T/replays")
	gap=$(sed -nE 's/.* \.\.\. ([0-9]+) entries left out here \.\.\./\1/p' "$T/replays")
	lost=$(sed -nE 's/.*\] ([0-9]+) entries lost$/\1/p' "$T/replays")
	[[ $gap = "$lost" && $((shown + lost)) = 4000 ]] || fail "shown $shown, gap $gap, lost $lost"
}

# An entry after the replay may be lost as well; the end says so.
test_losses_after_the_replay()
{
	local shown lost

	run_worker w --json --buffer 64K -o "$T/replays"
	tell w open r 3600000 task
	tell w extend r 1
	until_true grep -q '"event":"timeout"' "$T/replays"
	kill -STOP "${pid[w]}"
	tell w loop r 3000
	tell w end r
	kill -CONT "${pid[w]}"
	until_true grep -q '"event":"finished"' "$T/replays"
	finish w
	valid_json "$T/replays"
	values "$T/replays" entry entry.message
	shown=$(wc -l <<<"$VALUES")
	values "$T/replays" finished entries_total entries_lost
	[[ $VALUES = "3000	"* ]] || fail "finished: $VALUES"
	lost=${VALUES#*	}
	[[ $((shown + lost)) = 3000 && $lost -gt 0 ]] || fail "$shown shown, $lost lost"
	totals "$T/w.err" 1 1 3000 "$lost"
}

# Many recorders that close in time, with the smallest buffer: none is mistaken for late.
test_small_buffer_and_no_timeouts()
{
	run_worker w --buffer 8K
	tell w churn 5000
	finish w
	expect_lines "$T/w.err" '^flightrec: 5000 recorders opened, 0 timed out, 5000 entries seen, [0-9]+ lost$' 1
}

test_disk_full()
{
	run_worker w -o /dev/full
	local i
	for i in 1 2 3; do
		tell w open r 0.001 "task $i"
		tell w end r
	done
	# The exit status is the command's, which succeeded.
	finish w
	# Three replays and what became of the three.
	expect "$T/w.err" <<-END
	flightrec: watching DIR/worker (pid PID)
	flightrec: cannot write to /dev/full: No space left on device; reports are lost
	flightrec: 6 reports could not be written
	flightrec: 3 recorders opened, 3 timed out, 0 entries seen, 0 lost
	END
}

test_reader_of_the_replays_goes_away()
{
	start_worker w
	tell w pid
	mkfifo "$T/replays"
	true <"$T/replays" &
	local reader=$!
	launch a sh -c "exec $FLIGHTREC attach -p $ANSWER >$T/replays"
	await a err 'flightrec: watching*'
	wait $reader
	tell w open r 3600000 task
	tell w extend r 1
	await a err 'flightrec: cannot write to standard output: Broken pipe*'
	tell w end r
	stop a 1
	finish w
}

# Logged on one processor after the other, while nobody empties the rings: whichever of them is
# emptied first, what is shown is in order, begins with the first entry and ends with the last.
over_two_processors()
{
	[[ $(nproc) -gt 1 ]] || skip "there is one processor only"
	local first=$1 second=$2 sent=$3

	run_worker w --json -o "$T/replays"
	tell w open r 3600000 task
	tell w pid
	local worker_pid=$ANSWER
	kill -STOP "${pid[w]}"
	taskset -p -c "$first" "$worker_pid" >/dev/null || fail "taskset"
	tell w long r "$sent" 200
	taskset -p -c "$second" "$worker_pid" >/dev/null || fail "taskset"
	tell w long r "$sent" 200
	tell w log r info last
	tell w extend r 1
	kill -CONT "${pid[w]}"
	until_true grep -q '"event":"timeout"' "$T/replays"
	tell w end r
	finish w
	valid_json "$T/replays"
	accounted "$T/replays" task $((2 * sent + 1))
	values "$T/replays" timeout entries.*.offset_ms
	tr , '\n' <<<"$VALUES" | sort -g -c || fail "out of order"
	values "$T/replays" timeout entries.*.message
	[[ $VALUES = "entry 1 "* ]] || fail "it begins with ${VALUES%% x*}"
	[[ $VALUES = *,last ]] || fail "the last entry is not shown, but ...${VALUES: -30}"
}

test_few_entries_over_two_processors()
{
	over_two_processors 0 1 40
}

test_few_entries_over_two_processors_the_other_way()
{
	over_two_processors 1 0 40
}

test_many_entries_over_two_processors()
{
	over_two_processors 0 1 1000
}

test_many_entries_over_two_processors_the_other_way()
{
	over_two_processors 1 0 1000
}

# More lines than a process may write outside of a replay: each is written, held back, or lost.
test_by_probes_lines_held_back()
{
	local written held lost

	run_worker w --json -o "$T/replays"
	tell w open r 3600000 task
	tell w extend r 1
	until_true grep -q '"event":"timeout"' "$T/replays"
	tell w loop r 30000
	tell w end r
	finish w
	valid_json "$T/replays"
	written=$(grep -c '"event":"entry"' "$T/replays")
	values "$T/replays" held_back held_back
	held=$(awk '{ n += $1 } END { print n + 0 }' <<<"$VALUES")
	values "$T/replays" end entries_lost
	lost=$VALUES
	((held > 0)) || fail "nothing was held back of $written"
	((written + held + lost == 30000)) || fail "$written, $held held back, $lost lost"
}
