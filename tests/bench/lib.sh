# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Samples, rows of the table, and how programs are run under whatever watches them.

die() {
	printf 'bench: %s\n' "$*" >&2
	[ -s "$LOG" ] && tail -n 5 "$LOG" >&2
	exit 1
}

# take NAME COMMAND...: each line "what number" that it prints is a sample of NAME.what.
# Status 75: somebody else watched it, or nobody; once more then.
take() {
	local name=$1 try status output what number
	shift
	for try in 1 2 3 4 5 6 7 8 9 10; do
		status=0
		output=$("$@") || status=$?
		[ "$status" -eq 75 ] || break
		sleep "0.$try"
	done
	[ "$status" -eq 0 ] || die "$name: status $status of $*"
	while read -r what number; do
		printf '%s\n' "$number" >>"$RAW/$name.$what"
	done <<<"$output"
}

watched_by_memory() {
	LD_LIBRARY_PATH=$DIR BENCH_COLLECTORS=parent BENCH_LOOKERS=1 \
		taskset -c 0 "$BUILD/flightrec" run -o "${REPORTS:-/dev/null}" "$@" 2>>"$LOG"
}

# By probes.
watched() {
	LD_LIBRARY_PATH=$DIR BENCH_COLLECTORS=parent BENCH_WATCHERS=1 \
		taskset -c 0 "$BUILD/flightrec" run --probes -o "${REPORTS:-/dev/null}" "$@" 2>>"$LOG"
}

empty() {
	BENCH_COLLECTORS=parent BENCH_WATCHERS=1 taskset -c 0 "$DIR/floor" \
		"$DIR/libflightrec.so.0" "$DIR/cost+bench_bare_site" -- "$@" 2>>"$LOG"
}

# row NAME UNIT [vs NAME] [max LIMIT] LABEL: a line of the table. With "vs", LIMIT is for the ratio.
row() {
	local name=$1 unit=$2 base='' limit=''
	shift 2
	[ "$1" = vs ] && base=$2 && shift 2
	[ "$1" = max ] && limit=$2 && shift 2
	if [ ! -s "$RAW/$name" ]; then
		printf '%-66s %s\n' "$1" "not measured here"
		return
	fi
	[ -z "$base" ] || [ -s "$RAW/$base" ] || base=
	paste "$RAW/$name" "$RAW/${base:-$name}" | awk -v name="$name" -v unit="$unit" \
		-v base="$base" -v limit="$limit" -v label="$1" -v json="$ROWS" -f "$SOURCE/row.awk"
}

title() {
	printf '\n%-66s %10s %10s %10s %-9s %7s\n' "$1" median min max unit ratio
}
