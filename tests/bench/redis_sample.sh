#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# redis_sample.sh SOCKET WATCHERS AT_ONCE: what redis-benchmark says of the server's instrumented GET, each
# of its clients sending AT_ONCE requests before it waits: requests a second, and percentiles of their
# latency in us, and what CPU time the server's thread took for each. Ends with 75 if not WATCHERS watch
# the server.
set -eu
socket=$1 watchers=$2 at_once=$3

are_watching() { [ "$(redis-cli -s "$socket" bench.watchers)" = "$watchers" ] || exit 75; }

requests()
{
	taskset -c 0 redis-benchmark -s "$socket" -c 50 -P "$at_once" -r 10000 --csv -n "$1" \
		bench.get user:__rand_int__
}

cpu_seconds() { redis-cli -s "$socket" info cpu | awk -F : '/_main_thread/ { sum += $2 } END { print sum }'; }

count=$((at_once > 1 ? 400000 : 150000))
are_watching
requests 20000 >/dev/null
before=$(cpu_seconds)
result=$(requests $count)
after=$(cpu_seconds)
are_watching
awk -F , '{ gsub(/"/, "") }
	$2 + 0 > 0 { printf "rate %.0f\np50 %.0f\np99 %.0f\n", $2, 1000 * $5, 1000 * $7 }' <<<"$result"
awk -v before="$before" -v after="$after" -v count=$count \
	'BEGIN { printf "cpu %.3f\n", 1e6 * (after - before) / count }'
