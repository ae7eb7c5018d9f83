# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# No process can cost another one its report, and a full table does not cost a deadline.

test_by_probes_no_room_but_reported()
{
	run_worker w --json --max-recorders 2
	tell w open a 3600000 "one"
	tell w open b 3600000 "two"
	tell w open c 1 "refused"
	await w err '*"event":"timeout"*'
	tell w end c
	await w err '*"event":"finished"*'
	expect_lines "$T/w.err" 'has more recorders open than there is room for' 1
	# There is room again.
	tell w end a
	tell w open d 3600000 "three"
	tell w log d info "an entry"
	tell w extend d 1
	await w err '*an entry*'
	tell w end b
	tell w end d
	finish w
	expect_values "refused
three" "$T/w.err" timeout recorder.name
	# Each was opened once, and tracked in the end.
	totals "$T/w.err" 4 2 1 0
	expect_lines "$T/w.err" 'not tracked' 0
}

# More than one look gets through in its time: the last one is found all the same. Looks take a
# twentieth of a CPU: emulated, and with others beside it, this did not end within its limit.
test_no_room_among_many_alone()
{
	run_worker w --json --max-recorders 2
	tell w hold 20000 3600000
	tell w open r 1 "the last"
	await w err '*"event":"timeout"*'
	tell w end r
	await w err '*"event":"finished"*'
	finish w
	expect_values "the last" "$T/w.err" timeout recorder.name
}

test_closed_in_time_without_room()
{
	run_worker w --json --max-recorders 1
	tell w open a 3600000 "one"
	for i in 1 2 3 4 5; do
		tell w open b 2000 "in time"
		tell w end b
	done
	# A later one is reported, so the earlier ones were not.
	tell w open b 1 "late"
	await w err '*"event":"timeout"*'
	tell w end b
	tell w end a
	finish w
	expect_values "late" "$T/w.err" timeout recorder.name
}

# A process that takes all it can get leaves room for others, which lose nothing.
test_greedy_process()
{
	start_worker w
	start_worker g
	attach a --json --max-recorders 1000 -o "$T/a.json" -p "${pid[w]},${pid[g]}"
	tell g hold 3000 3600000
	tell w open r 3600000 "modest"
	for i in 1 2 3; do tell w log r info "entry $i"; done
	tell w extend r 1
	until_true grep -q '"event":"timeout"' "$T/a.json"
	tell w end r
	finish w
	finish g
	stop a
	expect_values "modest	3	0" "$T/a.json" timeout recorder.name entries_total entries_lost
}

# A wheel node for each halving, in the life before of the slot that the next recorder gets.
test_deadlines_halved_again_and_again()
{
	run_worker w --json
	tell w open r 9000000000 "halved"
	for ms in 4000000000 2000000000 1000000000 500000000 250000000 100000000 50000000 20000000 10000000 4000000; do
		tell w extend r "$ms"
	done
	tell w end r
	tell w open r 1 "next"
	await w err '*"event":"timeout"*'
	tell w end r
	finish w
	expect_values "next" "$T/w.err" timeout recorder.name
	totals "$T/w.err" 2 1 0 0
}
