# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Many recorders, many processes: every deadline is kept, and every entry is accounted for.

storm=$FLIGHTREC_TESTS/storm
emitter=$FLIGHTREC_TESTS/emitter
jsoncheck=$FLIGHTREC_TESTS/jsoncheck

# verdicts_hold NAME: the reports agree with what storm says of its recorders
verdicts_hold()
{
	values "$T/$1.json" timeout recorder.id recorder.timeout_ms recorder.age_ms
	awk '
		NR == FNR { said[$1] = $2; next }
		$3 < $2 { print "early: " $0; bad = 1 }
		reported[$1]++ { print "twice: " $1; bad = 1 }
		said[$1] == "in-time" { print "in time, but reported: " $1; bad = 1 }
		END {
			for (id in said)
				if (said[id] == "late" && !reported[id]) {
					print "late, not reported: " id
					bad = 1
				}
			exit bad
		}' "$T/$1.out" - <<<"$VALUES" || fail "reports are not what happened"
	# Each was closed in the end, which is reported once.
	values "$T/$1.json" finished recorder.id
	[[ $(sort <<<"$VALUES" | uniq | wc -l) = "$(grep -c '"event":"timeout"' "$T/$1.json")" ]] ||
		fail "closings and timeouts differ in number"
}

test_storm_of_deadlines()
{
	launch s "$FLIGHTREC" run --json -o "$T/s.json" -- "$storm" 1 5000
	join s
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	valid_json "$T/s.json"
	verdicts_hold s
	expect_lines "$T/s.err" '^flightrec: 5000 recorders opened, .* 5000 entries seen, 0 lost$' 1
}

# holds_a_log PID: flightrec has opened a process's log
holds_a_log() { ls -l "/proc/$1/fd" | grep -q '/dev/zero'; }

# There is no room for all notices, but the slots tell what happened.
test_storm_while_the_collector_is_stopped()
{
	# It is work for some seconds, and others may want the CPUs too.
	local limit=$((60 * slow))

	launch s "$FLIGHTREC" run --json -o "$T/s.json" -- "$storm" 2 60000
	await s out begins
	# By memory it must have opened the log first, to see it afterwards.
	[[ $WAY = probes ]] || until_true holds_a_log "${pid[s]}"
	kill -STOP "${pid[s]}"
	# Its output comes when it has opened and closed all.
	await s out '* *'
	kill -CONT "${pid[s]}"
	join s
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
	verdicts_hold s
}

test_by_probes_more_recorders_than_there_is_room_for()
{
	launch e "$FLIGHTREC" run --json --max-recorders 100 -o "$T/e.json" -- \
		"$emitter" "$T/counts" 250 4 600000
	await e out emitted
	end_input e
	join e
	# 150 had no room, and neither had their entries; the others go on.
	totals "$T/e.err" 250 0 1000 600
	expect_lines "$T/e.err" '^flightrec: 150 recorders were not tracked: ' 1
	values "$T/e.json" end recorders_untracked lost.untracked
	[[ $VALUES = "150	600" ]] || fail "untracked: $VALUES"
}

# account_for NAME COUNTS END: per recorder, sent = replayed + told one by one after the replay + said
# to be lost, by the replay or by the event END that says what became of it. Lines above what a
# process may write are held back, and counted for the process only: they are what is missing in all.
account_for()
{
	{
		"$emitter" "$2" | sed 's/^/counts /'
		"$jsoncheck" get "$T/$1.json" timeout recorder.id entries.# entries_lost |
			sed 's/^/timeout /'
		"$jsoncheck" get "$T/$1.json" entry recorder.id | sed 's/^/entry /'
		"$jsoncheck" get "$T/$1.json" "$3" recorder.id entries_lost entries_total |
			sed 's/^/end /'
		"$jsoncheck" get "$T/$1.json" held_back held_back | sed 's/^/held_back /'
	} >"$T/account"
	awk '
		$1 == "counts" { begun[$2] = $3; done[$2] = $4 }
		$1 == "timeout" { sum[$2] += $3 + $4 }
		$1 == "entry" { sum[$2]++ }
		$1 == "end" { sum[$2] += $3; total[$2] = $4 }
		$1 == "held_back" { held_back += $2 }
		END {
			for (id in begun) {
				if (sum[id] > total[id] || total[id] > begun[id] ||
				    total[id] < done[id]) {
					print id, "sent", done[id], "to", begun[id], "said",
						sum[id], "of", total[id]
					bad = 1
				}
				missing += total[id] - sum[id]
			}
			if (missing != held_back) {
				print missing, "are missing,", held_back + 0, "were held back"
				bad = 1
			}
			exit bad
		}' "$T/account" || fail "entries are not accounted for"
}

test_processes_that_flood_are_accounted_for()
{
	local i

	for i in 1 2 3 4; do
		launch "e$i" "$FLIGHTREC" run -q --json --buffer 32K -o "$T/e$i.json" -- \
			"$emitter" "$T/counts$i" 20 500 $((1000 * slow))
	done
	for i in 1 2 3 4; do
		await "e$i" out emitted
		until_true has_lines "$T/e$i.json" '"event":"timeout"' 20
	done
	for i in 1 2 3 4; do
		end_input "e$i"
		join "e$i"
		account_for "e$i" "$T/counts$i" finished
	done
}

test_by_probes_process_killed_while_it_floods()
{
	local child

	launch e "$FLIGHTREC" run -q --json --buffer 32K -o "$T/e.json" -- \
		"$emitter" "$T/counts" 10 0 200
	await e err 'flightrec: watching*'
	child=$(sed -E 's/.*pid ([0-9]+).*/\1/' <<<"$LINE")
	until_true has_lines "$T/e.json" '"event":"timeout"' 10
	kill -KILL "$child"
	join e
	[[ $STATUS = 137 ]] || fail "exit status $STATUS"
	account_for e "$T/counts" died
}
