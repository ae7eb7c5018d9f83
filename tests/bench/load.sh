# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# How much it changes a real server: redis-server with a recorder for each request, and redis-benchmark.

# server_start MODULE: sets SERVER, its process
server_start() {
	rm -f "$SOCKET"
	# One program under two names: the package of the other one would start a service.
	ln -sf "$(command -v redis-server || command -v redis-check-rdb)" "$DIR/redis-server"
	taskset -c 1 "$DIR/redis-server" --port 0 --unixsocket "$SOCKET" --save '' --daemonize no \
		--dir "$DIR" --loadmodule "$DIR/$1.so" >>"$LOG" 2>&1 &
	SERVER=$!
	until redis-cli -s "$SOCKET" ping >>"$LOG" 2>&1; do
		kill -0 "$SERVER" 2>/dev/null || die 'load: redis-server did not start'
		sleep 0.05
	done
	taskset -c 0 redis-benchmark -s "$SOCKET" -n 100000 -r 10000 --csv \
		set user:__rand_int__ 'forty-eight bytes, as a small record might have' >>"$LOG"
}

server_stop() {
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null || true
}

# attached COMMAND...: while the server is watched, as one that runs already is
attached() {
	local collector line status=0
	rm -f "$DIR/attached"
	mkfifo "$DIR/attached"
	taskset -c 0 "$BUILD/flightrec" attach --probes -p "$SERVER" >>"$LOG" 2>"$DIR/attached" &
	collector=$!
	exec 9<"$DIR/attached"
	IFS= read -r line <&9
	[[ $line = 'flightrec: watching'* ]] || die "load: $line"
	"$@" || status=$?
	kill "$collector"
	cat <&9 >>"$LOG"
	exec 9<&-
	wait "$collector" || true
	return "$status"
}

bench_load() {
	local sample at_once lttng='' SOCKET=$DIR/redis.sock SERVER
	if ! command -v redis-check-rdb >/dev/null || ! command -v redis-benchmark >/dev/null; then
		printf '\nload: needs redis-server and redis-benchmark\n'
		return
	fi
	sample=(bash "$SOURCE/redis_sample.sh" "$SOCKET")
	lttng_start && [ -e "$DIR/redis_module_lttng.so" ] && lttng=1
	for _ in $(seq "$REPEAT"); do
		server_start redis_module
		for at_once in 1 16; do
			take "load$at_once" "${sample[@]}" 0 "$at_once"
			take "load_watched$at_once" attached "${sample[@]}" 1 "$at_once"
			take "load_floor$at_once" empty "${sample[@]}" 1 "$at_once"
		done
		server_stop
		[ -n "$lttng" ] || continue
		server_start redis_module_lttng
		for at_once in 1 16; do
			take "load_lttng$at_once" "${sample[@]}" 0 "$at_once"
		done
		server_stop
	done
	lttng_stop
	load_rows 1 'redis-benchmark, 50 clients, redis-server with a recorder of 2 entries for each GET'
	load_rows 16 'The same, each client sending 16 requests at once'
}

# load_rows AT_ONCE TITLE
load_rows() {
	title "$2"
	row "load$1.rate" /s 'requests: unwatched'
	row "load_lttng$1.rate" /s vs "load$1.rate" 'requests: LTTng-UST'
	row "load_floor$1.rate" /s vs "load$1.rate" 'requests: empty BPF program, same probes'
	row "load_watched$1.rate" /s vs "load$1.rate" 'requests: watched'
	row "load$1.p99" us 'latency p99: unwatched'
	row "load_lttng$1.p99" us vs "load$1.p99" 'latency p99: LTTng-UST'
	row "load_floor$1.p99" us vs "load$1.p99" 'latency p99: empty BPF program, same probes'
	row "load_watched$1.p99" us vs "load$1.p99" 'latency p99: watched'
	row "load$1.cpu" us 'CPU of the server for a request: unwatched'
	row "load_lttng$1.cpu" us vs "load$1.cpu" 'CPU for a request: LTTng-UST'
	row "load_floor$1.cpu" us vs "load$1.cpu" 'CPU for a request: empty BPF program, same probes'
	row "load_watched$1.cpu" us vs "load$1.cpu" 'CPU for a request: watched'
}
