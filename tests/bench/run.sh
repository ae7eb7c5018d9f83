#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make bench: run.sh [NAME...]. See README.md.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
export LC_ALL=C

SOURCE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${BUILD:-build}" && pwd)
DIR=$BUILD/bench
RAW=$DIR/raw
LOG=$DIR/run.log
ROWS=$DIR/rows
REPEAT=${REPEAT:-5}
REPEAT_LONG=${REPEAT_LONG:-3}
export REPORTS=
NAMES='calls collector open lateness idle losses peers load'

# shellcheck source=lib.sh
. "$SOURCE/lib.sh"
# shellcheck source=own.sh
. "$SOURCE/own.sh"
# shellcheck source=peers.sh
. "$SOURCE/peers.sh"
# shellcheck source=load.sh
. "$SOURCE/load.sh"

version() {
	"$@" 2>/dev/null | head -n 1 | sed 's/[^ -~]//g; s/["\\]//g' || true
}

write_json() {
	local cpu
	cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	{
		printf '{"kernel":"%s","machine":"%s","cpu":"%s","cpus":%s,' "$(uname -r)" \
			"$(uname -m)" "$cpu" "$(nproc)"
		printf '"flightrec":"%s","bpftrace":"%s","lttng":"%s","redis":"%s","rows":[\n' \
			"$(version "$BUILD/flightrec" --version)" "$(version bpftrace --version)" \
			"$(version lttng --version)" "$(version redis-cli --version)"
		sed '$!s/$/,/' "$ROWS"
		printf ']}\n'
	} >"$BUILD/bench.json"
}

[ "$(id -u)" -eq 0 ] || { echo 'bench: must be root, to load BPF programs' >&2; exit 1; }
[ "$(nproc)" -ge 2 ] || { echo 'bench: needs two CPUs' >&2; exit 1; }
for name in "$@"; do
	[[ " $NAMES " == *" $name "* ]] ||
		{ echo "bench: no such bench: $name; there are: $NAMES" >&2; exit 2; }
done

rm -rf "$RAW"
mkdir -p "$RAW"
: >"$LOG"
: >"$ROWS"
export BENCH_DIR=$DIR
trap lttng_stop EXIT

printf 'kernel %s, %s CPUs, load %s; observed program on CPU 1, collector on CPU 0\n' \
	"$(uname -r)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
read -ra ALL <<<"$NAMES"
[ $# -gt 0 ] || set -- "${ALL[@]}"
for name in "$@"; do
	"bench_$name"
done
write_json
awk '/ lost$/ { runs++; lost += $(NF - 1) }
	END { printf "\n%d runs watched, %d entries lost; ", runs, lost }' "$LOG"
printf 'build/bench.json written; %d s\n' "$SECONDS"
