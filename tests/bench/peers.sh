# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The same work, recorded by others.

# with_bpftrace COMMAND...: it attaches to running programs only.
with_bpftrace() {
	local pid tracer status=0
	sed "s|LIBRARY|$DIR/libflightrec.so.0|" "$SOURCE/recorders.bt" >"$DIR/recorders.bt"
	rm -f "$DIR/go"
	mkfifo "$DIR/go"
	BENCH_WAIT=1 BENCH_WATCHERS=1 "$@" <"$DIR/go" &
	pid=$!
	exec 9>"$DIR/go"
	taskset -c 0 bpftrace -q -p "$pid" "$DIR/recorders.bt" >>"$LOG" 2>&1 &
	tracer=$!
	echo "$tracer" >&9
	exec 9>&-
	wait "$pid" || status=$?
	wait "$tracer" || true
	return "$status"
}

lttng_start() {
	[ -x "$DIR/shapes-lttng" ] && command -v lttng-sessiond >/dev/null || return 1
	LTTNG_DAEMON=
	if ! pgrep -x lttng-sessiond >/dev/null; then
		taskset -c 0 lttng-sessiond --daemonize --no-kernel \
			--pidfile="$DIR/lttng.pid" >>"$LOG" 2>&1 || return 1
		LTTNG_DAEMON=$(cat "$DIR/lttng.pid")
	fi
	lttng --no-sessiond create flightrec-bench --snapshot --output="$DIR/lttng" >>"$LOG" 2>&1 &&
		lttng --no-sessiond enable-event -u 'flightrec_bench:*' >>"$LOG" 2>&1 &&
		lttng --no-sessiond start >>"$LOG" 2>&1
}

lttng_stop() {
	[ -n "${LTTNG_DAEMON+set}" ] || return 0
	lttng --no-sessiond destroy flightrec-bench >>"$LOG" 2>&1 || true
	if [ -n "$LTTNG_DAEMON" ] && kill "$LTTNG_DAEMON" 2>/dev/null; then
		# Its successor would take it for somebody else's.
		while kill -0 "$LTTNG_DAEMON" 2>/dev/null; do sleep 0.05; done
	fi
	unset LTTNG_DAEMON
}

# with_lttng COMMAND...
with_lttng() {
	local daemons
	daemons=$(pgrep -x 'lttng-sessiond|lttng-consumerd' | paste -sd' ')
	BENCH_COLLECTORS=$daemons BENCH_WATCHERS=1 "$@" 2>>"$LOG"
}

with_sink() {
	local sink status=0
	rm -f "$DIR/log.sock"
	taskset -c 0 "$DIR/sink" "$DIR/log.sock" &
	sink=$!
	while [ ! -S "$DIR/log.sock" ]; do sleep 0.01; done
	BENCH_COLLECTORS=$sink BENCH_SOCKET=$DIR/log.sock "$@" || status=$?
	kill "$sink"
	wait "$sink" 2>/dev/null || true
	rm -f "$DIR/log.sock"
	return "$status"
}

peer_rows() {
	local shape=$1
	row "way_unwatched.ns_$shape" ns vs "way_floor.ns_$shape" "$2: flightrec, nobody watching"
	row "way_floor.ns_$shape" ns vs "way_floor.ns_$shape" "$2: empty BPF program, same probes"
	row "way_watched.ns_$shape" ns vs "way_floor.ns_$shape" "$2: flightrec, watched"
	row "way_bpftrace.ns_$shape" ns vs "way_floor.ns_$shape" "$2: bpftrace on our probes"
	row "way_lttng.ns_$shape" ns vs "way_floor.ns_$shape" "$2: LTTng-UST, snapshot session"
	row "way_unbuffered.ns_$shape" ns vs "way_floor.ns_$shape" "$2: fprintf, unbuffered"
	row "way_buffered.ns_$shape" ns vs "way_floor.ns_$shape" "$2: fprintf, buffered"
	row "way_syslog.ns_$shape" ns vs "way_floor.ns_$shape" "$2: syslog"
}

bench_peers() {
	local lttng='' way
	lttng_start && lttng=1
	for _ in $(seq "$REPEAT"); do
		take way_unwatched "$DIR/shapes" flightrec
		take way_watched watched -- "$DIR/shapes" flightrec
		take way_floor empty "$DIR/shapes" flightrec
		[ -z "$lttng" ] || take way_lttng with_lttng "$DIR/shapes-lttng" lttng
		! command -v bpftrace >/dev/null ||
			take way_bpftrace with_bpftrace "$DIR/shapes" flightrec
		take way_unbuffered "$DIR/shapes" unbuffered
		take way_buffered "$DIR/shapes" buffered
		take way_syslog with_sink "$DIR/shapes" syslog
	done
	lttng_stop
	for threads in 1 2; do
		title "A recorder, in each of $threads thread(s): ratio to the empty BPF program"
		for entries in 0 4 32; do
			peer_rows "${entries}_$threads" "$entries entries"
		done
	done
	title 'CPU in the collector, for a recorder of 32 entries, one thread'
	for way in watched bpftrace lttng syslog; do
		row "way_$way.cpu_32_1" ns vs way_watched.cpu_32_1 "$way"
	done
	title 'Threads that it adds to the process'
	for way in watched bpftrace lttng unbuffered syslog; do
		row "way_$way.threads" count "$way"
	done
}
