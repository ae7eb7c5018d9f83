#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# redis_sample.sh SOCKET WATCHERS AT_ONCE: what redis-benchmark says of the server's instrumented GET, each
# of its clients sending AT_ONCE requests before it waits: requests a second, and percentiles of their
# latency in us. Ends with 75 if not WATCHERS watch the server.
set -eu
socket=$1 watchers=$2 at_once=$3

are_watching() { [ "$(redis-cli -s "$socket" bench.watchers)" = "$watchers" ] || exit 75; }

requests()
{
	taskset -c 0 redis-benchmark -s "$socket" -c 50 -P "$at_once" -r 10000 --csv -n "$1" \
		bench.get user:__rand_int__
}

are_watching
requests 20000 >/dev/null
result=$(requests $((at_once > 1 ? 400000 : 150000)))
are_watching
awk -F , '{ gsub(/"/, "") }
	$2 + 0 > 0 { printf "rate %.0f\np50 %.0f\np99 %.0f\n", $2, 1000 * $5, 1000 * $7 }' <<<"$result"
