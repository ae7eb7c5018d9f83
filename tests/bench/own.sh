# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What flightrec costs, and how it keeps its deadlines.

bench_calls() {
	for _ in $(seq "$REPEAT"); do
		take no_log env FLIGHTREC_MEMORY=0 "$DIR/cost" calls
		take unwatched "$DIR/cost" calls
		take by_memory watched_by_memory -- "$DIR/cost" calls
		take watched watched -- "$DIR/cost" calls
		take floor empty "$DIR/cost" calls
	done
	title 'Calls'
	row no_log.log ns max 2 'log call without memory log, nobody watching'
	row unwatched.log ns 'log call, nobody watching, two arguments, loop included'
	row by_memory.log ns vs unwatched.log max 1.25 'log call, watched by memory'
	row no_log.pair ns 'begin and end without memory log, nobody watching'
	row unwatched.pair ns 'begin and end, nobody watching'
	row by_memory.pair ns vs unwatched.pair max 1.25 'begin and end, watched by memory'
	row floor.bare ns 'trap alone: a nop in a loop, empty BPF program'
	row floor.log ns 'log call, empty BPF program on the same probe site'
	row watched.log ns vs floor.log max 1.4 'log call, watched by probes'
	row floor.pair ns 'begin and end, empty BPF programs'
	row watched.pair ns vs floor.pair max 1.5 'begin and end, watched by probes'
}

bench_collector() {
	take collector watched -- "$DIR/cost" on-time 10000000
	title 'Collector, 10 million entries of recorders that end in time'
	row collector.collector_ns_per_entry ns max 150 'CPU for an entry'
	row collector.collector_wakeups_per_million count 'wake-ups for a million entries'
	row collector.collector_rss_kib_tenth KiB \
		'resident after 1 million, beside BPF maps and ring'
	row collector.collector_rss_kib_end KiB vs collector.collector_rss_kib_tenth max 1.01 \
		'resident after 10 million (flat; 64 MiB or less)'
	row collector.collector_maps_kib_end KiB 'BPF maps and ring, resident in the collector'
}

bench_open() {
	for _ in $(seq "$REPEAT_LONG"); do
		take open watched --max-recorders 1200000 -- \
			"$DIR/deadlines" open 1000 100000 1000000
		take open_unwatched "$DIR/deadlines" open 1000 100000 1000000
	done
	title 'Opening plus closing, watched, while others are open'
	row open.pair_at_1000 ns 'one more, 1,000 open'
	row open.pair_at_100000 ns vs open.pair_at_1000 max 1.3 'one more, 100,000 open'
	row open.pair_at_1000000 ns vs open.pair_at_1000 max 1.6 'one more, 1,000,000 open'
	row open_unwatched.any_at_1000 ns 'any one closed and opened, nobody watching, 1,000 open'
	row open_unwatched.any_at_1000000 ns vs open_unwatched.any_at_1000 \
		'any one, nobody watching, 1,000,000 open (caches miss)'
	row open.any_at_1000 ns 'any one closed and opened, 1,000 open'
	row open.any_at_100000 ns vs open.any_at_1000 'any one, 100,000 open (caches miss)'
	row open.any_at_1000000 ns vs open.any_at_1000 'any one, 1,000,000 open (caches miss)'
}

# due NAME OPEN DUE GAP: kernel lateness, and that of the reports.
due() {
	REPORTS=$DIR/reports.json
	take "$1" watched --format json -- "$DIR/deadlines" due "$2" "$3" "$4" "$DIR/due.txt"
	take "$1" "$DIR/lateness" "$DIR/due.txt" "$REPORTS"
	rm -f "$REPORTS" "$DIR/due.txt"
	REPORTS=
}

lateness_rows() {
	row "$1.kernel_p50" ms "$3: seen by the kernel, p50"
	row "$1.kernel_p99" ms max "$2" "$3: seen by the kernel, p99"
	row "$1.kernel_max" ms "$3: seen by the kernel, max"
	row "$1.p50" ms "$3: reported, p50"
	row "$1.p99" ms max "$2" "$3: reported, p99"
	row "$1.max" ms "$3: reported, max"
	row "$1.missing" count max 0 "$3: not reported"
	row "$1.early" count max 0 "$3: reported too early"
}

bench_lateness() {
	due late1 1 300 10000000
	due late1000 1000 300 10000000
	due late100000 100000 300 10000000
	for _ in $(seq "$REPEAT_LONG"); do
		due late10000 1 10000 1000
	done
	title 'Lateness: from the deadline'
	lateness_rows late1 2 '1 open, 300 due one by one'
	lateness_rows late1000 2 '1,000 open, 300 due one by one'
	lateness_rows late100000 2 '100,000 open, 300 due one by one'
	lateness_rows late10000 10 '10,000 due in the same 10 ms'
}

# accounts NAME: of each recorder, how many entries were emitted, replayed and reported lost.
accounts() {
	local who emitted
	for who in flood quiet; do
		emitted=$(tail -n 1 "$RAW/$1.${who}_emitted")
		jq -r --arg who "$who" --argjson emitted "$emitted" '
			select(.event == "replay" and .recorder.name == $who) |
			"\($who)_lost_percent \(100 * .entries_lost / $emitted)",
			"\($who)_ring_percent \(100 * (.entries_lost - (.entries_gap.lost // 0)) / $emitted)",
			"\($who)_unaccounted \($emitted - (.entries | length) - .entries_lost | fabs)"
			' "$REPORTS"
	done
}

bench_losses() {
	local size
	for _ in $(seq "$REPEAT_LONG"); do
		for size in 16M 64K; do
			REPORTS=$DIR/reports.json
			take "losses$size" watched --format json --buffer "$size" -- "$DIR/flood" 1000
			take "losses$size" accounts "losses$size"
			rm -f "$REPORTS"
			REPORTS=
		done
	done
	title 'Losses: one process logs without pause, one an entry a millisecond'
	for size in 16M 64K; do
		row "losses$size.flood_rate" /s "--buffer $size: entries, of the first"
		row "losses$size.flood_ring_percent" % "--buffer $size: of these refused by the ring"
		row "losses$size.quiet_lost_percent" % max 0 "--buffer $size: of the second lost"
		row "losses$size.flood_unaccounted" count max 0 \
			"--buffer $size: of the first neither replayed nor reported lost"
		row "losses$size.quiet_unaccounted" count max 0 \
			"--buffer $size: of the second neither replayed nor reported lost"
	done
}

bench_idle() {
	# At once: neither does anything.
	(take idle0 watched -- "$DIR/deadlines" idle 0 10) &
	take idle watched -- "$DIR/deadlines" idle 100000 10
	wait $! || die 'idle: failed'
	if [ -s "$RAW/idle.kernel_percent" ]; then
		paste "$RAW/idle.kernel_percent" "$RAW/idle.collector_percent" |
			awk '{ print $1 + $2 }' >"$RAW/idle.percent"
	fi
	title 'Nothing due, for 10 s'
	row idle0.ticks count max 0 'none open: timer ticks'
	row idle0.wakeups count max 0 'none open: collector wake-ups'
	row idle.ticks count '100,000 open: timer ticks'
	row idle.wakeups count '100,000 open: collector wake-ups'
	row idle.percent % max 1 '100,000 open: CPU of the timer and the collector, of one core'
}
